"""The Groq rules keep what every rules plugin promises."""

import secretguard_groq

from secretguard.testing import RulesPluginContract


class TestGroqRules(RulesPluginContract):
    plugin = secretguard_groq
