"""Single objects of packs, found by their ids: for the few that somebody wants of a pack that need not be walked.

A walk (`git.walk`) reads the header of every entry first; this reads those of one chain of deltas. What is malformed
or large is None: git has the last word on it. The format: gitformat-pack(5).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from isal import isal_zlib

from secretguard.git.delta import DeltaError, apply_delta, parse_with_room
from secretguard.git.entries import FIRST_ID, Mapped
from secretguard.git.families import COMMIT, NONE, REF_DELTA, TAG
from secretguard.git.packs import INFLATE_ERROR, LARGE, Pack

_HELD = 32 << 20
"""Bytes of objects that are kept, for what is wanted next may be built on them."""
_FAR = 1 << 31
_OFFSET_DELTA = 6
_LONGEST_SIZE = 63

Object = tuple[int, bytes | bytearray]
"""Kind and content."""


class _UnreadableError(Exception):
    """The object is damaged, or large."""


class _Header(NamedTuple):
    kind: int
    size: int
    start: int
    base: int
    """Where the entry starts that this one is built on, or NONE."""


@dataclass(slots=True)
class Lookup:
    """Reads one object after the other, and remembers those on the way."""

    _known: dict[tuple[int, int], Object] = field(default_factory=dict)
    """By pack and offset, the one used last at the end."""
    _held: int = 0

    def read(self, pack: Pack, position: int) -> tuple[int, bytes] | None:
        """Return kind and content of the object at a position of the pack's index; None if it cannot be read."""
        try:
            kind, data = self._rebuilt(pack, _offset(pack, position))
        except (_UnreadableError, DeltaError, INFLATE_ERROR, IndexError, ValueError):
            return None
        return kind, bytes(data)

    def _rebuilt(self, pack: Pack, offset: int) -> Object:
        """Rebuild an object from its chain. Raises _UnreadableError, DeltaError, INFLATE_ERROR, IndexError."""
        deltas: dict[int, _Header] = {}
        found = self._known.get((id(pack), offset))
        while found is None:
            if offset in deltas:
                raise _UnreadableError  # a ring
            header = _header(pack, offset)
            if header.base == NONE:
                found = header.kind, _inflated(pack.data, header)
                self._keep(pack, offset, found)
            else:
                deltas[offset] = header
                offset = header.base
                found = self._known.get((id(pack), offset))
        kind, data = found
        for at, header in reversed(deltas.items()):
            delta = _inflated(pack.data, header)
            steps, end = parse_with_room(delta)
            if steps[1] > LARGE:
                raise _UnreadableError
            built = bytearray(steps[1])
            apply_delta(data, delta, steps, end, built)
            data = built
            self._keep(pack, at, (kind, data))
        return kind, data

    def _keep(self, pack: Pack, offset: int, found: Object) -> None:
        self._known[id(pack), offset] = found
        self._held += len(found[1])
        while self._held > _HELD:
            _, oldest = self._known.pop(next(iter(self._known)))
            self._held -= len(oldest)


def _offset(pack: Pack, position: int) -> int:
    """Return where in the pack an object starts, as the index has it: anywhere at all."""
    start = FIRST_ID + pack.count * (pack.id_size + 4) + 4 * position
    offset = int.from_bytes(pack.index[start : start + 4], "big")
    if offset < _FAR:
        return offset
    start = FIRST_ID + pack.count * (pack.id_size + 8) + 8 * (offset - _FAR)
    return int.from_bytes(pack.index[start : start + 8], "big")


def _header(pack: Pack, offset: int) -> _Header:
    """Read the header of an entry. Raises _UnreadableError, IndexError."""
    data, at = pack.data, offset
    byte = data[at]
    kind, size, shift = (byte >> 4) & 7, byte & 15, 4
    while byte & 128 and shift < _LONGEST_SIZE:
        at += 1
        byte = data[at]
        size |= (byte & 127) << shift
        shift += 7
    start = at + 1
    if size > LARGE:
        raise _UnreadableError
    if COMMIT <= kind <= TAG:
        return _Header(kind, size, start, NONE)
    if kind == _OFFSET_DELTA:
        back, start = _distance(data, start)
        if not 0 < back <= offset:
            raise _UnreadableError
        return _Header(kind, size, start, offset - back)
    position = pack.position(data[start : start + pack.id_size]) if kind == REF_DELTA else NONE
    if position == NONE:
        raise _UnreadableError
    return _Header(kind, size, start + pack.id_size, _offset(pack, position))


def _distance(data: Mapped, at: int) -> tuple[int, int]:
    """Return how far back the base of an offset delta is, and where its data starts. Raises IndexError."""
    byte = data[at]
    back = byte & 127
    while byte & 128 and back < 1 << 48:
        at += 1
        byte = data[at]
        back = ((back + 1) << 7) | (byte & 127)
    return back, at + 1


def _inflated(data: Mapped, header: _Header) -> bytes:
    """Return what is stored of an entry, the object or a delta. Raises _UnreadableError, INFLATE_ERROR."""
    inflater = isal_zlib.decompressobj()
    # No deflater doubles what it is given, so that no more of the pack has to be looked at.
    stored = inflater.decompress(data[header.start : header.start + 2 * header.size + 1024], header.size + 1)
    if len(stored) != header.size or not inflater.eof:
        raise _UnreadableError
    return stored
