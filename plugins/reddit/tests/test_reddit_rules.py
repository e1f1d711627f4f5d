"""The Reddit rules keep what every rules plugin promises."""

import secretguard_reddit

from secretguard.testing import RulesPluginContract


class TestRedditRules(RulesPluginContract):
    plugin = secretguard_reddit
