"""What a commit's tree holds and none of its parents' trees does, of wanted files. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `tree_pairs.pxd`. Trees are known by what they change of others (see
`tree_changes`): two of them differ at most in what is changed on the way from the one to the other, by way of the
nearest tree that both are built on. A tree that is built on none changes the empty one, NONE.
"""

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads this line, and nothing runs it: see uncompiled.py
    import cython
else:
    from secretguard.git import uncompiled as cython

NONE = -1
COMPILED: bool = cython.compiled

_NONE = NONE  # the compiler makes numbers of these, which only this module sees
_FIRST_WANTED = -2  # the same as in tree_changes
_COLUMNS = 3
_ROW = 4
_BEGIN = 1
_END = 2
_DEPTH = 3
_UNTOUCHED = -(1 << 31)
_DEEPEST = 200
"""Directories within each other; what is deeper is left to git."""
_PATIENCE = 20_000_000
"""Steps for one commit: trees that hold the same trees many times over multiply without end."""
_WORTH_KNOWING = 64
_FRUITLESS = 4095
_FOUND = 16
"""Steps that a found file counts for."""


class LeftToGitError(Exception):
    """A tree that is needed cannot be read here, or has no end."""


class TreePairs:
    """Compares trees, which are known by number.

    In `trees` each has a row of four: the one it is built on, where in `records` its changes begin and end, and how
    deep it is built, which is found out here. Names are known by number too; in `scratch` each has a row of four: the
    comparison that touched it last, and its values on this side, on the other side, and where the two ways meet.
    """

    def __init__(self, trees: "array[int]", records: "array[int]", readable: bytearray, names: Sequence[bytes]) -> None:
        self.trees = trees
        self.records = records
        self.readable = readable
        self.names = list(names)
        self.marked = bytearray(len(readable))
        """Of a family in or below which there are wanted files; only these are looked into."""
        self.scratch = array("i", bytes(16 * len(names)))
        self.touched = array("i", bytes(4 * len(names)))
        self.kept = array("i", bytes(4 * len(names)))
        self.serial = 0
        self.work = array("i", bytes(4 * _COLUMNS * 1024))
        self.path = array("i", bytes(4 * _DEEPEST))
        self.steps = 0
        self.found: list[tuple[bytes, int]] = []
        self.fruitless = array("i", bytes(8 * (_FRUITLESS + 1)))
        """Pairs that brought nothing, and would again; (0, 0) stands for none."""
        self._prepare()

    def _prepare(self) -> None:
        """Find out how deep each tree is built, and mark the families that matter.

        A tree that cannot be read may hold anything, and what is built on it cannot be read either.
        """
        count = len(self.readable)
        family = array("i", bytes(4 * count))
        families = family
        for tree in range(count):
            base = self.trees[tree * _ROW]
            families[tree] = tree
            if base >= 0:
                if base >= tree or not self.readable[base]:
                    self.readable[tree] = 0
                else:
                    families[tree] = families[base]
                    self.trees[tree * _ROW + _DEPTH] = self.trees[base * _ROW + _DEPTH] + 1
            if not self.readable[tree]:
                self.marked[families[tree]] = 1
                self.trees[tree * _ROW + _END] = self.trees[tree * _ROW + _BEGIN]
            for at in range(self.trees[tree * _ROW + _BEGIN], self.trees[tree * _ROW + _END]):
                if self.records[at * _COLUMNS + 2] <= _FIRST_WANTED:
                    self.marked[families[tree]] = 1
        self._mark_above(family)
        for tree in range(count):
            self.marked[tree] = self.marked[families[tree]]

    def _mark_above(self, family: "array[int]") -> None:
        """Mark the families with trees that name one of a marked family; `family` has the first tree of each tree's."""
        count = len(family)
        starts = array("i", bytes(4 * (count + 1)))
        holders = self._holders(family, starts)
        waiting = array("i", bytes(4 * count))
        filled = 0
        for tree in range(count):
            if family[tree] == tree and self.marked[tree]:
                waiting[filled] = tree
                filled += 1
        done = 0
        while done < filled:
            one = waiting[done]
            done += 1
            for at in range(starts[one], starts[one + 1]):
                if not self.marked[holders[at]]:
                    self.marked[holders[at]] = 1
                    waiting[filled] = holders[at]
                    filled += 1

    def _holders(self, family: "array[int]", starts: "array[int]") -> "array[int]":
        """Return the families that name a tree of each family, those of `f` at `starts[f]:starts[f + 1]`."""
        count = len(family)
        for tree in range(count):
            for at in range(self.trees[tree * _ROW + _BEGIN], self.trees[tree * _ROW + _END]):
                value = self.records[at * _COLUMNS + 2]
                if value >= 0:
                    starts[family[value]] += 1
        total = 0
        for tree in range(count + 1):  # where the row of each ends; as it is filled this becomes where it starts
            total += starts[tree]
            starts[tree] = total
        found = array("i", bytes(4 * total))
        holders = found
        for tree in range(count):
            for at in range(self.trees[tree * _ROW + _BEGIN], self.trees[tree * _ROW + _END]):
                value = self.records[at * _COLUMNS + 2]
                if value >= 0:
                    starts[family[value]] -= 1
                    holders[starts[family[value]]] = family[tree]
        return found

    def compare(self, tree: int, parents: list[int]) -> list[tuple[bytes, int]]:
        """Return path and number of each wanted file below `tree` that none of the `parents` has there.

        Raises LeftToGitError.
        """
        self.found = []
        self.steps = 0
        for one in (tree, *parents):
            if not self._is_readable(one):
                raise LeftToGitError  # git reads them even where they are the same
        if tree not in parents:
            self._descend(tree, parents[0] if parents else _NONE, parents[1:], 0, 0)
        return self.found

    def compare_each(
        self, roots: "array[int]", firsts: "array[int]", parents: "array[int]"
    ) -> tuple[list[tuple[int, bytes, int]], list[int]]:
        """Return commit, path and number of each wanted file that a commit adds, and the commits that are left to git.

        `roots` has the tree of each commit; its parents are those at `firsts[n]:firsts[n + 1]` of `parents`.
        """
        added = []
        left = []
        for commit in range(len(firsts) - 1):
            others = [roots[parents[at]] for at in range(firsts[commit], firsts[commit + 1])]
            try:
                for path, number in self.compare(roots[commit], others):
                    added.append((commit, path, number))
            except LeftToGitError:
                left.append(commit)
        return added, left

    def _descend(self, tree: int, other: int, more: list[int], level: int, top: int) -> None:
        """Compare a tree, and what is below it, with another (or NONE) and then with `more`; `work[top:]` is free."""
        if level == _DEEPEST or self.steps > _PATIENCE or not (self._is_readable(tree) and self._is_readable(other)):
            raise LeftToGitError
        spot = (tree * 31 + other) & _FRUITLESS
        if not more and self.fruitless[2 * spot] == tree and self.fruitless[2 * spot + 1] == other:
            return
        steps = self.steps
        found = len(self.found)
        end = self._differences(tree, other, top)
        for one in more:
            end = self._keep(tree, one, top, end)
        for at in range(top, end, 3):
            value = self.work[at + 1]
            self.path[level] = self.work[at]
            if value <= _FIRST_WANTED:
                self.found.append((self._path_to(level), _FIRST_WANTED - value))
                self.steps += _FOUND
            elif more:
                values = self._below(self.work[at], self.work[at + 2], more)
                self._descend(value, values[0] if values else _NONE, values[1:], level + 1, end)
            else:
                below = self.work[at + 2]
                self._descend(value, below if below > _NONE else _NONE, more, level + 1, end)
        if not more and len(self.found) == found and self.steps - steps > _WORTH_KNOWING:
            self.fruitless[2 * spot] = tree
            self.fruitless[2 * spot + 1] = other

    def _is_readable(self, tree: int) -> bool:
        """Whether a tree can be read, as the empty one can."""
        return tree == _NONE or (tree >= 0 and self.readable[tree] != 0)

    def _differences(self, tree: int, other: int, top: int) -> int:
        """Write rows (name, value, the other's value) into `work[top:]`, and return where they end."""
        self.serial += 1
        touched = 0
        one = tree
        two = other
        while one != two:
            is_here = two < 0 or (one >= 0 and self.trees[one * _ROW + _DEPTH] >= self.trees[two * _ROW + _DEPTH])
            at = _ROW * (one if is_here else two)
            if is_here:
                one = self.trees[at]
            else:
                two = self.trees[at]
            begin = self.trees[at + _BEGIN]
            end = self.trees[at + _END]
            self.steps += 1 + end - begin
            for record in range(begin * _COLUMNS, end * _COLUMNS, 3):
                name = self.records[record]
                row = 4 * name
                if self.scratch[row] != self.serial:
                    self.scratch[row] = self.serial
                    self.scratch[row + 1] = _UNTOUCHED
                    self.scratch[row + 2] = _UNTOUCHED
                    self.touched[touched] = name
                    touched += 1
                side = row + 1 if is_here else row + 2
                if self.scratch[side] == _UNTOUCHED:
                    self.scratch[side] = self.records[record + 2]
                self.scratch[row + 3] = self.records[record + 1]
        while top + touched * _COLUMNS > len(self.work):
            self.work = array("i", self.work) + array("i", self.work)
        for k in range(touched):
            row = 4 * self.touched[k]
            here = self.scratch[row + 1]
            there = self.scratch[row + 2]
            if here == _UNTOUCHED:
                here = self.scratch[row + 3]
            elif there == _UNTOUCHED:
                there = self.scratch[row + 3]
            if here != there and (here <= _FIRST_WANTED or (here >= 0 and self.marked[here])):
                self.work[top] = self.touched[k]
                self.work[top + 1] = here
                self.work[top + 2] = there
                top += _COLUMNS
        return top

    def _keep(self, tree: int, other: int, top: int, end: int) -> int:
        """Keep of the rows `work[top:end]` those in which `tree` differs from `other` too; return where they end."""
        if not self._is_readable(other):
            raise LeftToGitError
        if top == end:
            return end
        stop = self._differences(tree, other, end)
        for at in range(end, stop, 3):
            self.kept[self.work[at]] = self.serial
        to = top
        for at in range(top, end, 3):
            if self.kept[self.work[at]] == self.serial:
                for k in range(_COLUMNS):
                    self.work[to + k] = self.work[at + k]
                to += _COLUMNS
        return to

    def _below(self, name: int, first: int, more: list[int]) -> list[int]:
        """Return which trees the parents have at a name: `first`, if it is one, and those of `more`."""
        values = [first] if first >= 0 else []
        for parent in more:
            value = self._child(parent, name)
            if value >= 0 and value not in values:
                values.append(value)
        return values

    def _child(self, tree: int, name: int) -> int:
        """Return what a tree has at a name."""
        while tree >= 0:
            begin = self.trees[tree * _ROW + _BEGIN]
            end = self.trees[tree * _ROW + _END]
            self.steps += 1 + end - begin
            for record in range(begin * _COLUMNS, end * _COLUMNS, 3):
                if self.records[record] == name:
                    return self.records[record + 2]
            tree = self.trees[tree * _ROW]
        return _NONE

    def _path_to(self, level: int) -> bytes:
        """Return the path that leads to where we are."""
        return b"".join([self.names[self.path[k]] for k in range(level + 1)])


def relabel(records: "array[int]", names: "array[int]", first_stranger: int, strangers: "array[int]") -> None:
    """Give the names, and the values from `first_stranger` on, other numbers."""
    for record in range(0, len(records), 3):
        records[record] = names[records[record]]
        for at in range(record + 1, record + 3):
            if records[at] >= first_stranger:
                records[at] = strangers[records[at] - first_stranger]


def place(found: "array[int]", begin: int, trees: "array[int]", readable: bytearray) -> None:
    """Note for each row of `found` (number, base, end of its changes) where its records, from `begin` on, stand."""
    at = begin
    for row in range(0, len(found), 3):
        tree = found[row]
        trees[tree * _ROW] = found[row + 1]
        trees[tree * _ROW + _BEGIN] = at
        at = begin + found[row + 2]
        trees[tree * _ROW + _END] = at
        readable[tree] = 1
