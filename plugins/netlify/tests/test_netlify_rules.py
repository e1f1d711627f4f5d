"""The Netlify rules keep what every rules plugin promises."""

import secretguard_netlify

from secretguard.testing import RulesPluginContract


class TestNetlifyRules(RulesPluginContract):
    plugin = secretguard_netlify
