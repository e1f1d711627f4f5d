import secretguard_redis

from secretguard.testing import RulesPluginContract


class TestRedisRules(RulesPluginContract):
    plugin = secretguard_redis
