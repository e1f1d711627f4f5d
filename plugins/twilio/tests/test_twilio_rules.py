"""The Twilio rules keep what every rules plugin promises."""

import secretguard_twilio

from secretguard.testing import RulesPluginContract


class TestTwilioRules(RulesPluginContract):
    plugin = secretguard_twilio
