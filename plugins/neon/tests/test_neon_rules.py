"""The Neon rules keep what every rules plugin promises."""

import secretguard_neon

from secretguard.testing import RulesPluginContract


class TestNeonRules(RulesPluginContract):
    plugin = secretguard_neon
