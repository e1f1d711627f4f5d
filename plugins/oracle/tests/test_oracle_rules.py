import secretguard_oracle

from secretguard.testing import RulesPluginContract


class TestOracleRules(RulesPluginContract):
    plugin = secretguard_oracle
