"""The Anyscale rules keep what every rules plugin promises."""

import secretguard_anyscale

from secretguard.testing import RulesPluginContract


class TestAnyscaleRules(RulesPluginContract):
    plugin = secretguard_anyscale
