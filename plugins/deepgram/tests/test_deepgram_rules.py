"""The Deepgram rules keep what every rules plugin promises."""

import secretguard_deepgram

from secretguard.testing import RulesPluginContract


class TestDeepgramRules(RulesPluginContract):
    plugin = secretguard_deepgram
