"""The PyPI rules keep what every rules plugin promises."""

import secretguard_pypi

from secretguard.testing import RulesPluginContract


class TestPypiRules(RulesPluginContract):
    plugin = secretguard_pypi
