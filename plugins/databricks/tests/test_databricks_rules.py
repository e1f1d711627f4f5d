"""The Databricks rules keep what every rules plugin promises."""

import secretguard_databricks

from secretguard.testing import RulesPluginContract


class TestDatabricksRules(RulesPluginContract):
    plugin = secretguard_databricks
