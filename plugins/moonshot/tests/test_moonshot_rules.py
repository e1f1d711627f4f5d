"""The Moonshot AI rules keep what every rules plugin promises."""

import secretguard_moonshot

from secretguard.testing import RulesPluginContract


class TestMoonshotRules(RulesPluginContract):
    plugin = secretguard_moonshot
