"""What plugin authors test with: the contract of a rules plugin, and `find`."""

from secretguard.testing.rules import RulesPluginContract, check_rule, find

__all__ = ["RulesPluginContract", "check_rule", "find"]
