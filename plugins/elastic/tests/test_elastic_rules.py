"""The Elastic rules keep what every rules plugin promises."""

import secretguard_elastic

from secretguard.testing import RulesPluginContract


class TestElasticRules(RulesPluginContract):
    plugin = secretguard_elastic
