"""The packs of a repository, mapped into memory: which objects they hold, and how to rebuild each exactly once.

The formats: gitformat-pack(5). Whatever is not as it should be raises PackError, or makes one entry unreadable; git
itself then has the last word on it (`git.objects`).
"""

import mmap
import os
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast

from isal import isal_zlib

from secretguard.errors import GitError
from secretguard.git.delta import DeltaError, apply_delta, parse_with_room
from secretguard.git.entries import FIRST_ID, MAGIC, Entries, Mapped, big_endian, by_place, ids_of, read_entries
from secretguard.git.families import BAD, NONE, find_ids, mark_common
from secretguard.git.files import open_regular

LARGE = 16 << 20
"""Objects beyond this are left to git, which streams them; it bounds what a walk holds in memory."""
INFLATE_ERROR = cast("type[Exception]", isal_zlib.error)  # the stubs of isal have it the other way round
_HEADER = 12
_PACK_VERSIONS = (2, 3)
_SHORTEST = 9
"""Bytes of an entry: one of header, eight for nothing deflated."""
_MOST_ENTRIES = 1 << 27
_SMALL = 1 << 16
"""A file up to this is read, for a map holds a descriptor and some repositories have a thousand packs."""
_LOPSIDED = 16


class PackError(GitError):
    """A pack or its index is not what git writes."""


class _UnreadableError(Exception):
    """One entry is damaged, or large: left to git."""


_FAILURES = (_UnreadableError, DeltaError, INFLATE_ERROR)


@dataclass(slots=True)
class Pack:
    """One pack and its index."""

    path: Path
    id_size: int
    index: Mapped
    data: Mapped
    count: int
    failed: list[int] = field(default_factory=list)
    """Entries that a walk could not rebuild, or that are too large for it."""
    status: tuple[os.stat_result, ...] = ()
    """Of the index and the pack, before they were opened."""
    _entries: Entries | None = None
    _by_position: "array[int] | None" = None

    def __len__(self) -> int:
        return self.count

    @property
    def ids(self) -> memoryview:
        """The sorted table of all ids."""
        return ids_of(self.index, self.count, self.id_size)

    @property
    def entries(self) -> Entries:
        """The headers, read on first use."""
        if self._entries is None:
            self._entries = read_entries(self.index, self.data, self.count, self.id_size)
            self.failed += self.bad_entries()
        return self._entries

    def bad_entries(self) -> list[int]:
        """Return the entries whose headers cannot be read, or whose bases are not here."""
        kinds = self.entries.kinds
        return [entry for entry, kind in enumerate(kinds) if kind == BAD] if BAD in kinds else []

    def id_of(self, entry: int) -> bytes:
        """Return the raw id of an entry."""
        start = FIRST_ID + self.entries.places[entry] * self.id_size
        return self.index[start : start + self.id_size]

    def position(self, raw_id: bytes) -> int:
        """Return where in the index an id stands, or NONE."""
        if len(raw_id) != self.id_size:
            return NONE
        first = raw_id[0] * 4 + len(MAGIC)
        low = int.from_bytes(self.index[first - 4 : first], "big") if raw_id[0] else 0
        high = int.from_bytes(self.index[first : first + 4], "big")
        size, start, index = self.id_size, FIRST_ID, self.index
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
            self._by_position = by_place(self.entries.places)
        return self._by_position[position]

    def close(self) -> None:
        """Give the maps back."""
        for file in (self.index, self.data):
            if isinstance(file, mmap.mmap):
                with suppress(BufferError):  # somebody still looks at a piece of it; it ends with the process
                    file.close()


def open_pack(path: Path, id_size: int) -> Pack:
    """Map `path` (a .pack) and the index beside it. Raises PackError, OSError."""
    files = path.with_suffix(".idx"), path
    status = tuple(file.stat() for file in files)  # before they are read: what changes later is then seen to have
    index, data = map(_mapped, files)
    return Pack(path, id_size, index, data, _checked_count(index, data, id_size, path.name), status=status)


def rebuild(pack: Pack, entry: int) -> bytes | bytearray | None:
    """Return one object; None if it cannot be read or is too large to be held."""
    entries = pack.entries
    if entries.kinds[entry] == BAD:
        return None
    chain = [entry]
    while entries.bases[chain[-1]] >= 0:
        chain.append(entries.bases[chain[-1]])
    source = memoryview(pack.data)
    try:
        data: bytes | bytearray = _inflated(source, entries, chain.pop())
        for one in reversed(chain):
            delta = _inflated(source, entries, one)
            data = _applied(data, delta, *parse_with_room(delta))
    except _FAILURES:
        return None
    return data


def _inflated(source: memoryview, entries: Entries, entry: int) -> bytes:
    """Return the data of an entry, the object's own or a delta. Raises _UnreadableError, INFLATE_ERROR."""
    size, start = entries.sizes[entry], entries.starts[entry]
    if size > LARGE:
        raise _UnreadableError
    inflater = isal_zlib.decompressobj()
    # No deflater doubles what it is given; what an entry says of itself is no reason to copy the rest of the pack.
    stop = min(entries.offsets[entry + 1], start + 2 * size + 1024)
    data = inflater.decompress(source[start:stop], size + 1)
    if len(data) != size or not inflater.eof:
        raise _UnreadableError
    return data


def _applied(base: bytes | bytearray, delta: bytes, steps: "array[int]", end: int) -> bytearray:
    """Return what a delta makes of its base. Raises _UnreadableError, DeltaError."""
    if steps[1] > LARGE:
        raise _UnreadableError
    data = bytearray(steps[1])
    apply_delta(base, delta, steps, end, data)
    return data


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
    known = array("i", (NONE,)) * pack.count
    flags = bytearray(pack.count)
    for other in others:
        if len(other) > _LOPSIDED * len(pack):
            find_ids(other.ids, pack.id_size, pack.ids, known)
        else:
            mark_common(pack.ids, other.ids, pack.id_size, flags)
    if not others:
        return flags
    return bytearray(flags[place] or known[place] != NONE for place in pack.entries.places)


def _mapped(path: Path) -> Mapped:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _SMALL:
            return file.read(size)
        try:
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        except ValueError:
            raise PackError(f"{path.name} has become shorter") from None


def _checked_count(index: Mapped, data: Mapped, id_size: int, name: str) -> int:
    """Return how many entries both say there are. Raises PackError."""
    if index[: len(MAGIC)] != MAGIC or len(index) < FIRST_ID + 2 * id_size:
        raise PackError(f"the index of {name} has a format that is not known here")
    fanout = big_endian("I", index[len(MAGIC) : FIRST_ID])
    count = fanout[-1]
    if any(before > after for before, after in pairwise(fanout)):
        raise PackError(f"the index of {name} is damaged")
    more = len(index) - FIRST_ID - count * (id_size + 8) - 2 * id_size
    if more < 0 or more % 8:
        raise PackError(f"the index of {name} is cut off")
    if len(data) < _HEADER + id_size or data[:4] != b"PACK" or int.from_bytes(data[4:8], "big") not in _PACK_VERSIONS:
        raise PackError(f"{name} is no pack")
    if int.from_bytes(data[8:12], "big") != count:
        raise PackError(f"{name} and its index disagree")
    if count > min(len(data) // _SHORTEST, _MOST_ENTRIES):
        raise PackError(f"{name} cannot hold as many objects as it says")
    if data[-id_size:] != index[-2 * id_size : -id_size]:
        raise PackError(f"{name} and its index do not belong together")
    return count
