"""The Ollama rules keep what every rules plugin promises."""

import secretguard_ollama

from secretguard.testing import RulesPluginContract


class TestOllamaRules(RulesPluginContract):
    plugin = secretguard_ollama
