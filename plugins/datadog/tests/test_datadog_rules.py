"""The Datadog rules keep what every rules plugin promises."""

import secretguard_datadog

from secretguard.testing import RulesPluginContract


class TestDatadogRules(RulesPluginContract):
    plugin = secretguard_datadog
