"""The ElevenLabs rules keep what every rules plugin promises."""

import secretguard_elevenlabs

from secretguard.testing import RulesPluginContract


class TestElevenLabsRules(RulesPluginContract):
    plugin = secretguard_elevenlabs
