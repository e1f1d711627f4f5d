"""The Supabase rules keep what every rules plugin promises."""

import secretguard_supabase

from secretguard.testing import RulesPluginContract


class TestSupabaseRules(RulesPluginContract):
    plugin = secretguard_supabase
