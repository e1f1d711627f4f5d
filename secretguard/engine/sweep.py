"""Prefilter hits of all objects of a pack, from the lines that each version changes.

A prefilter expression matches within one line and at most `REACH` bytes wide, so whether it matches somewhere depends on
that line and so many bytes only. Where a version copies them from its base, it inherits the base's hits, moved; the
other lines of many versions stand together in one text and go through Hyperscan in one call.
Theorem (a), tests/properties/test_sweep.py: the hits are those of every object scanned as a whole.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from secretguard.engine.prefilter import Ends, Prefilter
from secretguard.git.delta import add_windows, parse_delta
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


@dataclass(slots=True)
class _Waiting:
    """An object whose windows are in the text, or that was matched alone."""

    entry: int
    base: int
    data: bytes | bytearray
    delta: bytes
    rows: tuple[int, int]
    ends: Ends | None = None


@dataclass(slots=True)
class _Batch:
    """Windows of many objects in one text."""

    text: bytearray = field(default_factory=lambda: bytearray(_TEXT))
    table: "array[int]" = field(default_factory=lambda: array("q", bytes(8 * _ROWS * _COLUMNS)))
    fill: int = 0
    rows: int = 0
    bytes: int = 0
    waiting: list[_Waiting] = field(default_factory=list)


def sweep(objects: Iterable[Rebuilt], prefilter: Prefilter) -> Iterator[tuple[int, bytes, Ends]]:
    """Yield (entry, data, hits) of every object with a hit; `objects` are in the order of `git.packs.walk`."""
    batch = _Batch()
    known: dict[int, Ends] = {}
    for one in objects:
        if one.base < 0:
            _add_whole(batch, one, prefilter)
        elif not _add_changes(batch, one):
            yield from _flush(batch, prefilter, known)
            if not _add_changes(batch, one):
                batch.waiting.append(_alone(one, prefilter))
        batch.bytes += len(one.data)
        if batch.fill > _ENOUGH or batch.bytes > _PENDING:
            yield from _flush(batch, prefilter, known)
    yield from _flush(batch, prefilter, known)


def _alone(one: Rebuilt, prefilter: Prefilter) -> _Waiting:
    """Match an object by itself: one that is large, or whose delta changes a great deal."""
    return _Waiting(one.entry, one.base, one.data, one.delta, (0, 0), prefilter.ends(one.data))


def _add_whole(batch: _Batch, one: Rebuilt, prefilter: Prefilter) -> None:
    size, row = len(one.data), batch.rows
    if batch.fill + size >= _TEXT or row >= _ROWS:
        batch.waiting.append(_alone(one, prefilter))
        return
    start = batch.fill
    batch.text[start : start + size] = one.data
    batch.text[start + size] = 10
    batch.table[row * _COLUMNS : (row + 1) * _COLUMNS] = array("q", (start, 0, 0, size, size))
    batch.fill, batch.rows = start + size + 1, row + 1
    batch.waiting.append(_Waiting(one.entry, one.base, one.data, b"", (row, row + 1)))


def _add_changes(batch: _Batch, one: Rebuilt) -> bool:
    row = batch.rows
    rows = add_windows(one.data, one.steps, one.end, REACH, batch.text, batch.fill, batch.table, row)
    if rows < 0:
        return False
    if rows > row:
        last = (rows - 1) * _COLUMNS
        batch.fill = batch.table[last] + batch.table[last + 4] - batch.table[last + 1] + 1
        batch.rows = rows
    batch.waiting.append(_Waiting(one.entry, one.base, one.data, one.delta, (row, rows)))
    return True


def _flush(batch: _Batch, prefilter: Prefilter, known: dict[int, Ends]) -> Iterator[tuple[int, bytes, Ends]]:
    """Match the text, share out the hits, and empty the batch; `known` are the hits of objects others are built on."""
    fresh = _shared_out(batch, prefilter)
    for number, one in enumerate(batch.waiting):
        if one.base < 0:
            known.clear()  # a new family
        own = one.ends if one.ends is not None else fresh.get(number)
        if one.ends is None and (inherited := known.get(one.base)):
            own = _with_inherited(one, batch.table, own or [], inherited)
        if own:
            known[one.entry] = own
            yield one.entry, bytes(one.data), own
    batch.fill = batch.rows = batch.bytes = 0
    batch.waiting.clear()


def _shared_out(batch: _Batch, prefilter: Prefilter) -> dict[int, Ends]:
    """Return the fresh hits by number of the waiting object."""
    found: dict[int, Ends] = {}
    hits = prefilter.ends(memoryview(batch.text)[: batch.fill]) if batch.fill else ()
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
    steps = array("q", bytes(16 * (len(one.delta) + 2)))
    stop = parse_delta(one.delta, steps)
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
