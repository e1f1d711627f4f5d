import secretguard_smtp

from secretguard.testing import RulesPluginContract


class TestSmtpRules(RulesPluginContract):
    plugin = secretguard_smtp
