"""The generic rules keep what every rules plugin promises."""

import secretguard_generic

from secretguard.testing import RulesPluginContract


class TestGenericRules(RulesPluginContract):
    plugin = secretguard_generic
