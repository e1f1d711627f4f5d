"""The Clerk rules keep what every rules plugin promises."""

import secretguard_clerk

from secretguard.testing import RulesPluginContract


class TestClerkRules(RulesPluginContract):
    plugin = secretguard_clerk
