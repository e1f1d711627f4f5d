"""The Jina AI rules keep what every rules plugin promises."""

import secretguard_jina

from secretguard.testing import RulesPluginContract


class TestJinaRules(RulesPluginContract):
    plugin = secretguard_jina
