"""The Telegram rules keep what every rules plugin promises."""

import secretguard_telegram

from secretguard.testing import RulesPluginContract


class TestTelegramRules(RulesPluginContract):
    plugin = secretguard_telegram
