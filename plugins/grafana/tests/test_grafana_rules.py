"""The Grafana rules keep what every rules plugin promises."""

import secretguard_grafana

from secretguard.testing import RulesPluginContract


class TestGrafanaRules(RulesPluginContract):
    plugin = secretguard_grafana
