"""The Fireworks AI rules keep what every rules plugin promises."""

import secretguard_fireworks

from secretguard.testing import RulesPluginContract


class TestFireworksRules(RulesPluginContract):
    plugin = secretguard_fireworks
