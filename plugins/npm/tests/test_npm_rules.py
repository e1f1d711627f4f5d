"""The npm rules keep what every rules plugin promises."""

import secretguard_npm

from secretguard.testing import RulesPluginContract


class TestNpmRules(RulesPluginContract):
    plugin = secretguard_npm
