"""The sweep over a pack, beside each of its objects matched as a whole."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from secretguard.engine.prefilter import Ends, HyperscanPrefilter, Prefilter, compile_prefilter
from secretguard.rules import load_rules
from tests.git.crafted import OFFSET_DELTA, Entry, delta_of, write

Hits = dict[int, set[tuple[int, int]]]
Piece = bytes | tuple[int, int]
REACH = 513


def prefilter_of(*expressions: str) -> HyperscanPrefilter:
    """A small database; rule i is expression i."""
    rules = [
        f"  - {{id: rule-{number}, kind: acme, title: Acme, severity: low, pattern: '{expression}'}}\n"
        for number, expression in enumerate(expressions)
    ]
    loaded = load_rules("vendor: Acme\nrules:\n" + "".join(rules), "acme")
    compiled = compile_prefilter(loaded, ())
    assert compiled.missed == ()
    return HyperscanPrefilter(compiled, loaded)


def swept(
    reader: SimpleNamespace, pack: Any, prefilter: Prefilter, cuts: Sequence[int] = (), clean: Any = None
) -> Hits:
    """The hits by entry, in one stretch or in several; what is `clean` is known to all of them."""
    found: Hits = {}
    clean = clean or reader.clean_lines.CleanLines(12)
    for start, stop in pairwise((0, *sorted(cuts), len(pack))):
        for entry, data, ends in reader.sweep.sweep(reader.walk.Walk(pack, start, stop), prefilter, clean):
            assert entry not in found
            assert ends
            assert data == bytes(reader.packs.rebuild(pack, entry))
            found[entry] = set(ends)
    assert pack.failed == []
    return found


def matched_whole(reader: SimpleNamespace, pack: Any, prefilter: Prefilter, before: bytes = b"") -> Hits:
    """The hits by entry of each object by itself, or with something before it."""
    found: Hits = {}
    for one in reader.walk.Walk(pack, 0, len(pack)):
        if ends := prefilter.ends(before + bytes(one.data)):
            found[one.entry] = {(end - len(before), owner) for end, owner in ends}
    return found


def assert_same_hits(
    reader: SimpleNamespace,
    pack: Any,
    prefilter: Prefilter,
    cuts: Sequence[int] = (),
    at_the_end: frozenset[int] = frozenset(),
    clean: Any = None,
) -> Hits:
    """Theorem (a), also where the same lines come again; hits at the end of an object do not count for the owners
    `at_the_end`."""
    clean = clean or reader.clean_lines.CleanLines(12)
    found = swept(reader, pack, prefilter, cuts, clean)
    assert swept(reader, pack, prefilter, cuts, clean) == found
    whole = matched_whole(reader, pack, prefilter)
    for entry, hits in whole.items():
        size = len(reader.packs.rebuild(pack, entry)) if at_the_end else 0
        hits.difference_update({(size, owner) for owner in at_the_end})
    if found != whole:  # then by those that take the beginning of an object for the beginning of a second line
        most = matched_whole(reader, pack, prefilter, b"\n")
        for entry in {*found, *whole}:
            here = found.get(entry, set())
            assert whole.get(entry, set()) <= here, (entry, "missing", whole[entry] - here)
            assert here <= most.get(entry, set()), (entry, "too much", here - most.get(entry, set()))
    return whole


class Growing:
    """A pack of versions put together by hand, each from a base that is there already."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.contents: list[bytes] = []

    def whole(self, content: bytes) -> int:
        return self._add(Entry(content, id=self._next_id()), content)

    def version(self, base: int, *pieces: Piece) -> int:
        """Build a version of inserts and of copies (start, stop) from `base`."""
        old = self.contents[base]
        content = b"".join(piece if isinstance(piece, bytes) else old[piece[0] : piece[1]] for piece in pieces)
        instructions = [piece if isinstance(piece, bytes) else (piece[0], piece[1] - piece[0]) for piece in pieces]
        delta = delta_of(len(old), len(content), *(one for one in instructions if isinstance(one, bytes) or one[1] > 0))
        return self._add(Entry(delta, OFFSET_DELTA, self.entries[base], id=self._next_id()), content)

    def pack(self, reader: SimpleNamespace, folder: Path) -> Any:
        pack = reader.packs.open_pack(write(folder, self.entries), 20)
        assert pack.entries.content == len(self.entries)
        return pack

    def _next_id(self) -> bytes:
        return len(self.entries).to_bytes(20, "big")

    def _add(self, entry: Entry, content: bytes) -> int:
        self.entries.append(entry)
        self.contents.append(content)
        return len(self.entries) - 1


class Counting:
    """A prefilter that counts what it is given."""

    def __init__(self, prefilter: Prefilter) -> None:
        self.prefilter = prefilter
        self.bytes = 0
        self.calls = 0

    def ends(self, data: bytes | bytearray | memoryview) -> Ends:
        self.calls += 1
        self.bytes += len(data)
        return self.prefilter.ends(data)

    def scan(self, data: bytes) -> Any:
        raise AssertionError("the sweep wants ends")
