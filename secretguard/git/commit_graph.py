"""Commits with their trees and parents as tables of raw ids: a hundred thousand of them are a few megabytes."""

import re
from array import array
from binascii import unhexlify
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain, repeat
from operator import itemgetter
from struct import iter_unpack

from secretguard.git.families import NONE
from secretguard.git.history import PRIORITY, Links, Tag, head_of, links_of, peel
from secretguard.git.refs import Tip
from secretguard.model import Place

_USUAL = {
    width: re.compile(rb"tree ([0-9a-f]{%d})\n((?:parent [0-9a-f]{%d}\n)*)author " % (2 * width, 2 * width))
    for width in (20, 32)
}
"""How a commit begins that git wrote, by the bytes of an id."""


@dataclass(slots=True)
class CommitTable:
    """Commits in the order in which they were added."""

    width: int
    """Bytes of an id."""
    ids: bytearray = field(default_factory=bytearray)
    trees: bytearray = field(default_factory=bytearray)
    """For each commit the id of its tree, zeros if it names none."""
    counts: "array[int]" = field(default_factory=lambda: array("I"))
    parents: bytearray = field(default_factory=bytearray)
    """The parents of all, as many for each as `counts` says."""

    def __len__(self) -> int:
        return len(self.counts)

    def add(self, raw_id: bytes, data: bytes | bytearray) -> None:
        """Take in a raw commit."""
        if match := _USUAL[self.width].match(data):
            parents = unhexlify(match[2].replace(b"parent ", b"").replace(b"\n", b""))
            self.ids += raw_id
            self.trees += unhexlify(match[1])
            self.counts.append(len(parents) // self.width)
            self.parents += parents
            return
        tree, names = links_of(bytes(head_of(data)))
        self._add(raw_id, parsed_id(tree, self.width), [parsed_id(name, self.width) for name in names])

    def extend(self, other: "CommitTable") -> None:
        """Take in the commits of another table."""
        self.ids += other.ids
        self.trees += other.trees
        self.counts += other.counts
        self.parents += other.parents

    def only(self, wanted: Collection[bytes]) -> "CommitTable":
        """Return those commits that are `wanted`."""
        found = CommitTable(self.width)
        for raw_id, tree, parents in self._rows():
            if raw_id in wanted:
                found._add(raw_id, tree, parents)
        return found

    def within(self, usable: Collection[bytes]) -> "CommitTable":
        """Return those commits that are `usable`, with those of their parents that are."""
        found = CommitTable(self.width)
        for raw_id, tree, parents in self._rows():
            if raw_id in usable:
                found._add(raw_id, tree, [one for one in parents if one in usable])
        return found

    def distinct(self) -> "CommitTable":
        """Return each commit once, as it was added last."""
        found = CommitTable(self.width)
        for raw_id, (tree, parents) in {one: (tree, parents) for one, tree, parents in self._rows()}.items():
            found._add(raw_id, tree, parents)
        return found

    def links(self) -> Iterator[tuple[str, Links]]:
        """Yield each commit with its tree, empty if it names none, and its parents."""
        none = "0" * (2 * self.width)
        ids, trees, parents = (_names(one, self.width) for one in (self.ids, self.trees, self.parents))
        first = 0
        for name, tree, count in zip(ids, trees, self.counts, strict=True):
            last = first + count
            yield name, ("" if tree == none else tree, tuple(parents[first:last]))
            first = last

    def _add(self, raw_id: bytes, tree: bytes, parents: Collection[bytes]) -> None:
        self.ids += raw_id
        self.trees += tree or bytes(self.width)
        known = b"".join(parents)
        self.counts.append(len(known) // self.width)
        self.parents += known

    def _rows(self) -> Iterator[tuple[bytes, bytes, list[bytes]]]:
        ids, trees, parents = (cut(one, self.width) for one in (self.ids, self.trees, self.parents))
        for raw_id, tree, count in zip(ids, trees, self.counts, strict=True):
            yield raw_id, tree, [next(parents) for _ in range(count)]


class CommitGraph:
    """The commits of some tables, by name; walked by number.

    The parents of commit `n` are those at `firsts[n]:firsts[n + 1]` of `parents`: numbers, NONE for one that is not
    here; `table` has their ids in the same places.
    """

    def __init__(self, tables: Iterable[CommitTable], width: int) -> None:
        """Take the commits of all `tables`."""
        whole = CommitTable(width)
        for table in tables:
            whole.extend(table)
        numbers = dict(zip(cut(whole.ids, width), range(len(whole)), strict=True))
        if len(numbers) < len(whole):
            whole = whole.distinct()
            numbers = dict(zip(cut(whole.ids, width), range(len(whole)), strict=True))
        self.table = whole
        self.parents = array("i", map(numbers.get, cut(whole.parents, width), repeat(NONE)))
        self.firsts = array("i", accumulate(whole.counts, initial=0))
        self._numbers = numbers

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._number(name) != NONE

    @property
    def is_whole(self) -> bool:
        """Whether every parent is there."""
        return NONE not in self.parents

    def name(self, number: int) -> str:
        """Return the name of a commit."""
        width = self.table.width
        return self.table.ids[number * width : (number + 1) * width].hex()

    def absent(self, boundary: Collection[str] = ()) -> set[bytes]:
        """Return the parents that are not here, but for those of the commits at the `boundary`."""
        if self.is_whole:
            return set()
        passed = {self._number(name) for name in boundary}
        named = zip(self.parent_ids(), self.parents, self._children(), strict=True)
        return {parent for parent, number, child in named if number == NONE and child not in passed}

    def places(self, commits: Iterable[str], tags: Mapping[str, Tag], tips: Iterable[Tip]) -> dict[str, Place]:
        """Say of those `commits` that something keeps what it is, as `history.reachability` says of all."""
        tips = [*tips]
        reached = bytearray(len(self.firsts))
        for mark, place in enumerate(PRIORITY, 1):
            starts = {peel(tip.id, tags) for tip in tips if tip.place is place}
            self._mark([self._number(name) for name in starts], mark, reached)
        numbers = ((name, self._number(name)) for name in commits)
        return {name: PRIORITY[reached[one] - 1] for name, one in numbers if one != NONE and reached[one]}

    def _mark(self, waiting: list[int], mark: int, reached: bytearray) -> None:
        firsts, parents = self.firsts, self.parents
        while waiting:
            one = waiting.pop()
            while one != NONE and not reached[one]:
                reached[one] = mark
                first, stop = firsts[one], firsts[one + 1]
                if stop - first > 1:
                    waiting.extend(parents[first + 1 : stop])
                one = parents[first] if stop > first else NONE

    def parent_ids(self) -> Iterator[bytes]:
        """Yield the id of each of the `parents`."""
        return cut(self.table.parents, self.table.width)

    def _children(self) -> Iterator[int]:
        """Yield for each place of `parents` whose it is."""
        return chain.from_iterable(map(repeat, range(len(self.table)), self.table.counts))

    def _number(self, name: str) -> int:
        return self._numbers.get(parsed_id(name, self.table.width), NONE)


def cut(ids: bytes | bytearray, width: int) -> Iterator[bytes]:
    """Yield each id of a table."""
    return map(itemgetter(0), iter_unpack(f"{width}s", ids))


def _names(ids: bytes | bytearray, width: int) -> list[str]:
    """Return each id of a table in hexadecimal digits."""
    digits = ids.hex()
    return [digits[at : at + 2 * width] for at in range(0, len(digits), 2 * width)]


def parsed_id(name: str, width: int) -> bytes:
    """Return a raw id, nothing for what is none."""
    try:
        raw = bytes.fromhex(name)
    except ValueError:
        return b""
    return raw if len(raw) == width and len(name) == 2 * width else b""
