"""The Heroku rules keep what every rules plugin promises."""

import secretguard_heroku

from secretguard.testing import RulesPluginContract


class TestHerokuRules(RulesPluginContract):
    plugin = secretguard_heroku
