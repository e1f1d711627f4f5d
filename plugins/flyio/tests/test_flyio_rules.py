"""The Fly.io rules keep what every rules plugin promises."""

import secretguard_flyio

from secretguard.testing import RulesPluginContract


class TestFlyioRules(RulesPluginContract):
    plugin = secretguard_flyio
