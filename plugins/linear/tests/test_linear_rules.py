"""The Linear rules keep what every rules plugin promises."""

import secretguard_linear

from secretguard.testing import RulesPluginContract


class TestLinearRules(RulesPluginContract):
    plugin = secretguard_linear
