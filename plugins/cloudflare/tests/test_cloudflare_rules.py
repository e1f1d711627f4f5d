"""The Cloudflare rules keep what every rules plugin promises."""

import secretguard_cloudflare

from secretguard.testing import RulesPluginContract


class TestCloudflareRules(RulesPluginContract):
    plugin = secretguard_cloudflare
