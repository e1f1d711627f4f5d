"""The key file rules keep what every rules plugin promises."""

import secretguard_keys

from secretguard.testing import RulesPluginContract


class TestKeysRules(RulesPluginContract):
    plugin = secretguard_keys
