"""The Pinecone rules keep what every rules plugin promises."""

import secretguard_pinecone

from secretguard.testing import RulesPluginContract


class TestPineconeRules(RulesPluginContract):
    plugin = secretguard_pinecone
