"""The trees of a pack, each rebuilt once and compared with the one it is built on. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `packed_trees.pxd`. It is `walk.Walk` once more, for trees only:
they are small and many, so that here the walk itself is most of the work.
"""

from array import array
from typing import TYPE_CHECKING

from isal import isal_zlib

from secretguard.git.delta import DeltaError, parse_with_room
from secretguard.git.packs import INFLATE_ERROR, LARGE, Pack, rebuild

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from packed_trees.pxd
    from secretguard.git.delta import apply_delta, parse_delta
    from secretguard.git.tree_changes import TreeReader

NONE = -1

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_LARGE = LARGE
_HELD = 64 << 20
"""Bytes of bases that are kept for what is built on them; beyond, they are rebuilt when needed."""
_SPARE = 1 << 16
_SHORT = 1 << 13
"""Not worth an object that watches the size: no more than a thousand times this comes out."""
_ZLIB = 15

Bytes = bytes | bytearray


class Waiting:
    """A tree that others are built on."""

    def __init__(self, entry: int, data: Bytes | None, left: int, sound: bool) -> None:
        self.entry = entry
        self.data = data
        """None where it has to be rebuilt."""
        self.left = left
        """So many are still to be built on it."""
        self.sound = sound
        """Whether the reader could read it."""
        self.broken = False
        """Whether it cannot be rebuilt."""


class PackedTrees:
    """Reads trees of a pack in the order of its families.

    `numbers` has the number of each entry; one below `first` is in an earlier pack too, and only a base here.
    """

    def __init__(self, pack: Pack, reader: TreeReader, numbers: "array[int]", first: int) -> None:
        entries = pack.entries
        self.pack = pack
        self.source = memoryview(pack.data)
        self.reader = reader
        self.numbers = numbers
        self.first = first
        self.bases, self.left = entries.bases, entries.left
        self.offsets, self.starts, self.sizes = entries.offsets, entries.starts, entries.sizes
        self.inflate_short = isal_zlib.decompress
        self.inflater = isal_zlib.decompressobj
        self.waiting: list[Waiting] = []
        """The bases of the tree that was read last, from the root of its family."""
        self.held = 0
        self.steps = array("q", bytes(8 * 4096))
        self.spare = bytearray(_SPARE)

    def read(self, order: "array[int]") -> "array[int]":
        """Read the entries in `order`, in which each follows its base or its base is elsewhere.

        Returns three numbers for each that is a tree: its own, that of its base or NONE, and how many changes the
        reader has then.
        """
        found = array("i", bytes(12 * len(order)))
        rows = found
        row = 0
        for at in range(len(order)):
            entry = order[at]
            if entry < 0:
                break  # only entries that are BAD are left
            base = self.bases[entry]
            before = self.reader.count
            try:
                if base < 0:
                    sound = self._read_whole(entry, self._inflated(entry))
                else:
                    kept = self._base(base)
                    sound = self._read_built(entry, self._inflated(entry), kept)
                    if not kept.sound:
                        base = _NONE
            except (DeltaError, INFLATE_ERROR):
                if self.left[entry]:
                    self._keep_broken(entry)
                continue
            if not sound or self.numbers[entry] < self.first:
                self.reader.count = before
                continue
            rows[row] = self.numbers[entry]
            rows[row + 1] = self.numbers[base] if base >= 0 else _NONE
            rows[row + 2] = self.reader.count
            row += 3
        return found[:row]

    def _inflated(self, entry: int) -> bytes:
        """Return what is stored for an entry. Raises DeltaError, INFLATE_ERROR."""
        size = self.sizes[entry]
        if size > _LARGE:
            raise DeltaError("left to git")
        start = self.starts[entry]
        # No deflater doubles what it is given.
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

    def _base(self, entry: int) -> Waiting:
        """Return the base of the tree that is read now. Raises DeltaError."""
        while self.waiting:
            kept = self.waiting[len(self.waiting) - 1]
            if kept.entry == entry:
                if kept.broken:
                    raise DeltaError("its base cannot be read")
                if kept.data is None:
                    kept.data = self._rebuilt(entry)
                    self.held += len(kept.data)
                return kept
            self._forget(kept)
            self.waiting.pop()
        data = self._rebuilt(entry)  # the range began within a family
        before = self.reader.count
        sound = self.reader.read(b"", data, self.steps, 0)
        self.reader.count = before
        return self._keep(entry, data, sound)

    def _rebuilt(self, entry: int) -> Bytes:
        data = rebuild(self.pack, entry)
        if data is None:
            self._keep_broken(entry)
            raise DeltaError("its base cannot be read")
        return data

    def _keep(self, entry: int, data: Bytes, sound: bool) -> Waiting:
        """Keep a tree that others are built on."""
        self.held += len(data)
        if self.held > _HELD:
            for other in self.waiting:
                self._forget(other)
        kept = Waiting(entry, data, self.left[entry], sound)
        self.waiting.append(kept)
        return kept

    def _keep_broken(self, entry: int) -> None:
        kept = Waiting(entry, None, 0, False)
        kept.broken = True
        self.waiting.append(kept)

    def _forget(self, kept: Waiting) -> None:
        if kept.data is not None:
            self.held -= len(kept.data)
            kept.data = None

    def _read_whole(self, entry: int, data: bytes) -> bool:
        """Read a tree that is stored whole: a new family begins."""
        self.waiting.clear()
        self.held = 0
        sound = self.reader.read(b"", data, self.steps, 0)
        if self.left[entry]:
            self._keep(entry, data, sound)
        return sound

    def _read_built(self, entry: int, delta: bytes, base: Waiting) -> bool:
        """Read a tree that is built on another. Raises DeltaError."""
        stored = delta
        end = parse_delta(stored, self.steps)
        if end < 0:
            self.steps, end = parse_with_room(delta)
        size = self.steps[1]
        if size > _LARGE:
            raise DeltaError("left to git")
        if not self.left[entry]:  # nobody needs it any longer than the reader
            if size > len(self.spare):
                self.spare = bytearray(2 * size)
            return self._build(base, stored, end, self.spare[:size])
        data = bytearray(size)
        sound = self._build(base, stored, end, data)
        self._keep(entry, data, sound)
        return sound

    def _build(self, base: Waiting, delta: bytes, end: int, tree: bytearray) -> bool:
        """Make a tree of its base and read it. Raises DeltaError."""
        whole = base.data or b""
        apply_delta(whole, delta, self.steps, end, tree)
        base.left -= 1
        if not base.left:
            self._forget(base)
        return self.reader.read(whole if base.sound else whole[:0], tree, self.steps, end if base.sound else 0)
