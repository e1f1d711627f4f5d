"""The MiniMax rules keep what every rules plugin promises."""

import secretguard_minimax

from secretguard.testing import RulesPluginContract


class TestMiniMaxRules(RulesPluginContract):
    plugin = secretguard_minimax
