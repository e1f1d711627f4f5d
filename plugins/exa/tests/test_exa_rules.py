"""The Exa rules keep what every rules plugin promises."""

import secretguard_exa

from secretguard.testing import RulesPluginContract


class TestExaRules(RulesPluginContract):
    plugin = secretguard_exa
