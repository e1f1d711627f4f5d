"""The Weights & Biases rules keep what every rules plugin promises."""

import secretguard_wandb

from secretguard.testing import RulesPluginContract


class TestWandbRules(RulesPluginContract):
    plugin = secretguard_wandb
