"""The Cerebras rules keep what every rules plugin promises."""

import secretguard_cerebras

from secretguard.testing import RulesPluginContract


class TestCerebrasRules(RulesPluginContract):
    plugin = secretguard_cerebras
