"""The Postman rules keep what every rules plugin promises."""

import secretguard_postman

from secretguard.testing import RulesPluginContract


class TestPostmanRules(RulesPluginContract):
    plugin = secretguard_postman
