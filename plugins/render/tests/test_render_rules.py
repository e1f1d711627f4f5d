"""The Render rules keep what every rules plugin promises."""

import secretguard_render

from secretguard.testing import RulesPluginContract


class TestRenderRules(RulesPluginContract):
    plugin = secretguard_render
