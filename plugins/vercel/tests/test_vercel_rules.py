"""The Vercel rules keep what every rules plugin promises."""

import secretguard_vercel

from secretguard.testing import RulesPluginContract


class TestVercelRules(RulesPluginContract):
    plugin = secretguard_vercel
