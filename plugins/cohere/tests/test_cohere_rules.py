"""The Cohere rules keep what every rules plugin promises."""

import secretguard_cohere

from secretguard.testing import RulesPluginContract


class TestCohereRules(RulesPluginContract):
    plugin = secretguard_cohere
