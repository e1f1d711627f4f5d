"""The Kong rules keep what every rules plugin promises."""

import secretguard_kong

from secretguard.testing import RulesPluginContract


class TestKongRules(RulesPluginContract):
    plugin = secretguard_kong
