"""The Slack rules keep what every rules plugin promises."""

import secretguard_slack

from secretguard.testing import RulesPluginContract


class TestSlackRules(RulesPluginContract):
    plugin = secretguard_slack
