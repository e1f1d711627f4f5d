"""All rules and encoded anchors as one Hyperscan database: the first, fast pass over everything.

The only module that imports hyperscan. A hit is a safe superset: it says where to look, not what is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import hyperscan

from secretguard.engine.anchors import EncodedAnchor
from secretguard.errors import RuleError
from secretguard.model import Rule

_FLAGS = hyperscan.HS_FLAG_MULTILINE


@dataclass(frozen=True, slots=True)
class Hits:
    """Where to look: end offsets by rule number, and by encoded-anchor number."""

    rules: dict[int, list[int]]
    encoded: dict[int, list[int]]

    def __bool__(self) -> bool:
        return bool(self.rules or self.encoded)


class Prefilter(Protocol):
    """Anything that finds hits in a text."""

    def scan(self, data: bytes) -> Hits:
        """Return every hit in `data`."""
        ...


class HyperscanPrefilter:
    """The compiled database; one per process, since the scratch space is not shared."""

    def __init__(self, database: hyperscan.Database, owners: Sequence[int], rules: int) -> None:
        self._database = database
        self._owners = owners
        self._rules = rules

    def scan(self, data: bytes) -> Hits:
        """Return every hit in `data`: all end offsets of all expressions."""
        rules: dict[int, list[int]] = {}
        encoded: dict[int, list[int]] = {}
        owners, count = self._owners, self._rules

        def on_hit(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            owner = owners[expression]
            if owner < count:
                rules.setdefault(owner, []).append(end)
            else:
                encoded.setdefault(owner - count, []).append(end)

        self._database.scan(data, match_event_handler=on_hit)
        return Hits(rules, encoded)


def compile_database(rules: Sequence[Rule], anchors: Sequence[EncodedAnchor]) -> tuple[bytes, list[int]]:
    """Compile every prefilter; return the serialised database and the owner of each expression.

    Owner `i` is rule `i`, owner `len(rules) + j` is encoded anchor `j`. Raises RuleError naming the rule
    that Hyperscan refuses.
    """
    expressions: list[bytes] = []
    owners: list[int] = []
    flags: list[int] = []
    for number, rule in enumerate(rules):
        for prefilter in rule.prefilters:
            expressions.append(prefilter.encode())
            owners.append(number)
            flags.append(_FLAGS)
    for number, anchor in enumerate(anchors):
        expressions.append(anchor.expression)
        owners.append(len(rules) + number)
        flags.append(_FLAGS | (hyperscan.HS_FLAG_CASELESS if anchor.caseless else 0))
    database = hyperscan.Database()
    try:
        database.compile(expressions=expressions, ids=range(len(expressions)), elements=len(expressions), flags=flags)
    except hyperscan.HyperscanError as error:
        raise _named(error, rules) from None
    return bytes(hyperscan.dumpb(database)), owners


def load_database(serialised: bytes, owners: Sequence[int], rules: int) -> HyperscanPrefilter:
    """Undo `compile_database`. `serialised` must come from a trusted place: Hyperscan does not check it."""
    database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return HyperscanPrefilter(database, owners, rules)


def library_version() -> str:
    """Return what a serialised database depends on."""
    return str(getattr(hyperscan, "__version__", ""))


def _named(error: Exception, rules: Sequence[Rule]) -> RuleError:
    for rule in rules:
        for prefilter in rule.prefilters:
            try:
                hyperscan.Database().compile(expressions=[prefilter.encode()], ids=[0], elements=1, flags=[_FLAGS])
            except hyperscan.HyperscanError as reason:
                return RuleError(
                    f"{rule.plugin}: rule {rule.id!r}: the prefilter is refused: {reason}",
                    hint="Give the rule simpler `prefilters`.",
                )
    return RuleError(f"the rules do not compile together: {error}")
