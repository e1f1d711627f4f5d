"""The NATS rules keep what every rules plugin promises."""

import secretguard_nats

from secretguard.testing import RulesPluginContract


class TestNatsRules(RulesPluginContract):
    plugin = secretguard_nats
