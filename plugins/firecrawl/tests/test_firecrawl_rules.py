"""The Firecrawl rules keep what every rules plugin promises."""

import secretguard_firecrawl

from secretguard.testing import RulesPluginContract


class TestFirecrawlRules(RulesPluginContract):
    plugin = secretguard_firecrawl
