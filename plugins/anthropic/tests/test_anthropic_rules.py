"""The Anthropic rules keep what every rules plugin promises."""

import secretguard_anthropic

from secretguard.testing import RulesPluginContract


class TestAnthropicRules(RulesPluginContract):
    plugin = secretguard_anthropic
