"""What all trees of a repository change of each other, as far as wanted files and the ways to them go."""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from secretguard.git.families import NONE, TREE
from secretguard.git.loose import LooseObjects, read_loose
from secretguard.git.packed_trees import read_trees
from secretguard.git.packs import Pack, PackError, with_bases
from secretguard.git.store import ObjectStore
from secretguard.git.tree_changes import COLUMNS, TreeReader, beginnings
from secretguard.git.tree_pairs import TreePairs, place, relabel
from secretguard.git.tree_table import CrowdedError, TreeTable
from secretguard.git.walk import Walk
from secretguard.workers import in_parallel, processors

_SHARES = 8
"""Tasks for each process, so that none waits long for the last."""
_FEWEST = 8192
"""Trees that are worth a process; of loose ones, each of which is a file, an eighth."""
_MOST = 1 << 18
_NO_STEPS = array("q", bytes(16))

_Share = tuple["array[int]", "array[int]", Sequence[bytes], Sequence[bytes]]
"""What was read of some trees: see `read_trees`; the records, the names and the strangers, which are numbered for
this share only."""


class _Numbered(NamedTuple):
    """A pack whose trees have numbers."""

    pack: Pack
    first: int
    """Trees with lower numbers are in an earlier pack too."""
    numbers: "array[int]"
    """Of each entry."""
    order: "array[int]"
    """The trees to be read, each behind its base."""


@dataclass(slots=True)
class Skeleton:
    """What is known of the trees, by number: those in packs, then all loose objects, then what is not in the store."""

    table: TreeTable
    first_loose: int
    count: int
    trees: "array[int]"
    """For each the one it is built on, where its records begin and end, and room for one number more."""
    readable: bytearray
    records: "array[int]" = field(default_factory=lambda: array("i"))
    names: dict[bytes, int] = field(default_factory=dict)
    strangers: dict[bytes, int] = field(default_factory=dict)

    def add(self, share: _Share) -> None:
        """Take over what was read."""
        found, records, names, strangers = share
        new_names = [self.names.setdefault(name, len(self.names)) for name in names]
        new_strangers = [self.strangers.setdefault(one, self.count + len(self.strangers)) for one in strangers]
        relabel(records, array("i", new_names), self.count, array("i", new_strangers))
        place(found, len(self.records) // COLUMNS, self.trees, self.readable)
        self.records.extend(records)

    def numbers(self, ids: bytes) -> "array[int]":
        """Return the number of each of some trees, whose ids stand one behind the other."""
        found = self.table.find_all(ids)
        width = self.table.width
        for at, number in enumerate(found):
            if number == NONE:  # a new one
                tree = ids[at * width : (at + 1) * width]
                found[at] = self.strangers.setdefault(tree, self.count + len(self.strangers))
        return found

    def pairs(self, empty_tree: bytes) -> TreePairs:
        """Return what compares the trees; git knows the empty one even where it is not stored."""
        self.trees.extend((NONE, 0, 0, 0) * len(self.strangers))
        self.readable += bytes(one == empty_tree for one in self.strangers)
        names = [name[:-1] + b"/" if name.endswith(b"\0") else name for name in self.names]
        return TreePairs(self.trees, self.records, self.readable, names)


def read_skeleton(store: ObjectStore, roots: bytes, wanted: dict[bytes, int], jobs: int) -> Skeleton:
    """Read all trees in packs, and those loose ones that are named in others or in `roots`, ids in one row.

    `wanted` numbers the raw ids of files; there is at least one. Raises PackError, WorkerError.
    """
    width = len(next(iter(wanted)))
    loose = [(directory, name) for directory in store.loose for name in directory.names]
    packed = sum(len(pack) - pack.entries.content for pack in store.packs)
    table = TreeTable(packed + len(loose), width)
    try:
        packs = _number_packs(store.packs, table)
        for number, (_, name) in enumerate(loose, packed):
            table.add(bytes.fromhex(name), 0, number)
    except CrowdedError as error:
        raise PackError(str(error)) from None
    count = packed + len(loose)
    skeleton = Skeleton(table, packed, count, array("i", bytes(16 * count)), bytearray(count))
    reader = partial(TreeReader, table, wanted, beginnings(wanted), count)
    tasks = [
        (number, start, stop)
        for number, pack in enumerate(packs)
        for start, stop in _ranges(len(pack.order), _SHARES * (jobs or processors()), _FEWEST)
    ]
    for share in in_parallel(partial(_read_packed, packs, reader), tasks, jobs):
        skeleton.add(share)
    if loose:
        _read_named(skeleton, loose, roots, reader, jobs)
    return skeleton


def _number_packs(packs: Sequence[Pack], table: TreeTable) -> list[_Numbered]:
    numbered: list[_Numbered] = []
    first = 0
    for pack in packs:
        entries = pack.entries
        numbers = array("i", bytes(4 * len(pack)))
        order = entries.order[entries.content :]
        known = table.add_trees(pack.ids, entries.places, order, first, numbers)
        if known:  # read only what others have not, and its bases
            needed = with_bases(entries, (entry for entry in order if entry >= 0 and numbers[entry] >= first))
            order = array("i", [entry for entry in order if entry >= 0 and needed[entry]])
        numbered.append(_Numbered(pack, first, numbers, order))
        first += len(pack) - entries.content
    return numbered


def _ranges(count: int, shares: int, fewest: int) -> list[tuple[int, int]]:
    size = min(max(fewest, -(-count // shares)), _MOST)
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def _read_packed(packs: Sequence[_Numbered], new_reader: "partial[TreeReader]", task: tuple[int, int, int]) -> _Share:
    number, start, stop = task
    one, reader = packs[number], new_reader()
    walk = Walk(one.pack, start, stop, one.order)
    return _share(read_trees(walk, reader, one.numbers, one.first), reader)


def _read_named(
    skeleton: Skeleton,
    loose: Sequence[tuple[LooseObjects, str]],
    roots: bytes,
    new_reader: "partial[TreeReader]",
    jobs: int,
) -> None:
    """Read the loose trees that others name, then those that these name, and so on."""
    first = skeleton.first_loose
    known: set[int] = set()
    named = set(skeleton.table.find_all(roots))
    named.update(skeleton.records[2::COLUMNS])
    while waiting := sorted(one for one in named - known if first <= one < skeleton.count):
        known.update(waiting)
        named = set()
        tasks = [waiting[start:stop] for start, stop in _ranges(len(waiting), jobs or processors(), _FEWEST // 8)]
        for share in in_parallel(partial(_read_loose, loose, first, new_reader), tasks, jobs):
            named.update(share[1][2::COLUMNS])
            skeleton.add(share)


def _read_loose(
    loose: Sequence[tuple[LooseObjects, str]], first: int, new_reader: "partial[TreeReader]", numbers: Collection[int]
) -> _Share:
    reader = new_reader()
    found = array("i")
    for number in numbers:
        directory, name = loose[number - first]
        tree = read_loose(directory.path, name)
        if tree is not None and tree[0] == TREE and reader.read(b"", tree[1], _NO_STEPS, 0):
            found.extend((number, NONE, reader.count))
    return _share(found, reader)


def _share(found: "array[int]", reader: TreeReader) -> _Share:
    return found, reader.room[: COLUMNS * reader.count], reader.spelled, list(reader.strangers)
