"""The xAI rules keep what every rules plugin promises."""

import secretguard_xai

from secretguard.testing import RulesPluginContract


class TestXaiRules(RulesPluginContract):
    plugin = secretguard_xai
