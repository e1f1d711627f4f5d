"""What plugin authors test with: contracts of plugins, `find`, and repositories built to be scanned."""

from secretguard.testing.exposure import exposure
from secretguard.testing.leak import build_leak
from secretguard.testing.manifest import ExpectedCredential, ExpectedPlace, Manifest, Planted, Text, text
from secretguard.testing.repository import RepositoryBuilder
from secretguard.testing.rewriting import RewriterContract
from secretguard.testing.rules import RulesPluginContract, check_rule, find
from secretguard.testing.store_place import StorePlace
from secretguard.testing.stores import StoreContract

__all__ = [
    "ExpectedCredential",
    "ExpectedPlace",
    "Manifest",
    "Planted",
    "RepositoryBuilder",
    "RewriterContract",
    "RulesPluginContract",
    "StoreContract",
    "StorePlace",
    "Text",
    "build_leak",
    "check_rule",
    "exposure",
    "find",
    "text",
]
