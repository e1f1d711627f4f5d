"""The Atlassian rules keep what every rules plugin promises."""

import secretguard_atlassian

from secretguard.testing import RulesPluginContract


class TestAtlassianRules(RulesPluginContract):
    plugin = secretguard_atlassian
