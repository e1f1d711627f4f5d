"""The Shopify rules keep what every rules plugin promises."""

import secretguard_shopify

from secretguard.testing import RulesPluginContract


class TestShopifyRules(RulesPluginContract):
    plugin = secretguard_shopify
