import secretguard_mssql

from secretguard.testing import RulesPluginContract


class TestMssqlRules(RulesPluginContract):
    plugin = secretguard_mssql
