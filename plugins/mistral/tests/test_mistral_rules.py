"""The Mistral AI rules keep what every rules plugin promises."""

import secretguard_mistral

from secretguard.testing import RulesPluginContract


class TestMistralRules(RulesPluginContract):
    plugin = secretguard_mistral
