import secretguard_clickhouse

from secretguard.testing import RulesPluginContract


class TestClickhouseRules(RulesPluginContract):
    plugin = secretguard_clickhouse
