"""The packs of a repository, mapped into memory: which objects they hold, and how to rebuild each exactly once.

The formats: gitformat-pack(5). Whatever is not as it should be raises PackError, or makes one entry unreadable; git
itself then has the last word on it (`git.objects`).
"""

import mmap
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from isal import isal_zlib

from secretguard.errors import GitError
from secretguard.git.delta import DeltaError, apply_delta, parse_delta
from secretguard.git.families import BAD, NONE, REF_DELTA, arrange, mark_common, read_headers, sort_offsets

LARGE = 16 << 20
"""Objects beyond this are left to git, which streams them; it bounds what a walk holds in memory."""
_MAGIC = b"\xfftOc\x00\x00\x00\x02"
_FANOUT = 256 * 4
_HEADER = 12
_PACK_VERSIONS = (2, 3)


class PackError(GitError):
    """A pack or its index is not what git writes."""


class Rebuilt(NamedTuple):
    """One object of a pack as a walk meets it."""

    entry: int
    base: int
    """The entry it is built on, or NONE."""
    data: bytes | bytearray
    delta: bytes
    steps: "array[int]"
    """The delta taken apart, up to `end`; overwritten by the next object."""
    end: int


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


@dataclass(slots=True)
class Pack:
    """One pack and its index."""

    path: Path
    id_size: int
    index: mmap.mmap
    data: mmap.mmap
    count: int
    failed: list[int] = field(default_factory=list)
    """Entries that a walk could not rebuild, or that are too large for it."""
    _entries: Entries | None = None
    _by_position: "array[int] | None" = None

    def __len__(self) -> int:
        return self.count

    @property
    def ids(self) -> memoryview:
        """The sorted table of all ids."""
        start = len(_MAGIC) + _FANOUT
        return memoryview(self.index)[start : start + self.count * self.id_size]

    @property
    def entries(self) -> Entries:
        """The headers, read on first use."""
        if self._entries is None:
            self._entries = _read_entries(self)
        return self._entries

    def id_of(self, entry: int) -> bytes:
        """Return the raw id of an entry."""
        start = len(_MAGIC) + _FANOUT + self.entries.places[entry] * self.id_size
        return self.index[start : start + self.id_size]

    def position(self, raw_id: bytes) -> int:
        """Return where in the index an id stands, or NONE."""
        first = raw_id[0] * 4 + len(_MAGIC)
        low = int.from_bytes(self.index[first - 4 : first], "big") if raw_id[0] else 0
        high = int.from_bytes(self.index[first : first + 4], "big")
        size, start, index = self.id_size, len(_MAGIC) + _FANOUT, self.index
        while low < high:
            middle = (low + high) // 2
            at = start + middle * size
            found = index[at : at + size]
            if found == raw_id:
                return middle
            if found < raw_id:
                low = middle + 1
            else:
                high = middle
        return NONE

    def entry_at(self, position: int) -> int:
        """Return the entry at a position of the index."""
        if self._by_position is None:
            by_position = array("i", bytes(4 * self.count))
            for entry, place in enumerate(self.entries.places):
                by_position[place] = entry
            self._by_position = by_position
        return self._by_position[position]

    def close(self) -> None:
        """Give the maps back."""
        self.index.close()
        self.data.close()


def open_pack(path: Path, id_size: int) -> Pack:
    """Map `path` (a .pack) and the index beside it. Raises PackError, OSError."""
    index, data = _map(path.with_suffix(".idx")), _map(path)
    count = _checked_count(index, data, id_size, path.name)
    return Pack(path, id_size, index, data, count)


def walk(pack: Pack, start: int, stop: int, needed: bytearray | None = None) -> Iterator[Rebuilt]:
    """Yield the objects at `order[start:stop]`, each inflated once and rebuilt once from its base.

    `needed` (a flag for each entry, set for bases too) leaves out the others. What cannot be read goes into
    `pack.failed`. The data yielded must not be changed.
    """
    entries = pack.entries
    order, bases, offsets, starts, sizes = entries.order, entries.bases, entries.offsets, entries.starts, entries.sizes
    left = entries.left if needed is None else _needed_left(entries, needed)
    source = memoryview(pack.data)
    steps = array("q", bytes(8 * 4096))
    inflate = isal_zlib.decompressobj
    waiting: dict[int, list[Any]] = {}
    for at in range(start, stop):
        entry = order[at]
        if needed is not None and not needed[entry]:
            continue
        base, size = bases[entry], sizes[entry]
        try:
            if size > LARGE:
                raise DeltaError("left to git")
            inflater = inflate()
            stored = inflater.decompress(source[starts[entry] : offsets[entry + 1]], size + 1)
            if len(stored) != size or not inflater.eof:
                raise DeltaError("the data has another size")
            data: bytes | bytearray = stored
            end = 0
            if base >= 0:
                kept = waiting.get(base)
                if kept is None:
                    kept = waiting[base] = [_rebuild(pack, base), left[base]]
                end = parse_delta(stored, steps)
                while end < 0:
                    steps = array("q", bytes(16 * len(steps)))
                    end = parse_delta(stored, steps)
                if steps[1] > LARGE:
                    raise DeltaError("left to git")
                data = bytearray(steps[1])
                apply_delta(kept[0], stored, steps, end, data)
                kept[1] -= 1
                if not kept[1]:
                    del waiting[base]
        except (DeltaError, isal_zlib.error):
            pack.failed.append(entry)
            continue
        if left[entry]:
            waiting[entry] = [data, left[entry]]
        yield Rebuilt(entry, base, data, stored, steps, end)


def rebuild(pack: Pack, entry: int) -> bytes | bytearray | None:
    """Return one object; None if it cannot be read or is too large to be held."""
    try:
        return _rebuild(pack, entry)
    except (DeltaError, isal_zlib.error):
        return None


def with_bases(entries: Entries, wanted: Iterable[int]) -> bytearray:
    """Return a flag for each entry that is wanted, or that a wanted one is built on."""
    needed = bytearray(len(entries.bases))
    for entry in wanted:
        one = entry
        while one >= 0 and not needed[one]:
            needed[one] = 1
            one = entries.bases[one]
    return needed


def known_entries(pack: Pack, others: Sequence[Pack]) -> bytearray:
    """Return a flag for each entry of `pack` that one of the `others` holds too."""
    known = bytearray(pack.count)
    for other in others:
        mark_common(pack.ids, other.ids, pack.id_size, known)
    by_entry = bytearray(pack.count)
    if others:
        for entry, place in enumerate(pack.entries.places):
            by_entry[entry] = known[place]
    return by_entry


def _needed_left(entries: Entries, needed: bytearray) -> dict[int, int]:
    left = dict.fromkeys((entry for entry in entries.order if entry >= 0 and needed[entry]), 0)
    for entry in left:
        if entries.bases[entry] >= 0:
            left[entries.bases[entry]] += 1
    return left


def _rebuild(pack: Pack, entry: int) -> bytes | bytearray:
    """Rebuild one object from the root of its family. Raises DeltaError, isal_zlib.error."""
    entries = pack.entries
    chain = [entry]
    while entries.bases[chain[-1]] >= 0:
        chain.append(entries.bases[chain[-1]])
    data: bytes | bytearray = b""
    source = memoryview(pack.data)
    for one in reversed(chain):
        size = entries.sizes[one]
        if size > LARGE:
            raise DeltaError("left to git")
        inflater = isal_zlib.decompressobj()
        stored = inflater.decompress(source[entries.starts[one] : entries.offsets[one + 1]], size + 1)
        if len(stored) != size or not inflater.eof:
            raise DeltaError("the data has another size")
        if entries.bases[one] < 0:
            data = stored
            continue
        steps = array("q", bytes(16 * (len(stored) + 2)))
        end = parse_delta(stored, steps)
        if steps[1] > LARGE:
            raise DeltaError("left to git")
        result = bytearray(steps[1])
        apply_delta(data, stored, steps, end, result)
        data = result
    return data


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise PackError(f"{path.name} is empty") from None


def _checked_count(index: mmap.mmap, data: mmap.mmap, id_size: int, name: str) -> int:
    if index[: len(_MAGIC)] != _MAGIC or len(index) < len(_MAGIC) + _FANOUT + 2 * id_size:
        raise PackError(f"the index of {name} has a format that is not known here")
    fanout = array("I", index[len(_MAGIC) : len(_MAGIC) + _FANOUT])
    if sys.byteorder == "little":
        fanout.byteswap()
    count = fanout[255]
    if any(fanout[i] > fanout[i + 1] for i in range(255)):
        raise PackError(f"the index of {name} is damaged")
    more = len(index) - len(_MAGIC) - _FANOUT - count * (id_size + 8) - 2 * id_size
    if more < 0 or more % 8:
        raise PackError(f"the index of {name} is cut off")
    if len(data) < _HEADER + id_size or data[:4] != b"PACK" or int.from_bytes(data[4:8], "big") not in _PACK_VERSIONS:
        raise PackError(f"{name} is no pack")
    if int.from_bytes(data[8:12], "big") != count:
        raise PackError(f"{name} and its index disagree")
    if data[-id_size:] != index[-2 * id_size : -id_size]:
        raise PackError(f"{name} and its index do not belong together")
    return count


def _read_offsets(pack: Pack) -> "array[int]":
    """Return the offset of each entry in the order of the index."""
    start = len(_MAGIC) + _FANOUT + pack.count * (pack.id_size + 4)
    short = array("I", pack.index[start : start + 4 * pack.count])
    if sys.byteorder == "little":
        short.byteswap()
    offsets = array("q", short)
    if pack.count and max(short) >= 1 << 31:
        long = array("Q", pack.index[start + 4 * pack.count : -2 * pack.id_size])
        if sys.byteorder == "little":
            long.byteswap()
        for i, offset in enumerate(short):
            if offset >= 1 << 31:
                if offset - (1 << 31) >= len(long) or long[offset - (1 << 31)] >= 1 << 62:
                    raise PackError(f"the index of {pack.path.name} is damaged")
                offsets[i] = long[offset - (1 << 31)]
    return offsets


def _read_entries(pack: Pack) -> Entries:
    count = pack.count
    offsets = _read_offsets(pack)
    places = array("i", bytes(4 * count))
    spare = array("q", bytes(8 * 5 * count))
    sort_offsets(offsets, places, spare)
    offsets.append(len(pack.data) - pack.id_size)
    kinds = bytearray(count)
    sizes, starts = array("q", bytes(8 * count)), array("q", bytes(8 * count))
    bases, order, left = (array("i", bytes(4 * count)) for _ in range(3))
    read_headers(memoryview(pack.data), offsets, kinds, sizes, starts, bases)
    if REF_DELTA in kinds:
        _resolve_names(pack, offsets, places, kinds, starts, bases)
    content = arrange(kinds, bases, sizes, order, left, spare)
    if BAD in kinds:
        pack.failed.extend(entry for entry in range(count) if kinds[entry] == BAD)
    return Entries(offsets, places, kinds, sizes, starts, bases, order, left, content)


def _resolve_names(
    pack: Pack,
    offsets: Sequence[int],
    places: Sequence[int],
    kinds: bytearray,
    starts: "array[int]",
    bases: "array[int]",
) -> None:
    """Find the bases that are named by id; one that is not in this pack (a thin pack) makes the entry BAD."""
    by_position = array("i", bytes(4 * len(places)))
    for entry, place in enumerate(places):
        by_position[place] = entry
    for entry, kind in enumerate(kinds):
        if kind == REF_DELTA:
            start = starts[entry]
            position = pack.position(pack.data[start : start + pack.id_size])
            starts[entry] = start + pack.id_size
            if position == NONE or start + pack.id_size >= offsets[entry + 1]:
                kinds[entry] = BAD
            else:
                bases[entry] = by_position[position]
