"""The objects of a pack, each inflated once and rebuilt once from its base. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `walk.pxd`. The order is that of `families.arrange`: each object
follows the one it is built on, so the bases that are still needed are a chain, from the root of the family down.
"""

from array import array
from typing import TYPE_CHECKING

from isal import isal_zlib

from secretguard.git.delta import DeltaError, parse_with_room
from secretguard.git.packs import INFLATE_ERROR, LARGE, Pack, rebuild

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.cpython.bytearray import PyByteArray_FromStringAndSize
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from walk.pxd
    from secretguard.git.delta import apply_delta, parse_delta

NONE = -1

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_LARGE = LARGE
_HELD = 64 << 20
"""Bytes of bases that are kept for what is built on them; beyond, they are rebuilt when needed."""
_SHORT = 1 << 13
"""Stored bytes not worth an object that watches what comes out: no more than a thousand times as many."""
_ZLIB = 15
_NO_STEPS = array("q")

Bytes = bytes | bytearray


class Rebuilt:
    """One object of a pack as a walk meets it. Its data must not be changed."""

    entry: int
    base: int
    """The entry it is built on, or NONE."""
    depth: int
    """On how many objects of this walk it is built, one on the other."""
    data: Bytes
    view: Bytes
    """The same, as compiled code reads it."""
    delta: bytes
    steps: "array[int]"
    """The delta taken apart, up to `end`; overwritten by the next object."""
    end: int


def stored_whole(entry: int, data: Bytes) -> Rebuilt:
    """Return an object that is built on no other."""
    one = Rebuilt.__new__(Rebuilt)
    one.entry = entry
    one.base = _NONE
    one.depth = 0
    one.data = data
    one.view = data
    one.delta = b""
    one.steps = _NO_STEPS
    one.end = 0
    return one


class Base:
    """An object that others are built on."""

    entry: int
    data: Bytes | None
    """None where it has to be rebuilt."""
    view: Bytes
    left: int
    """So many are still to be built on it."""
    depth: int
    """As that of `Rebuilt`; -1 for one that an earlier walk met."""
    broken: bool
    """Whether it cannot be rebuilt."""


class Walk:
    """Yields the objects at `order[start:stop]` of a pack, or at `start:stop` of the order of all its objects.

    What cannot be read goes into `pack.failed`, with everything built on it.
    """

    def __init__(self, pack: Pack, start: int, stop: int, order: "array[int] | None" = None) -> None:
        entries = pack.entries
        self.pack = pack
        self.source = memoryview(pack.data)
        self.order = entries.order if order is None else order
        self.bases, self.left = entries.bases, entries.left
        self.offsets, self.starts, self.sizes = entries.offsets, entries.starts, entries.sizes
        self.at = start
        self.stop = min(stop, len(self.order))
        self.inflate_short = isal_zlib.decompress
        self.inflater = isal_zlib.decompressobj
        self.chain: list[Base] = []
        self.under: Bytes = b""
        """What the object that came last is built on, if it is built on any; as compiled code reads it."""
        self.held = 0
        self.steps = array("q", bytes(8 * 4096))

    def __iter__(self) -> "Walk":
        return self

    def __next__(self) -> Rebuilt:
        while self.at < self.stop:
            entry = self.order[self.at]
            self.at += 1
            if entry < 0:
                break  # only entries that are BAD are left
            base = self.bases[entry]
            try:
                return self._built(entry, base) if base >= 0 else self._whole(entry)
            except (DeltaError, INFLATE_ERROR):
                self.pack.failed.append(entry)
                if self.left[entry]:
                    self._keep_broken(entry)
        self.at = self.stop
        raise StopIteration

    def _whole(self, entry: int) -> Rebuilt:
        """Read an object that is stored whole: a new family begins. Raises DeltaError, INFLATE_ERROR."""
        self.chain.clear()
        self.held = 0
        one = stored_whole(entry, self._inflated(entry))
        if self.left[entry]:
            self._keep(entry, one.data, one.view, 0)
        return one

    def _built(self, entry: int, base: int) -> Rebuilt:
        """Read an object that is built on another. Raises DeltaError, INFLATE_ERROR."""
        kept = self._base(base)
        self.under = kept.view
        delta = self._inflated(entry)
        stored = delta
        end = parse_delta(stored, self.steps)
        if end < 0:
            self.steps, end = parse_with_room(delta)
        size = self.steps[1]
        if size > _LARGE:
            raise DeltaError("left to git")
        data = PyByteArray_FromStringAndSize(cython.NULL, size) if cython.compiled else bytearray(size)
        view = data
        apply_delta(self.under, stored, self.steps, end, view)
        kept.left -= 1
        if not kept.left:
            self._forget(kept)
        depth = kept.depth + 1
        if self.left[entry]:
            self._keep(entry, data, view, depth)
        one = Rebuilt.__new__(Rebuilt)
        one.entry = entry
        one.base = base
        one.depth = depth
        one.data = data
        one.view = view
        one.delta = delta
        one.steps = self.steps
        one.end = end
        return one

    def _inflated(self, entry: int) -> bytes:
        """Return what is stored for an entry. Raises DeltaError, INFLATE_ERROR."""
        size = self.sizes[entry]
        if size > _LARGE:
            raise DeltaError("left to git")
        start = self.starts[entry]
        # No deflater doubles what it is given; what an entry says of itself is no reason to read the rest of the pack.
        stop = min(self.offsets[entry + 1], start + 2 * size + 1024)
        if stop - start < _SHORT:
            stored: bytes = self.inflate_short(self.source[start:stop], _ZLIB, size)
        else:
            inflater = self.inflater()
            stored = inflater.decompress(self.source[start:stop], size + 1)
            if not inflater.eof:
                raise DeltaError("the data has another size")
        if len(stored) != size:
            raise DeltaError("the data has another size")
        return stored

    def _base(self, entry: int) -> Base:
        """Return the base of the object that is read now. Raises DeltaError."""
        while self.chain:
            kept = self.chain[len(self.chain) - 1]
            if kept.entry == entry:
                if kept.broken:
                    raise DeltaError("its base cannot be read")
                if kept.data is None:
                    kept.data = self._read_again(entry)
                    kept.view = kept.data
                    self.held += len(kept.data)
                return kept
            self._forget(kept)
            self.chain.pop()
        data = self._read_again(entry)  # the walk began within a family
        return self._keep(entry, data, data, -1)

    def _read_again(self, entry: int) -> Bytes:
        data = rebuild(self.pack, entry)
        if data is None:
            self._keep_broken(entry)
            raise DeltaError("its base cannot be read")
        return data

    def _keep(self, entry: int, data: Bytes, view: Bytes, depth: int) -> Base:
        """Keep an object that others are built on."""
        self.held += len(view)
        if self.held > _HELD:
            for other in self.chain:
                self._forget(other)
        kept = Base.__new__(Base)
        kept.entry = entry
        kept.data = data
        kept.view = view
        kept.left = self.left[entry]
        kept.depth = depth
        kept.broken = False
        self.chain.append(kept)
        return kept

    def _keep_broken(self, entry: int) -> None:
        self._keep(entry, b"", b"", -1).broken = True

    def _forget(self, kept: Base) -> None:
        if kept.data is not None:
            self.held -= len(kept.data)
            kept.data = None
            kept.view = b""
