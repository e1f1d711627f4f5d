"""The Railway rules keep what every rules plugin promises."""

import secretguard_railway

from secretguard.testing import RulesPluginContract


class TestRailwayRules(RulesPluginContract):
    plugin = secretguard_railway
