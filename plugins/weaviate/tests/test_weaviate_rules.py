"""The Weaviate rules keep what every rules plugin promises."""

import secretguard_weaviate

from secretguard.testing import RulesPluginContract


class TestWeaviateRules(RulesPluginContract):
    plugin = secretguard_weaviate
