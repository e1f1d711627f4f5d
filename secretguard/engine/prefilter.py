"""All rules and encoded anchors as one Hyperscan database: the first, fast pass over everything.

The only module that imports hyperscan. A hit is a safe superset: it says where to look, not what is there.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import hyperscan

from secretguard.engine.text import merge
from secretguard.errors import RuleError
from secretguard.model import Rule

if TYPE_CHECKING:
    from secretguard.engine.anchors import EncodedAnchor

_FLAGS = hyperscan.HS_FLAG_MULTILINE
_BLANK = bytes(4096)
_MARGIN = 1024
_WIDEST = 512
"""Bytes of a hit: `rules.PREFILTER_WIDTH`."""
_SHARED = -1
"""The owner of an expression that several rules share."""
_NOT_BLANK = re.compile(rb"[^\0]")
_SAMPLES = 40
_BEFORE = (b"", b"some line before\n" * 8)


class Hits(NamedTuple):
    """Where to look: end offsets by rule number, and by encoded-anchor number."""

    rules: dict[int, list[int]]
    encoded: dict[int, list[int]]
    matched: frozenset[tuple[int, int]] | None = None
    """Where all the matches stand, if that is known; nothing else is judged then."""

    def __bool__(self) -> bool:
        return bool(self.rules or self.encoded)


Ends = list[tuple[int, int]]
"""Hits as (end offset, owner): `i` below the number of rules is rule `i`, the others are encoded anchors."""


class Prefilter(Protocol):
    """Anything that finds hits in a text."""

    def ends(self, data: bytes | bytearray | memoryview) -> Ends:
        """Return every hit in `data`, by end offset."""
        ...

    def scan(self, data: bytes) -> Hits:
        """Return every hit in `data` by rule and by encoded anchor."""
        ...

    def by_owner(self, ends: Ends) -> Hits:
        """Sort hits by what they belong to."""
        ...


class HyperscanPrefilter:
    """The compiled database; one per process, since the scratch space is not shared."""

    def __init__(self, compiled: "Compiled", rules: Sequence[Rule]) -> None:
        """`compiled` must come from a trusted place: Hyperscan does not check what it deserialises."""
        self._database = _loaded(compiled.database)
        self._apart = compiled.apart
        self._owners, self._owners_apart = compiled.owners, compiled.owners_apart
        self._rules = len(rules)
        self._missed = tuple((number, _compiled(rules[number].prefilters[index])) for number, index in compiled.missed)

    @cached_property
    def _database_apart(self) -> hyperscan.Database:
        return _loaded(self._apart)

    def ends(self, data: bytes | bytearray | memoryview) -> Ends:
        """Return every hit in `data`: all end offsets of all expressions."""
        found: Ends = []
        owners = self._owners

        begin = 0

        def on_hit(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((begin + end, owners[expression]))

        data = bytes(data) if isinstance(data, memoryview) else data
        for begin, stretch in _without_blanks(data):  # noqa: B007
            self._database.scan(stretch, match_event_handler=on_hit)  # type: ignore[type-var]  # it takes any buffer
        if shared := {end for end, owner in found if owner == _SHARED}:
            found = [hit for hit in found if hit[1] != _SHARED]
            found += self._told_apart(data, shared)
        for number, expression in self._missed:
            found += ((match.end(), number) for match in expression.finditer(data))
        return found

    def _told_apart(self, data: bytes | bytearray, ends: Collection[int]) -> Iterator[tuple[int, int]]:
        """Yield whose the hits of shared expressions are, which end at `ends`."""
        found: Ends = []

        def on_hit(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((low + end, self._owners_apart[expression]))

        for low, high in merge([(max(0, end - _WIDEST), end) for end in ends]):
            self._database_apart.scan(bytes(data[low : high + 1]), match_event_handler=on_hit)
        return (hit for hit in found if hit[0] in ends)

    def scan(self, data: bytes) -> Hits:
        """Return every hit in `data` by rule and by encoded anchor."""
        return self.by_owner(self.ends(data))

    def by_owner(self, ends: Ends) -> Hits:
        """Sort hits by what they belong to."""
        rules: dict[int, list[int]] = {}
        encoded: dict[int, list[int]] = {}
        for end, owner in ends:
            if owner < self._rules:
                rules.setdefault(owner, []).append(end)
            else:
                encoded.setdefault(owner - self._rules, []).append(end)
        return Hits(rules, encoded)


def _serialised(expressions: Sequence[tuple[bytes, int, int]]) -> bytes:
    """Compile expressions, each with its owner and flags, into a database."""
    if not expressions:
        return b""
    texts, _, flags = zip(*expressions, strict=True)
    database = hyperscan.Database()
    database.compile(expressions=texts, ids=range(len(texts)), elements=len(texts), flags=flags)
    return bytes(hyperscan.dumpb(database))


def _loaded(serialised: bytes) -> hyperscan.Database:
    database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


def _compiled(prefilter: str) -> re.Pattern[bytes]:
    return re.compile(prefilter.encode(), re.MULTILINE)


def _without_blanks(data: bytes | bytearray) -> Iterator[tuple[int, bytes | bytearray]]:
    """Yield (offset, stretch) of what is not zeros alone, which keep the expressions of wide text busy for nothing.

    A margin wider than any expression stays, so that every hit is the same.
    """
    begin = 0
    while (blank := data.find(_BLANK, begin + _MARGIN)) >= 0:
        yield begin, data[begin : blank + _MARGIN]
        more = _NOT_BLANK.search(data, blank + len(_BLANK))
        if more is None:
            return
        begin = more.start() - _MARGIN
    yield begin, data[begin:] if begin else data


class Compiled(NamedTuple):
    """What `compile_prefilter` makes and the cache keeps."""

    database: bytes
    """Serialised by Hyperscan."""
    owners: tuple[int, ...]
    """Owner of each expression: `i` is rule `i`, `len(rules) + j` is encoded anchor `j`."""
    apart: bytes
    """The database of what the expressions that rules share stand for."""
    owners_apart: tuple[int, ...]
    missed: tuple[tuple[int, int], ...]
    """(rule, prefilter) of the expressions that Hyperscan gets wrong and Python's `re` runs instead."""


def compile_prefilter(rules: Sequence[Rule], anchors: "Sequence[EncodedAnchor]") -> Compiled:
    """Compile every prefilter and anchor. Raises RuleError naming the rule that Hyperscan refuses."""
    # A warm cache needs neither.
    from concurrent.futures import ThreadPoolExecutor

    from secretguard.engine.likenesses import shared

    several: list[tuple[bytes, int, int]] = []
    apart: list[tuple[bytes, int, int]] = []
    for expression, members in shared(rules):
        several.append((expression.encode(), members[0][0] if len(members) == 1 else _SHARED, _FLAGS))
        if len(members) > 1:
            apart += ((rules[rule].prefilters[index].encode(), rule, _FLAGS) for rule, index in members)
    for number, anchor in enumerate(anchors):
        caseless = hyperscan.HS_FLAG_CASELESS if anchor.caseless else 0
        several.append((anchor.expression, len(rules) + number, _FLAGS | caseless))
    with ThreadPoolExecutor(2) as pool:  # Hyperscan lets other threads run, and takes most of a cold start
        databases = [pool.submit(_serialised, one) for one in (several, apart)]
        texts = list(_sampled(rules))
        try:
            database, database_apart = (one.result() for one in databases)
        except hyperscan.HyperscanError as error:
            raise _named(error, rules) from None
    owners, owners_apart = (tuple(owner for _, owner, _ in one) for one in (several, apart))
    compiled = Compiled(database, owners, database_apart, owners_apart, ())
    return compiled._replace(missed=tuple(_missed(HyperscanPrefilter(compiled, rules), texts)))


def _missed(
    prefilter: HyperscanPrefilter, texts: Iterable[tuple[int, int, Sequence[bytes]]]
) -> Iterator[tuple[int, int]]:
    """Yield the prefilters that the database does not find in the texts of `_sampled`.

    Vectorscan 5.4 misses `(?:postgres|pg)[a-z]{0,32}password=` in `pgpassword=` when some 24 bytes stand before it:
    where an alternative of two bytes leads to a repeat before the longest literal. See docs/decisions.md.
    """
    for rule, index, some in texts:
        if any(len(text) not in prefilter.scan(text + b"\n").rules.get(rule, ()) for text in some):
            yield rule, index


def _sampled(rules: Sequence[Rule]) -> Iterator[tuple[int, int, Sequence[bytes]]]:
    """Yield each prefilter, as (rule, index), with texts at whose end it matches."""
    from secretguard.patterns import samples  # a warm cache needs none

    for number, rule in enumerate(rules):
        for index, expression in enumerate(rule.prefilters):
            pattern = _compiled(expression)
            some = samples(expression, _SAMPLES + 2 * expression.count("|"))
            texts = (before + sample for sample in some for before in _BEFORE)
            # A sample knows nothing of case folding and word boundaries: Python's own matcher has the word.
            yield number, index, [text for text in texts if _ends_at(pattern, text)]


def _ends_at(pattern: re.Pattern[bytes], text: bytes) -> bool:
    """Whether a match of `pattern` ends where `text` ends, before a line feed."""
    return any(match.end() == len(text) for match in pattern.finditer(text + b"\n"))


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
