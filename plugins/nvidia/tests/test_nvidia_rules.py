"""The NVIDIA rules keep what every rules plugin promises."""

import secretguard_nvidia

from secretguard.testing import RulesPluginContract


class TestNvidiaRules(RulesPluginContract):
    plugin = secretguard_nvidia
