"""The Upstage rules keep what every rules plugin promises."""

import secretguard_upstage

from secretguard.testing import RulesPluginContract


class TestUpstageRules(RulesPluginContract):
    plugin = secretguard_upstage
