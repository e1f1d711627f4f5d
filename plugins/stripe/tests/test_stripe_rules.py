"""The Stripe rules keep what every rules plugin promises."""

import secretguard_stripe

from secretguard.testing import RulesPluginContract


class TestStripeRules(RulesPluginContract):
    plugin = secretguard_stripe
