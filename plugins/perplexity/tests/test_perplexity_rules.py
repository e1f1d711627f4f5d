"""The Perplexity rules keep what every rules plugin promises."""

import secretguard_perplexity

from secretguard.testing import RulesPluginContract


class TestPerplexityRules(RulesPluginContract):
    plugin = secretguard_perplexity
