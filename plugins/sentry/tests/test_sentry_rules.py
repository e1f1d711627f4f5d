"""The Sentry rules keep what every rules plugin promises."""

import secretguard_sentry

from secretguard.testing import RulesPluginContract


class TestSentryRules(RulesPluginContract):
    plugin = secretguard_sentry
