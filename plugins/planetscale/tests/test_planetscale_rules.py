"""The PlanetScale rules keep what every rules plugin promises."""

import secretguard_planetscale

from secretguard.testing import RulesPluginContract


class TestPlanetScaleRules(RulesPluginContract):
    plugin = secretguard_planetscale
