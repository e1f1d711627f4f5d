"""The DeepSeek rules keep what every rules plugin promises."""

import secretguard_deepseek

from secretguard.testing import RulesPluginContract


class TestDeepSeekRules(RulesPluginContract):
    plugin = secretguard_deepseek
