"""The DataStax rules keep what every rules plugin promises."""

import secretguard_datastax

from secretguard.testing import RulesPluginContract


class TestDataStaxRules(RulesPluginContract):
    plugin = secretguard_datastax
