"""The Hugging Face rules keep what every rules plugin promises."""

import secretguard_huggingface

from secretguard.testing import RulesPluginContract


class TestHuggingFaceRules(RulesPluginContract):
    plugin = secretguard_huggingface
