"""What each tree changes of the tree it is built on: its subtrees and wanted files. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `tree_changes.pxd`. An entry of a tree is `mode SP name NUL id`; ids
hold any bytes, so that only who stands at the start of an entry finds the next one.
A change is a record of three numbers: the key, the value before, the value after. A key is a name, with a NUL behind it
where it is a directory's, for a file and a directory of the same name are two things. A value is the number of a tree,
or FIRST_WANTED - i for the wanted blob i, or NONE for what is of no interest.
The order of entries: base_name_compare in read-cache.c of git.
"""

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.libc.string import memchr, memcmp
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has it from tree_changes.pxd
    from secretguard.git.tree_table import TreeTable

NONE = -1
FIRST_WANTED = -2
COLUMNS = 3

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_FIRST_WANTED = FIRST_WANTED
_COLUMNS = COLUMNS
_HEAD = 2
"""Where the instructions of a delta begin: see `delta.parse_delta`."""
_SPACE = 32
_SLASH = 47
_ZERO = 48
_HIGHEST_MODE = 65535
_BROKEN = 0
_NO_ENTRY = 1
_DIRECTORY = 4  # kinds of entries are the highest bits of their modes
_FILE = 8
_LINK = 10
_GITLINK = 14
_DISORDER = 2
_RECENT = 4095
_MOST_CHANGES = 1 << 22
"""More than that are in nobody's share of an honest repository; such trees are left to git."""

Bytes = bytes | bytearray


def beginnings(wanted: Iterable[bytes]) -> bytearray:
    """Return a flag for each two bytes that a wanted id begins with."""
    flags = bytearray(1 << 16)
    for raw_id in wanted:
        flags[raw_id[0] << 8 | raw_id[1]] = 1
    return flags


class TreeReader:
    """Compares trees with those they are built on, and collects the changes.

    `wanted` numbers the raw ids of blobs. `room[: COLUMNS * count]` holds the records. Keys (`spelled`), and trees that
    the table does not hold (`strangers`, from `next_number` on), are numbered as they are met.
    """

    def __init__(self, table: TreeTable, wanted: dict[bytes, int], may_be_wanted: bytearray, next_number: int) -> None:
        self.table = table
        self.width = table.width
        self.wanted = wanted
        self.may_be_wanted = may_be_wanted
        self.spelled: list[bytes] = []
        self.keys: dict[bytes, int] = {}
        self.recent = array("i", bytes(4 * (_RECENT + 1)))
        """Keys met last."""
        self.strangers: dict[bytes, int] = {}
        self.next_number = next_number
        self.tree_end = 0
        self.base_end = 0
        """Where the entries end that were compared last."""
        self.count = 0
        self.room = array("i", bytes(4 * _COLUMNS * 1024))
        self.changes = self.room

    def read(self, base: Bytes, tree: Bytes, steps: "array[int]", end: int) -> bool:
        """Append the changes from `base` to `tree`, which `steps` (see `delta.parse_delta`) make of it, up to `end`.

        For a tree by itself `base` is empty and `end` 0. False, and nothing appended, if it is no tree as git writes
        them.
        """
        before = self.count
        if before < _MOST_CHANGES and self._compare(base, tree, steps, end):
            return True
        self.count = before
        return False

    def _compare(self, base: Bytes, tree: Bytes, steps: "array[int]", end: int) -> bool:
        """Walk both side by side in the order of names; in what is copied, only the ends of entries are looked for.

        What comes next in the base is always behind what came last in the tree, so that only what a tree adds can be
        out of order.
        """
        size = len(tree)
        base_size = len(base)
        i = 0
        j = 0
        previous = _NONE
        step = _HEAD
        done = 0
        while i < size or j < base_size:
            while step < end and done + steps[step + 1] <= i:
                done += steps[step + 1]
                step += 2
            if step < end and steps[step] >= 0 and steps[step] + i - done == j:
                stop = done + steps[step + 1]
                if stop == size and steps[step] + steps[step + 1] == base_size:
                    return True
                following = _find_nul(tree, i) + 1 + self.width
                while following <= stop:
                    previous = i
                    j += following - i
                    i = following
                    following = _find_nul(tree, i) + 1 + self.width
                if i >= size and j >= base_size:
                    break
            order = self._step(base, j, tree, i, previous)
            if order == _DISORDER:
                return False
            if order <= 0:
                previous = i
                i = self.tree_end
            if order >= 0:
                j = self.base_end
        return True

    def _step(self, base: Bytes, j: int, tree: Bytes, i: int, previous: int) -> int:
        """Compare two entries and append what differs; below 0 the tree's comes first, above 0 the base's."""
        kind = base_kind = _NO_ENTRY
        name = nul = base_name = base_nul = 0
        if i < len(tree):
            kind, name, nul = _entry(tree, i, self.width)
            self.tree_end = nul + 1 + self.width
        if j < len(base):
            base_kind, base_name, base_nul = _entry(base, j, self.width)
            self.base_end = base_nul + 1 + self.width
        if kind == _BROKEN or base_kind == _BROKEN:  # noqa: PLR1714 - of numbers, the compiler makes no tuple
            return _DISORDER
        if base_kind == _NO_ENTRY:
            order = -1
        elif kind == _NO_ENTRY:
            order = 1
        else:
            order = _order(tree, name, nul, kind, base, base_name, base_nul, base_kind)
        if order < 0 and previous >= 0:
            last_kind, last_name, last_nul = _entry(tree, previous, self.width)
            if _order(tree, last_name, last_nul, last_kind, tree, name, nul, kind) >= 0:
                return _DISORDER
        before = self._child(base, base_nul + 1, base_kind) if order >= 0 else _NONE
        after = self._child(tree, nul + 1, kind) if order <= 0 else _NONE
        if before != after:
            key = self._key(tree, name, nul, kind) if order <= 0 else self._key(base, base_name, base_nul, base_kind)
            self._append(key, before, after)
        return order

    def _append(self, key: int, before: int, after: int) -> None:
        at = self.count * _COLUMNS
        if at + _COLUMNS > len(self.changes):
            self.room = self.room + self.room
            self.changes = self.room
        self.changes[at] = key
        self.changes[at + 1] = before
        self.changes[at + 2] = after
        self.count += 1

    def _key(self, data: Bytes, name: int, nul: int, kind: int) -> int:
        """Return the number of the key of an entry."""
        stop = nul + 1 if kind == _DIRECTORY else nul
        spot = stop - name
        for k in range(name, stop):
            spot = (spot * 31 + data[k]) & _RECENT
        number = self.recent[spot]
        if number < len(self.spelled) and _is_at(self.spelled[number], data, name, stop):
            return number
        key = _bytes(data, name, stop)
        number = self.keys.setdefault(key, len(self.spelled))
        if number == len(self.spelled):
            self.spelled.append(key)
        self.recent[spot] = number
        return number

    def _child(self, data: Bytes, at: int, kind: int) -> int:
        """Return the value of an entry whose id is at `data[at:]`."""
        if kind == _DIRECTORY:
            found = self.table.find(data, at)
            if found == _NONE:
                stranger = _bytes(data, at, at + self.width)
                found = self.strangers.setdefault(stranger, self.next_number + len(self.strangers))
            return found
        if kind != _GITLINK and self.may_be_wanted[(data[at] << 8) | data[at + 1]]:
            number = self.wanted.get(_bytes(data, at, at + self.width))
            if number is not None:
                return _FIRST_WANTED - number
        return _NONE


def _entry(data: Bytes, at: int, width: int) -> tuple[int, int, int]:
    """Return the kind of the entry at `at`, where its name begins, and where the NUL behind the name stands."""
    size = len(data)
    name = at
    mode = 0
    while name < size and data[name] != _SPACE:
        if data[name] < _ZERO or data[name] >= _ZERO + 8 or mode > _HIGHEST_MODE:
            return (_BROKEN, 0, 0)
        mode = mode * 8 + data[name] - _ZERO
        name += 1
    if name == at or mode > _HIGHEST_MODE:
        return (_BROKEN, 0, 0)
    name += 1
    nul = _find_nul(data, name)
    if nul == name or nul + width >= size:
        return (_BROKEN, 0, 0)
    kind = mode >> 12
    if kind not in (_DIRECTORY, _FILE, _LINK):
        kind = _GITLINK  # so git takes everything else
    return (kind, name, nul)


def _find_nul(data: Bytes, at: int) -> int:
    """Return where the next NUL stands, or the size of the data."""
    size = len(data)
    if at < 0 or at >= size:
        return size
    if cython.compiled:
        found = memchr(cython.address(data[at]), 0, size - at)
        if found == cython.NULL:
            return size
        return int(cython.cast("const unsigned char *", found) - cython.address(data[0]))
    nul = data.find(0, at)
    return size if nul < 0 else nul


def _bytes(data: Bytes, start: int, stop: int) -> bytes:
    """Return what stands in `data[start:stop]`, which is not empty."""
    if cython.compiled:
        if start < 0 or stop <= start or stop > len(data):
            raise IndexError
        text: bytes = PyBytes_FromStringAndSize(cython.cast("char *", cython.address(data[start])), stop - start)
        return text
    return bytes(data[start:stop])


def _is_at(key: bytes, data: Bytes, start: int, stop: int) -> bool:
    """Whether `key` is what stands in `data[start:stop]`, which is not empty."""
    if len(key) != stop - start or start < 0 or stop > len(data):
        return False
    if cython.compiled:
        return bool(memcmp(cython.cast("const char *", key), cython.address(data[start]), stop - start) == 0)
    return key == data[start:stop]


def _order(
    one: Bytes, name: int, nul: int, kind: int, other: Bytes, other_name: int, other_nul: int, other_kind: int
) -> int:
    """Compare two entries as git sorts them: a directory as if its name ended with a slash."""
    while name < nul and other_name < other_nul:
        if one[name] != other[other_name]:
            return -1 if one[name] < other[other_name] else 1
        name += 1
        other_name += 1
    left = 0
    right = 0
    if name < nul:
        left = one[name]
    elif kind == _DIRECTORY:
        left = _SLASH
    if other_name < other_nul:
        right = other[other_name]
    elif other_kind == _DIRECTORY:
        right = _SLASH
    return (left > right) - (left < right)
