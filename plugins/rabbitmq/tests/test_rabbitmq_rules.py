import secretguard_rabbitmq

from secretguard.testing import RulesPluginContract


class TestRabbitmqRules(RulesPluginContract):
    plugin = secretguard_rabbitmq
