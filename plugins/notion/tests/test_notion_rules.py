"""The Notion rules keep what every rules plugin promises."""

import secretguard_notion

from secretguard.testing import RulesPluginContract


class TestNotionRules(RulesPluginContract):
    plugin = secretguard_notion
