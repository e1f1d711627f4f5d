"""The DigitalOcean rules keep what every rules plugin promises."""

import secretguard_digitalocean

from secretguard.testing import RulesPluginContract


class TestDigitalOceanRules(RulesPluginContract):
    plugin = secretguard_digitalocean
