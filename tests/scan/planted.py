"""Files with Acme keys in them -> credentials, through the real engine with one small rule."""

import random
import string
from collections.abc import Mapping

from secretguard.model import Credential, Location, Occurrence, Place, Rule
from secretguard.rules import load_rules
from secretguard.scan.credentials import group
from secretguard.testing.rules import find_with

RULES: tuple[Rule, ...] = load_rules(
    """
rules:
  - {id: acme-key, kind: acme, title: Acme key, severity: high, pattern: 'acme_[A-Za-z0-9]{32}', machine_made: true}
  - {id: corp-key, kind: corp, title: Corp key, severity: high, pattern: 'corp_[A-Za-z0-9]{32}', machine_made: true}
""",
    "test",
)


def key(seed: int | str, prefix: str = "acme_") -> str:
    """A key that no file of this repository holds."""
    return prefix + "".join(random.Random(f"{prefix}{seed}").choices(string.ascii_letters + string.digits, k=32))


def scanned(
    files: Mapping[str, str], source: Place = Place.WORKTREE, *, rules: tuple[Rule, ...] = RULES, **where: object
) -> tuple[Credential, ...]:
    """Return the credentials in `files`."""
    return group(occurrences(files, source, rules=rules, **where))


def occurrences(
    files: Mapping[str, str], source: Place = Place.WORKTREE, *, rules: tuple[Rule, ...] = RULES, **where: object
) -> list[Occurrence]:
    """Return every match in `files`, each where it lies."""
    return [
        Occurrence(match, Location(source, path, match.blob, **where))  # type: ignore[arg-type]
        for path, text in files.items()
        for match in find_with(rules, text)
    ]


def id_of(value: str) -> str:
    """Return the id that a scan gives to `value`."""
    (credential,) = scanned({"file": f"x = '{value}'\n"})
    return credential.id
