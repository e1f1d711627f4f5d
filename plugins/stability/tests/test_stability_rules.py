"""The Stability AI rules keep what every rules plugin promises."""

import secretguard_stability

from secretguard.testing import RulesPluginContract


class TestStabilityRules(RulesPluginContract):
    plugin = secretguard_stability
