import secretguard_mysql

from secretguard.testing import RulesPluginContract


class TestMysqlRules(RulesPluginContract):
    plugin = secretguard_mysql
