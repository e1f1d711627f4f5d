"""The Zhipu AI rules keep what every rules plugin promises."""

import secretguard_zhipu

from secretguard.testing import RulesPluginContract


class TestZhipuRules(RulesPluginContract):
    plugin = secretguard_zhipu
