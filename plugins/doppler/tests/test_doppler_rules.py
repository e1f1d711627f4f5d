"""The Doppler rules keep what every rules plugin promises."""

import secretguard_doppler

from secretguard.testing import RulesPluginContract


class TestDopplerRules(RulesPluginContract):
    plugin = secretguard_doppler
