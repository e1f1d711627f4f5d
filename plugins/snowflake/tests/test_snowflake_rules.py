import secretguard_snowflake

from secretguard.testing import RulesPluginContract


class TestSnowflakeRules(RulesPluginContract):
    plugin = secretguard_snowflake
