"""The OpenAI rules keep what every rules plugin promises."""

import secretguard_openai

from secretguard.testing import RulesPluginContract


class TestOpenAIRules(RulesPluginContract):
    plugin = secretguard_openai
