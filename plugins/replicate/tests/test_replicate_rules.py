"""The Replicate rules keep what every rules plugin promises."""

import secretguard_replicate

from secretguard.testing import RulesPluginContract


class TestReplicateRules(RulesPluginContract):
    plugin = secretguard_replicate
