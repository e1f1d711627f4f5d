"""The SendGrid rules keep what every rules plugin promises."""

import secretguard_sendgrid

from secretguard.testing import RulesPluginContract


class TestSendGridRules(RulesPluginContract):
    plugin = secretguard_sendgrid
