"""The Google rules keep what every rules plugin promises."""

import secretguard_google

from secretguard.testing import RulesPluginContract


class TestGoogleRules(RulesPluginContract):
    plugin = secretguard_google
