"""The AWS rules keep what every rules plugin promises."""

import secretguard_aws

from secretguard.testing import RulesPluginContract


class TestAwsRules(RulesPluginContract):
    plugin = secretguard_aws
