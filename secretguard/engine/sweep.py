"""Prefilter hits of all objects of a pack, from the lines that each version changes.

A prefilter expression matches within one line and at most `REACH` bytes wide, so whether it matches somewhere depends
on that line and so many bytes only. Where a version copies them from its base, it inherits the base's hits, moved; the
other lines of many versions stand together in one text and go through Hyperscan in one call. Each stands behind a line
feed, for which some expressions look (UTF-16); so an object's first line may have a hit more than it has by itself.
Theorem (a), tests/properties/test_sweep.py: the hits are those of every object scanned as a whole.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from secretguard.engine.prefilter import Ends, Prefilter
from secretguard.git.delta import add_windows, parse_with_room
from secretguard.git.packs import Rebuilt
from secretguard.rules import PREFILTER_WIDTH

REACH = PREFILTER_WIDTH + 1
_TEXT = 1 << 20
_ENOUGH = _TEXT - (_TEXT >> 2)
"""So much text is worth a call; what is left takes most deltas whole."""
_ROWS = 1 << 15
_COLUMNS = 5
_PENDING = 16 << 20
"""Bytes of objects that wait for their hits."""


_MOST_KEPT = 1 << 18
"""Hits that are kept for the objects built on theirs: more are in no honest family, and matched again."""


@dataclass(slots=True)
class _Waiting:
    """An object whose windows are in the text, or that was matched alone."""

    entry: int
    depth: int
    """How many objects that came before it is built on, one on the other."""
    data: bytes | bytearray
    delta: bytes
    rows: tuple[int, int]
    ends: Ends | None = None


@dataclass(slots=True)
class _Inheritance:
    """The hits of the objects that the next may be built on, by depth; those without hits are left out."""

    known: list[tuple[int, Ends]] = field(default_factory=list)
    kept: int = 0
    forgotten: int = 0
    """Below this depth nothing is known any more."""

    def __bool__(self) -> bool:
        return bool(self.known or self.forgotten)

    def of_base(self, depth: int) -> Ends | None:
        """Return the hits of the base of the next object, which has this depth; None if they were forgotten."""
        while self.known and self.known[-1][0] >= depth:
            self.kept -= len(self.known.pop()[1])
        self.forgotten = min(self.forgotten, depth)
        if 0 < depth == self.forgotten:
            return None
        return self.known[-1][1] if self.known and self.known[-1][0] == depth - 1 else []

    def add(self, depth: int, ends: Ends) -> None:
        """Keep the hits of an object."""
        self.known.append((depth, ends))
        self.kept += len(ends)
        while self.kept > _MOST_KEPT and len(self.known) > 1:
            lost, ends = self.known.pop(0)
            self.kept -= len(ends)
            self.forgotten = lost + 1


@dataclass(slots=True)
class _Batch:
    """Windows of many objects in one text."""

    text: bytearray = field(default_factory=lambda: bytearray(b"\n").ljust(_TEXT, b"\0"))
    table: "array[int]" = field(default_factory=lambda: array("q", bytes(8 * _ROWS * _COLUMNS)))
    fill: int = 1
    rows: int = 0
    bytes: int = 0
    waiting: list[_Waiting] = field(default_factory=list)


def sweep(objects: Iterable[Rebuilt], prefilter: Prefilter) -> Iterator[tuple[int, bytes, Ends]]:
    """Yield (entry, data, hits) of every object with a hit; `objects` are in the order of `git.packs.walk`."""
    batch = _Batch()
    inheritance = _Inheritance()
    line: list[int] = []  # the last object, preceded by the one it is built on, and so on
    for one in objects:
        while line and line[-1] != one.base:
            line.pop()
        depth = len(line)
        if not depth:  # stored whole, or its base belongs to another stretch of the work
            _add_whole(batch, one, prefilter)
        elif not _add_changes(batch, one, depth):
            yield from _flush(batch, prefilter, inheritance)
            if not _add_changes(batch, one, depth):
                batch.waiting.append(_alone(batch, one, depth, prefilter))
        line.append(one.entry)
        batch.bytes += len(one.data)
        if batch.fill > _ENOUGH or batch.bytes > _PENDING:
            yield from _flush(batch, prefilter, inheritance)
    yield from _flush(batch, prefilter, inheritance)


def _alone(batch: _Batch, one: Rebuilt, depth: int, prefilter: Prefilter) -> _Waiting:
    """Match an object by itself: one that is large, or whose delta changes a great deal."""
    return _Waiting(one.entry, depth, one.data, b"", (batch.rows, batch.rows), prefilter.ends(one.data))


def _add_whole(batch: _Batch, one: Rebuilt, prefilter: Prefilter) -> None:
    size, row = len(one.data), batch.rows
    if batch.fill + size >= _TEXT or row >= _ROWS:
        batch.waiting.append(_alone(batch, one, 0, prefilter))
        return
    start = batch.fill
    batch.text[start : start + size] = one.data
    batch.text[start + size] = 10
    batch.table[row * _COLUMNS : (row + 1) * _COLUMNS] = array("q", (start, 0, 0, size, size))
    batch.fill, batch.rows = start + size + 1, row + 1
    batch.waiting.append(_Waiting(one.entry, 0, one.data, b"", (row, row + 1)))


def _add_changes(batch: _Batch, one: Rebuilt, depth: int) -> bool:
    row = batch.rows
    rows = add_windows(one.data, one.steps, one.end, REACH, batch.text, batch.fill, batch.table, row)
    if rows < 0:
        return False
    if rows > row:
        last = (rows - 1) * _COLUMNS
        batch.fill = batch.table[last] + batch.table[last + 4] - batch.table[last + 1] + 1
        batch.rows = rows
    batch.waiting.append(_Waiting(one.entry, depth, one.data, one.delta, (row, rows)))
    return True


def _flush(batch: _Batch, prefilter: Prefilter, inheritance: _Inheritance) -> Iterator[tuple[int, bytes, Ends]]:
    """Match the text, share out the hits, and empty the batch."""
    fresh = _shared_out(batch, prefilter)
    for number, one in enumerate(batch.waiting):
        inherited = inheritance.of_base(one.depth) if inheritance else []
        if one.ends is not None:
            own = one.ends
        elif inherited is None:
            own = prefilter.ends(one.data)
        else:
            own = fresh.get(number, [])
            if inherited:
                own = _with_inherited(one, batch.table, own, inherited)
        if own:
            inheritance.add(one.depth, own)
            yield one.entry, bytes(one.data), own
    batch.fill = 1
    batch.rows = batch.bytes = 0
    batch.waiting.clear()


def _shared_out(batch: _Batch, prefilter: Prefilter) -> dict[int, Ends]:
    """Return the fresh hits by number of the waiting object."""
    found: dict[int, Ends] = {}
    hits = prefilter.ends(memoryview(batch.text)[: batch.fill]) if batch.rows else ()
    if not hits:
        return found
    starts = batch.table[: batch.rows * _COLUMNS : _COLUMNS]
    first_rows = [one.rows[0] for one in batch.waiting]
    for end, owner in hits:
        row = bisect_right(starts, end) - 1
        start, low, first, last, _ = batch.table[row * _COLUMNS : (row + 1) * _COLUMNS]
        at = end - start + low
        if first <= at <= last:
            # Of the objects that begin at this row the last one has it; those before have no row.
            found.setdefault(bisect_right(first_rows, row) - 1, []).append((at, owner))
    return found


def _with_inherited(one: _Waiting, table: "array[int]", own: Ends, inherited: Ends) -> Ends:
    """Add the base's hits that stand in copied text and not in one of the windows."""
    steps, stop = parse_with_room(one.delta)
    begin, end = one.rows
    firsts = table[begin * _COLUMNS + 2 : end * _COLUMNS : _COLUMNS]
    ordered = sorted(inherited)
    moved = set(own)
    done = 0
    for step in range(2, stop, 2):
        source, count = steps[step], steps[step + 1]
        if source >= 0:
            for k in range(bisect_left(ordered, (source, 0)), len(ordered)):
                at, owner = ordered[k]
                if at > source + count:
                    break
                at += done - source
                row = bisect_right(firsts, at) - 1
                if row < 0 or at > table[(begin + row) * _COLUMNS + 3]:
                    moved.add((at, owner))
        done += count
    return sorted(moved)
