"""Every tree of a pack is read as what it changes, wherever one begins; what is damaged or too much is left out."""

import random
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.git import crafted
from tests.git.forests import plant, some_steps
from tests.git.repositories import Workshop
from tests.git.test_store import packs_of
from tests.git.test_tree_changes import Entry, taken_apart, written
from tests.git.test_tree_walk import walk

__all__ = ["walk"]

Changes = dict[bytes, tuple[bytes, bytes]]


class Reading:
    """What is read of the trees of one pack, all blobs being wanted."""

    def __init__(self, walk: SimpleNamespace, path: Path) -> None:
        self.walk = walk
        self.pack = walk.packs.open_pack(path, 20)
        entries = self.pack.entries
        self.order = array("i", [entry for entry in entries.order[entries.content :] if entry >= 0])
        table = walk.tree_table.TreeTable(len(self.order), 20)
        self.numbers = array("i", bytes(4 * len(self.pack)))
        assert table.add_trees(self.pack.ids, entries.places, self.order, 0, self.numbers) == 0
        blobs = [self.pack.id_of(entry) for entry in range(len(self.pack)) if entries.kinds[entry] == crafted.BLOB]
        self.ids = {-2 - number: raw_id for number, raw_id in enumerate(blobs)} | {-1: b""}
        self.ids |= {self.numbers[entry]: self.pack.id_of(entry) for entry in self.order}
        wanted = {raw_id: number for number, raw_id in enumerate(blobs)}
        flags = walk.tree_changes.beginnings(wanted)
        self.reader = walk.tree_changes.TreeReader(table, wanted, flags, len(self.order))

    def read(self, order: "array[int]") -> dict[int, tuple[int, Changes]]:
        """Number -> number of the base, changes."""
        before = self.reader.count
        objects = self.walk.walk.Walk(self.pack, 0, len(order), order)
        found = self.walk.packed_trees.read_trees(objects, self.reader, self.numbers, 0)
        strangers = {len(self.order) + at: raw_id for at, raw_id in enumerate(self.reader.strangers)}
        read = {}
        for row in range(0, len(found), 3):
            number, base, end = found[row : row + 3]
            records = self.reader.room[3 * before : 3 * end]
            read[number] = (
                base,
                {
                    self.reader.spelled[records[at]]: tuple(
                        (self.ids | strangers)[one] for one in records[at + 1 : at + 3]
                    )
                    for at in range(0, len(records), 3)
                },
            )
            before = end
        return read


def contents(read: dict[int, tuple[int, Changes]]) -> dict[int, dict[bytes, bytes]]:
    """Number -> what the tree holds, key -> id."""
    made: dict[int, dict[bytes, bytes]] = {-1: {}}
    for number, (base, changes) in read.items():
        files = dict(made[base])
        for key, (before, after) in changes.items():
            assert files.pop(key, b"") == before
            files |= {key: after} if after else {}
        made[number] = files
    del made[-1]
    return made


def by_walk(walk: SimpleNamespace, reading: Reading) -> dict[int, dict[bytes, bytes]]:
    entries = reading.pack.entries
    found = {}
    for one in walk.walk.Walk(reading.pack, entries.content, len(reading.pack)):
        tree = taken_apart(bytes(one.data))
        assert tree is not None
        found[reading.numbers[one.entry]] = {
            name + (b"\0" if mode == "40000" else b""): raw_id for mode, name, raw_id in tree if mode != "160000"
        }
    return found


def forest(repo: Workshop, *options: str) -> Path:
    plant(repo, some_steps(6, commits=120))
    repo.git("repack", "-adfq", *options)
    return packs_of(repo)[0]


@pytest.mark.parametrize("depth", [0, 4, 50, 250])
def test_all_trees_are_what_their_changes_make_of_them(walk: SimpleNamespace, repo: Workshop, depth: int) -> None:
    reading = Reading(walk, forest(repo, f"--depth={depth}"))
    read = reading.read(reading.order)
    assert contents(read) == by_walk(walk, reading)
    assert any(base >= 0 for base, _ in read.values()) is (depth > 0)
    assert all(base < number for number, (base, _) in read.items())


def test_one_may_begin_anywhere(walk: SimpleNamespace, repo: Workshop) -> None:
    reading = Reading(walk, forest(repo, "--depth=30"))
    whole = reading.read(reading.order)
    rng = random.Random(3)
    for _ in range(20):
        start, stop = sorted(rng.sample(range(len(reading.order) + 1), 2))
        part = reading.read(reading.order[start:stop])
        assert part == {reading.numbers[entry]: whole[reading.numbers[entry]] for entry in reading.order[start:stop]}


def test_bases_that_are_too_much_to_hold_are_rebuilt(
    walk: SimpleNamespace, repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk.walk, "_HELD", 300, raising=False)  # compiled it stays what it is
    reading = Reading(walk, forest(repo, "--depth=50"))
    assert contents(reading.read(reading.order)) == by_walk(walk, reading)


BLOB = crafted.Entry(b"wanted")
ENTRIES: list[Entry] = [("100644", name, BLOB.id) for name in (b"a", b"b", b"c")]
HALF = len(written(ENTRIES[:1]))


def crafted_reading(walk: SimpleNamespace, directory: Path, *entries: crafted.Entry) -> tuple[Reading, Any]:
    reading = Reading(walk, crafted.write(directory, [BLOB, *entries]))
    read = reading.read(reading.order)
    return reading, [contents({one: what})[one] if what[0] < 0 else what for one, what in sorted(read.items())]


def test_a_tree_built_on_one_that_is_out_of_order_is_read_by_itself(walk: SimpleNamespace, tmp_path: Path) -> None:
    data = written(ENTRIES[::-1])
    base = crafted.Entry(data, crafted.TREE)
    sound = crafted.delta_of(len(data), len(data), (2 * HALF, HALF), (HALF, HALF), (0, HALF))
    built = crafted.Entry(sound, crafted.OFFSET_DELTA, base)
    same = crafted.Entry(crafted.delta_of(len(data), len(data), (0, len(data))), crafted.OFFSET_DELTA, base)
    _, read = crafted_reading(walk, tmp_path, base, built, same)
    assert read == [dict.fromkeys((b"a", b"b", b"c"), BLOB.id)]


BROKEN = {
    "cut off": crafted.Entry(written(ENTRIES), crafted.TREE, stored=b"x\x9c\x03"),
    "no deflated data": crafted.Entry(written(ENTRIES), crafted.TREE, stored=b"\xff" * 20),
    "smaller than it says": crafted.Entry(written(ENTRIES), crafted.TREE, size=1000),
    "larger than it says": crafted.Entry(written(ENTRIES), crafted.TREE, size=20),
    "large": crafted.Entry(written(ENTRIES), crafted.TREE, size=17 << 20),
}


@pytest.mark.parametrize("base", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_inflated_is_left_out_with_what_is_built_on_it(
    walk: SimpleNamespace, tmp_path: Path, base: crafted.Entry
) -> None:
    data = written(ENTRIES)
    copy = crafted.delta_of(len(data), len(data), (0, len(data)))
    built = crafted.Entry(copy, crafted.OFFSET_DELTA, base)
    on_that = crafted.Entry(copy, crafted.OFFSET_DELTA, built)
    other = crafted.Entry(written(ENTRIES[:1]), crafted.TREE)
    _, read = crafted_reading(walk, tmp_path, base, built, on_that, other)
    assert read == [{b"a": BLOB.id}]


WHOLE = written(ENTRIES)
BAD_DELTAS = {
    "of another base": crafted.delta_of(len(WHOLE) + 1, HALF, (0, HALF)),
    "beyond its base": crafted.delta_of(len(WHOLE), HALF, (len(WHOLE) - 1, HALF)),
    "longer than it says": crafted.delta_of(len(WHOLE), 1, (0, HALF)),
    "shorter than it says": crafted.delta_of(len(WHOLE), 2 * HALF, (0, HALF)),
    "cut off": crafted.delta_of(len(WHOLE), 2 * HALF, (0, HALF), WHOLE[:HALF])[:-3],
    "that makes half an entry": crafted.delta_of(len(WHOLE), HALF - 1, (0, HALF - 1)),
    "that makes too much": crafted.delta_of(len(WHOLE), 17 << 20, (0, HALF)),
    "that names a thing twice": crafted.delta_of(len(WHOLE), 2 * HALF, (0, HALF), (0, HALF)),
}


@pytest.mark.parametrize("delta", BAD_DELTAS.values(), ids=BAD_DELTAS)
def test_a_bad_delta_leaves_out_its_tree_only(walk: SimpleNamespace, tmp_path: Path, delta: bytes) -> None:
    base = crafted.Entry(WHOLE, crafted.TREE)
    bad = crafted.Entry(delta, crafted.OFFSET_DELTA, base)
    good = crafted.Entry(crafted.delta_of(len(WHOLE), HALF, (0, HALF)), crafted.OFFSET_DELTA, base)
    reading, read = crafted_reading(walk, tmp_path, base, bad, good)
    assert read[0] == dict.fromkeys((b"a", b"b", b"c"), BLOB.id)
    assert read[1:] == [(0, {b"b": (BLOB.id, b""), b"c": (BLOB.id, b"")})]
    assert reading.pack.failed == [entry for entry in range(4) if walk.packs.rebuild(reading.pack, entry) is None]


def test_one_tree_of_many_instructions_is_read(walk: SimpleNamespace, tmp_path: Path) -> None:
    entries: list[Entry] = [("100644", b"%05d" % number, BLOB.id) for number in range(3000)]
    data = written(entries)
    size = len(data) // 3000
    kept = [(number * size, size) for number in range(0, 3000, 2)]
    delta = crafted.delta_of(len(data), 1500 * size, *((start + part, 1) for start, _ in kept for part in range(size)))
    base = crafted.Entry(data, crafted.TREE)
    _, read = crafted_reading(walk, tmp_path, base, crafted.Entry(delta, crafted.OFFSET_DELTA, base))
    assert len(read[0]) == 3000
    assert read[1] == (0, {b"%05d" % number: (BLOB.id, b"") for number in range(1, 3000, 2)})
