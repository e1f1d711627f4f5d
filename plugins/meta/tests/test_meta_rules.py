"""The Meta rules keep what every rules plugin promises."""

import secretguard_meta

from secretguard.testing import RulesPluginContract


class TestMetaRules(RulesPluginContract):
    plugin = secretguard_meta
