import secretguard_url

from secretguard.testing import RulesPluginContract


class TestUrlRules(RulesPluginContract):
    plugin = secretguard_url
