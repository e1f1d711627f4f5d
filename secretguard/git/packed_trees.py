"""The trees of a pack, each rebuilt once and compared with the one it is built on. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `packed_trees.pxd`. It is `packs.walk` once more, for trees only:
they are small and many, so that here the walk itself is most of the work.
"""

from array import array

from isal import isal_zlib

from secretguard.git.delta import DeltaError
from secretguard.git.packs import LARGE, Pack, rebuild

try:
    import cython
except ImportError:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from packed_trees.pxd
    from secretguard.git.delta import apply_delta, parse_delta
    from secretguard.git.tree_changes import TreeReader

NONE = -1

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_LARGE = LARGE
_SPARE = 1 << 16
_SHORT = 1 << 13
"""Not worth an object that watches the size: no more than a thousand times this comes out."""
_ZLIB = 15


class Waiting:
    """A tree that others are built on."""

    def __init__(self, entry: int, data: bytes | bytearray, left: int, sound: bool) -> None:
        self.entry = entry
        self.data: bytes | bytearray = data
        self.left = left
        """So many are still to be built on it."""
        self.sound = sound
        """Whether the reader could read it."""


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
        self.steps = array("q", bytes(8 * 4096))
        self.spare = bytearray(_SPARE)

    def read(self, order: "array[int]") -> "array[int]":
        """Read the entries in `order`, in which each follows its base or its base is elsewhere.

        Returns three numbers for each that is a tree: its own, that of its base or NONE, and how many changes the reader
        has then.
        """
        found = array("i", bytes(12 * len(order)))
        rows: memoryview | array[int] = found
        row = 0
        for at in range(len(order)):
            entry = order[at]
            if entry < 0:
                break
            base = self.bases[entry]
            before = self.reader.count
            try:
                stored = self.inflate(entry)
                if base < 0:
                    self.waiting.clear()
                    sound = self.read_whole(entry, stored)
                else:
                    kept = self.base(base)
                    sound = self.read_built(entry, stored, kept)
                    if not kept.sound:
                        base = _NONE
            except (DeltaError, isal_zlib.error):
                continue
            if not sound or self.numbers[entry] < self.first:
                self.reader.count = before
                continue
            rows[row] = self.numbers[entry]
            rows[row + 1] = self.numbers[base] if base >= 0 else _NONE
            rows[row + 2] = self.reader.count
            row += 3
        return found[:row]

    def inflate(self, entry: int) -> bytes:
        """Return what is stored for an entry. Raises DeltaError, isal_zlib.error."""
        size = self.sizes[entry]
        start = self.starts[entry]
        stop = self.offsets[entry + 1]
        if size > _LARGE:
            raise DeltaError("left to git")
        if stop - start < _SHORT:
            stored = self.inflate_short(self.source[start:stop], _ZLIB, size)
        else:
            inflater = self.inflater()
            stored = inflater.decompress(self.source[start:stop], size + 1)
            if not inflater.eof:
                raise DeltaError("the data has another size")
        if len(stored) != size:
            raise DeltaError("the data has another size")
        return stored

    def base(self, entry: int) -> Waiting:
        """Return the base of the tree that is read now. Raises DeltaError."""
        while self.waiting:
            kept = self.waiting[len(self.waiting) - 1]
            if kept.entry == entry:
                return kept
            self.waiting.pop()
        data = rebuild(self.pack, entry)  # the range begins within a family
        if data is None:
            raise DeltaError("its base cannot be read")
        before = self.reader.count
        kept = Waiting(entry, data, self.left[entry], self.reader.read(b"", data, self.steps, 0))
        self.reader.count = before
        self.waiting.append(kept)
        return kept

    def read_whole(self, entry: int, data: bytes) -> bool:
        """Read a tree that is stored whole."""
        sound = self.reader.read(b"", data, self.steps, 0)
        if self.left[entry]:
            self.waiting.append(Waiting(entry, data, self.left[entry], sound))
        return sound

    def read_built(self, entry: int, delta: bytes, base: Waiting) -> bool:
        """Read a tree that is built on another. Raises DeltaError."""
        stored: Bytes = delta
        end = parse_delta(stored, self.steps)
        while end < 0:
            self.steps = array("q", bytes(16 * len(self.steps)))
            end = parse_delta(stored, self.steps)
        if self.steps[1] > _LARGE:
            raise DeltaError("left to git")
        size = self.steps[1]
        if self.left[entry]:
            data = bytearray(size)
            view: Bytes = data
        else:  # nobody needs it any longer than the reader
            if size > len(self.spare):
                self.spare = bytearray(2 * size)
            view = self.spare[:size]
        whole: Bytes = base.data
        apply_delta(whole, stored, self.steps, end, view)
        sound = self.reader.read(whole if base.sound else whole[:0], view, self.steps, end if base.sound else 0)
        base.left -= 1
        if not base.left:
            base.data = b""
        if self.left[entry]:
            self.waiting.append(Waiting(entry, data, self.left[entry], sound))
        return sound
