"""The Langfuse rules keep what every rules plugin promises."""

import secretguard_langfuse

from secretguard.testing import RulesPluginContract


class TestLangfuseRules(RulesPluginContract):
    plugin = secretguard_langfuse
