"""The Voyage AI rules keep what every rules plugin promises."""

import secretguard_voyage

from secretguard.testing import RulesPluginContract


class TestVoyageRules(RulesPluginContract):
    plugin = secretguard_voyage
