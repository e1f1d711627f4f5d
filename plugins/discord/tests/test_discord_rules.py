"""The Discord rules keep what every rules plugin promises."""

import secretguard_discord

from secretguard.testing import RulesPluginContract


class TestDiscordRules(RulesPluginContract):
    plugin = secretguard_discord
