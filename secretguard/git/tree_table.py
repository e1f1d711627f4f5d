"""Numbers for the trees of a repository, found by their ids. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `tree_table.pxd`.
"""

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.libc.string import memcmp, memcpy
else:
    from secretguard.git import uncompiled as cython

NONE = -1

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_CROWDED = 4096
"""Ids are hashes: so many in a row at one place of the table were made by somebody else."""
_RECENT = 4095

Bytes = bytes | bytearray | memoryview


class CrowdedError(ValueError):
    """The ids of an index are no hashes."""


class TreeTable:
    """Finds the number of a tree by its raw id; an id that is entered twice keeps its first number.

    An open hash table by the first bits of the ids: what comes sorted by id is entered from the left to the right.
    `rows` holds a number and the id it is for, side by side.
    """

    def __init__(self, most: int, width: int) -> None:
        bits = min(max((5 * most // 4).bit_length(), 4), 30)
        self.width = width
        self.shift = 32 - bits
        self.mask = (1 << bits) - 1
        self.columns = 1 + width // 4
        self.rows = array("i", [NONE] + [0] * (width // 4)) * (1 << bits)
        self.recent = array("i", bytes(4 * (_RECENT + 1)))
        """Where ids were found last: what one tree changes was asked for when the tree that it is built on was read."""

    def add(self, data: Bytes, at: int, number: int) -> int:
        """Enter the id at `data[at:]`; return its number, an earlier one if it was entered before."""
        row = self._probe(data, at)
        if self.rows[row] == _NONE:
            self.rows[row] = number
            if cython.compiled:
                memcpy(cython.address(self.rows[row + 1]), cython.address(data[at]), self.width)
            else:
                self.rows[row + 1 : row + self.columns] = array("i", bytes(data[at : at + self.width]))
        return self.rows[row]

    def find(self, data: Bytes, at: int) -> int:
        """Return the number of the id at `data[at:]`, or NONE."""
        if at < 0 or at + self.width > len(data):
            raise CrowdedError("an id is cut off")
        spot = ((data[at + 4] << 8) | data[at + 5]) & _RECENT
        row = self.recent[spot]
        if not self._is_at(row, data, at):
            row = self._probe(data, at)
            self.recent[spot] = row
        return self.rows[row]

    def find_all(self, ids: bytes) -> "array[int]":
        """Return the number of each of the ids that stand one behind the other in `ids`, NONE for what is not here."""
        found = array("i", bytes(4 * (len(ids) // self.width)))
        numbers = found
        for k in range(len(found)):
            numbers[k] = self.find(ids, k * self.width)
        return found

    def add_trees(
        self, ids: memoryview, places: "array[int]", order: "array[int]", first: int, numbers: "array[int]"
    ) -> int:
        """Enter the trees of a pack, in `order`, with numbers from `first` on; return how many are known already.

        `places` says where in `ids` each entry of the pack stands; `numbers` gets its number, NONE for what is no tree.
        """
        by_place = array("i", (NONE,)) * len(places)
        placed = by_place
        known = 0
        for k in range(len(order)):
            entry = order[k]
            if entry >= 0:
                placed[places[entry]] = first + k
        for place in range(len(places)):
            number = placed[place]
            if number >= 0:
                found = self.add(ids, place * self.width, number)
                placed[place] = found
                known += found != number
        for entry in range(len(places)):
            numbers[entry] = placed[places[entry]]
        return known

    def _is_at(self, row: int, data: Bytes, at: int) -> bool:
        """Whether the id in a row is that at `data[at:]`, all of which is there."""
        if cython.compiled:
            return bool(memcmp(cython.address(self.rows[row + 1]), cython.address(data[at]), self.width) == 0)
        return self.rows[row + 1 : row + self.columns].tobytes() == data[at : at + self.width]

    def _probe(self, data: Bytes, at: int) -> int:
        """Return the row that holds the id at `data[at:]`, or the free one where it belongs. Raises CrowdedError."""
        if at < 0 or at + self.width > len(data):
            raise CrowdedError("an id is cut off")
        place = 0
        for k in range(4):
            place = (place << 8) | data[at + k]
        place >>= self.shift
        for _ in range(_CROWDED):
            row = place * self.columns
            if self.rows[row] == _NONE or self._is_at(row, data, at):
                return row
            place = (place + 1) & self.mask
        raise CrowdedError("the ids of an index are no hashes")
