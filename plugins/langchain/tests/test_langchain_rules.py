"""The LangChain rules keep what every rules plugin promises."""

import secretguard_langchain

from secretguard.testing import RulesPluginContract


class TestLangChainRules(RulesPluginContract):
    plugin = secretguard_langchain
