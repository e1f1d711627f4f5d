import secretguard_cassandra

from secretguard.testing import RulesPluginContract


class TestCassandraRules(RulesPluginContract):
    plugin = secretguard_cassandra
