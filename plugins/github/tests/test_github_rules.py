"""The GitHub rules keep what every rules plugin promises."""

import secretguard_github

from secretguard.testing import RulesPluginContract


class TestGitHubRules(RulesPluginContract):
    plugin = secretguard_github
