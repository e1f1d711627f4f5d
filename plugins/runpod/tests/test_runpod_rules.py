"""The RunPod rules keep what every rules plugin promises."""

import secretguard_runpod

from secretguard.testing import RulesPluginContract


class TestRunPodRules(RulesPluginContract):
    plugin = secretguard_runpod
