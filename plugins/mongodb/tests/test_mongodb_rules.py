"""The MongoDB rules keep what every rules plugin promises."""

import secretguard_mongodb

from secretguard.testing import RulesPluginContract


class TestMongodbRules(RulesPluginContract):
    plugin = secretguard_mongodb
