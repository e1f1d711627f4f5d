"""The Tavily rules keep what every rules plugin promises."""

import secretguard_tavily

from secretguard.testing import RulesPluginContract


class TestTavilyRules(RulesPluginContract):
    plugin = secretguard_tavily
