"""The Together AI rules keep what every rules plugin promises."""

import secretguard_together

from secretguard.testing import RulesPluginContract


class TestTogetherRules(RulesPluginContract):
    plugin = secretguard_together
