"""The Cursor rules keep what every rules plugin promises."""

import secretguard_cursor

from secretguard.testing import RulesPluginContract


class TestCursorRules(RulesPluginContract):
    plugin = secretguard_cursor
