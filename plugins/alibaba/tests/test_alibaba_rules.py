"""The Alibaba Cloud rules keep what every rules plugin promises."""

import secretguard_alibaba

from secretguard.testing import RulesPluginContract


class TestAlibabaRules(RulesPluginContract):
    plugin = secretguard_alibaba
