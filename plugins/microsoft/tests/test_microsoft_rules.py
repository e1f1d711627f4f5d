"""The Microsoft rules keep what every rules plugin promises."""

import secretguard_microsoft

from secretguard.testing import RulesPluginContract


class TestMicrosoftRules(RulesPluginContract):
    plugin = secretguard_microsoft
