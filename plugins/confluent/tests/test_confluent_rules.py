"""The Confluent rules keep what every rules plugin promises."""

import secretguard_confluent

from secretguard.testing import RulesPluginContract


class TestConfluentRules(RulesPluginContract):
    plugin = secretguard_confluent
