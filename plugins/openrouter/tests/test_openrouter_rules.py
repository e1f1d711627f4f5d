"""The OpenRouter rules keep what every rules plugin promises."""

import secretguard_openrouter

from secretguard.testing import RulesPluginContract


class TestOpenRouterRules(RulesPluginContract):
    plugin = secretguard_openrouter
