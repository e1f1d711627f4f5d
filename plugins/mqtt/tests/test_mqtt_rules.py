import secretguard_mqtt

from secretguard.testing import RulesPluginContract


class TestMqttRules(RulesPluginContract):
    plugin = secretguard_mqtt
