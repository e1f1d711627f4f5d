import secretguard_kafka

from secretguard.testing import RulesPluginContract


class TestKafkaRules(RulesPluginContract):
    plugin = secretguard_kafka
