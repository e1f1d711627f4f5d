"""The AI21 rules keep what every rules plugin promises."""

import secretguard_ai21

from secretguard.testing import RulesPluginContract


class TestAI21Rules(RulesPluginContract):
    plugin = secretguard_ai21
