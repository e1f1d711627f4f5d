"""The GitLab rules keep what every rules plugin promises."""

import secretguard_gitlab

from secretguard.testing import RulesPluginContract


class TestGitLabRules(RulesPluginContract):
    plugin = secretguard_gitlab
