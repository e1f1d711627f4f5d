"""The HashiCorp rules keep what every rules plugin promises."""

import secretguard_hashicorp

from secretguard.testing import RulesPluginContract


class TestHashiCorpRules(RulesPluginContract):
    plugin = secretguard_hashicorp
