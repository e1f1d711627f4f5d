"""What plugin authors test with: the contract of a rules plugin, `find`, and repositories built to be scanned."""

from secretguard.testing.leak import build_leak
from secretguard.testing.manifest import ExpectedCredential, ExpectedPlace, Manifest, Planted, Text, text
from secretguard.testing.repository import RepositoryBuilder
from secretguard.testing.rules import RulesPluginContract, check_rule, find

__all__ = [
    "ExpectedCredential",
    "ExpectedPlace",
    "Manifest",
    "Planted",
    "RepositoryBuilder",
    "RulesPluginContract",
    "Text",
    "build_leak",
    "check_rule",
    "find",
    "text",
]
