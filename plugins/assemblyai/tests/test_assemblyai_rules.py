"""The AssemblyAI rules keep what every rules plugin promises."""

import secretguard_assemblyai

from secretguard.testing import RulesPluginContract


class TestAssemblyAIRules(RulesPluginContract):
    plugin = secretguard_assemblyai
