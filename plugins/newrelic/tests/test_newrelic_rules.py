"""The New Relic rules keep what every rules plugin promises."""

import secretguard_newrelic

from secretguard.testing import RulesPluginContract


class TestNewRelicRules(RulesPluginContract):
    plugin = secretguard_newrelic
