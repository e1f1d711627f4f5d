"""The entries of a pack: what its index and the header of each say, without inflating any.

The format: gitformat-pack(5). Nothing here raises: an entry that is not as it should be is BAD.
"""

import mmap
import sys
from array import array
from dataclasses import dataclass

from secretguard.git.families import BAD, NONE, REF_DELTA, arrange, find_ids, read_headers, read_offsets, sort_offsets

MAGIC = b"\xfftOc\x00\x00\x00\x02"
FIRST_ID = len(MAGIC) + 256 * 4
"""Where in an index the table of ids starts, behind the fan-out table."""

Mapped = mmap.mmap | bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """What the headers of all entries of a pack say; see `families.arrange`. Entries are numbered by offset."""

    offsets: "array[int]"
    """Ends with the end of the last entry."""
    places: "array[int]"
    """Where in the index each entry stands."""
    kinds: bytearray
    sizes: "array[int]"
    """Of the data stored: the object's own, or the delta's."""
    starts: "array[int]"
    bases: "array[int]"
    order: "array[int]"
    left: "array[int]"
    content: int
    """How many at the beginning of `order` are blobs, commits and tags; trees follow."""


def read_entries(index: Mapped, data: Mapped, count: int, id_size: int) -> Entries:
    """Read the headers of all `count` entries."""
    offsets = _read_offsets(index, count, id_size)
    places = array("i", (0,)) * count
    spare = array("q", (0,)) * (5 * count)
    sort_offsets(offsets, places, spare)
    offsets.append(len(data) - id_size)
    kinds = bytearray(count)
    sizes, starts = (array("q", (0,)) * count for _ in range(2))
    bases, order, left = (array("i", (0,)) * count for _ in range(3))
    read_headers(memoryview(data), offsets, kinds, sizes, starts, bases)
    entries = Entries(offsets, places, kinds, sizes, starts, bases, order, left, 0)
    if REF_DELTA in kinds:
        _find_named_bases(entries, ids_of(index, count, id_size), data, id_size)
    content = arrange(kinds, bases, sizes, order, left, spare)
    return Entries(offsets, places, kinds, sizes, starts, bases, order, left, content)


def ids_of(index: Mapped, count: int, id_size: int) -> memoryview:
    """Return the sorted table of all ids."""
    return memoryview(index)[FIRST_ID : FIRST_ID + count * id_size]


def by_place(places: "array[int]") -> "array[int]":
    """Return which entry stands at each place of the index."""
    entries = array("i", bytes(4 * len(places)))
    for entry, place in enumerate(places):
        entries[place] = entry
    return entries


def big_endian(typecode: str, data: bytes) -> "array[int]":
    """Return numbers as the formats of git store them."""
    numbers = array(typecode, data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _read_offsets(index: Mapped, count: int, id_size: int) -> "array[int]":
    """Return the offset of each entry in the order of the index."""
    start = FIRST_ID + count * (id_size + 4)
    tables = memoryview(index)
    offsets = array("q", (0,)) * count
    read_offsets(tables[start : start + 4 * count], tables[start + 4 * count : len(index) - 2 * id_size], offsets)
    return offsets


def _find_named_bases(entries: Entries, ids: memoryview, data: Mapped, id_size: int) -> None:
    """Find the bases that are named by id; one that is not in this pack (a thin pack) makes the entry BAD."""
    kinds, starts = entries.kinds, entries.starts
    named = []
    for entry, kind in enumerate(kinds):
        if kind == REF_DELTA:
            start = starts[entry]
            starts[entry] = start + id_size
            if start + id_size < min(entries.offsets[entry + 1], len(data)):
                named.append(entry)
            else:
                kinds[entry] = BAD
    wanted = b"".join(data[starts[entry] - id_size : starts[entry]] for entry in named)
    positions = array("i", (NONE,)) * len(named)
    find_ids(ids, id_size, wanted, positions)
    entry_at = by_place(entries.places)
    for entry, position in zip(named, positions, strict=True):
        if position == NONE:
            kinds[entry] = BAD
        else:
            entries.bases[entry] = entry_at[position]
