"""The trees of a pack, each compared with the one it is built on. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `packed_trees.pxd`.
"""

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads this line, and nothing runs it: see uncompiled.py
    import cython
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from packed_trees.pxd
    from secretguard.git.tree_changes import TreeReader
    from secretguard.git.walk import Walk

NONE = -1

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_COLUMNS = 3


def read_trees(walk: Walk, reader: TreeReader, numbers: "array[int]", first: int) -> "array[int]":
    """Give the trees of a walk to the reader.

    `numbers` has the number of each entry; one below `first` is in an earlier pack too, and only a base here.
    Returns three numbers for each that is a tree: its own, that of its base or NONE, and how many changes the reader
    has then.
    """
    found = array("i", bytes(4 * _COLUMNS * (walk.stop - walk.at)))
    rows = found
    row = 0
    unsound: set[int] = set()
    """What the reader cannot read: trees that are built on it are read by themselves."""
    judged = _NONE
    """The base that is not of this walk, and was read last only to know whether it is sound."""
    nothing = b""
    for one in walk:
        base = one.base
        before = reader.count
        if base >= 0 and one.depth == 0 and base != judged:
            judged = base
            if not reader.read(nothing, walk.under, one.steps, 0):
                unsound.add(base)
            reader.count = before
        if unsound and base in unsound:
            base = _NONE
        if base >= 0:
            sound = reader.read(walk.under, one.view, one.steps, one.end)
        else:
            sound = reader.read(nothing, one.view, one.steps, 0)
        if not sound:
            unsound.add(one.entry)
        elif numbers[one.entry] < first:
            reader.count = before
        else:
            rows[row] = numbers[one.entry]
            rows[row + 1] = numbers[base] if base >= 0 else _NONE
            rows[row + 2] = reader.count
            row += _COLUMNS
    return found[:row]
