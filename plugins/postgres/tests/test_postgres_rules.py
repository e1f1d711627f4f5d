import secretguard_postgres

from secretguard.testing import RulesPluginContract


class TestPostgresRules(RulesPluginContract):
    plugin = secretguard_postgres
