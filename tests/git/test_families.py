"""The entries of a pack are put in an order in which each follows its base, and only what is malformed falls out."""

import random
import struct
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.git.crafted import BLOB, OFFSET_DELTA, REF_DELTA, TREE, Entry, delta_of, write

NONE = -1


def zeros(typecode: str, count: int) -> "array[int]":
    return array(typecode, [0]) * count


@given(st.lists(st.one_of(st.integers(0, 3000), st.integers(0, 1 << 62)), max_size=60))
def test_offsets_are_sorted_and_their_places_remembered(reader: SimpleNamespace, numbers: list[int]) -> None:
    offsets = array("q", numbers)
    places, spare = zeros("i", len(numbers)), zeros("q", 2 * len(numbers))
    reader.families.sort_offsets(offsets, places, spare)
    assert [*offsets] == sorted(numbers)
    assert [numbers[place] for place in places] == [*offsets]
    assert sorted(places) == [*range(len(numbers))]


@given(
    near=st.lists(
        st.one_of(st.integers(0, (1 << 31) - 1), st.integers(1 << 31, (1 << 31) + 6), st.just((1 << 32) - 1))
    ),
    far=st.lists(st.one_of(st.integers(0, 1 << 40), st.integers(0, (1 << 64) - 1)), max_size=5),
)
def test_far_offsets_stand_in_a_table_of_their_own(reader: SimpleNamespace, near: list[int], far: list[int]) -> None:
    offsets, nowhere = zeros("q", len(near)), 1 << 62
    tables = struct.pack(f">{len(near)}I", *near), struct.pack(f">{len(far)}Q", *far)
    reader.families.read_offsets(*map(memoryview, tables), offsets)
    distant = dict(enumerate((min(one, nowhere) for one in far), 1 << 31))
    assert [*offsets] == [one if one < 1 << 31 else distant.get(one, nowhere) for one in near]


@given(
    sizes=st.lists(st.one_of(st.integers(0, 300), st.integers(0, (1 << 63) - 1)), max_size=40),
    each=st.integers(0, 100),
    least=st.integers(1, 1 << 26),
    data=st.data(),
)
def test_work_is_cut_into_ranges_of_about_the_same_cost(
    reader: SimpleNamespace, sizes: list[int], each: int, least: int, data: st.DataObject
) -> None:
    order = array("i", data.draw(st.permutations(range(len(sizes)))))
    stop = data.draw(st.integers(0, len(sizes)))
    ranges = reader.families.cut_evenly(order, stop, array("q", sizes), each, least)
    costs = [min(sizes[entry], 1 << 24) + each for entry in order[:stop]]
    assert [one for start, end, _ in ranges for one in range(start, end)] == [*range(stop)]
    assert [cost for _, _, cost in ranges] == [sum(costs[start:end]) for start, end, _ in ranges]
    assert all(sum(costs[start : end - 1]) < least for start, end, _ in ranges)
    assert all(cost >= least for _, _, cost in ranges[:-1])


class Arranged:
    """What `arrange` makes of entries given as (kind, base, size)."""

    def __init__(self, reader: SimpleNamespace, entries: list[tuple[int, int, int]]) -> None:
        count = len(entries)
        self.kinds = bytearray(kind for kind, _, _ in entries)
        self.bases = array("i", [base for _, base, _ in entries])
        self.sizes = array("q", [size for _, _, size in entries])
        self.order, self.left = zeros("i", count), zeros("i", count)
        spare = zeros("q", 5 * count)
        self.content = reader.families.arrange(self.kinds, self.bases, self.sizes, self.order, self.left, spare)
        self.reached = [entry for entry in self.order if entry != NONE]


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Entries as a damaged pack may have them: some BAD, some in a ring, some built on a later one."""
    count = draw(st.integers(0, 40))
    entries = []
    for entry in range(count):
        if draw(st.integers(0, 3)):
            base = draw(st.integers(0, max(entry - 1, 0) if draw(st.integers(0, 5)) else count - 1))
            entries.append(
                (draw(st.sampled_from((OFFSET_DELTA, OFFSET_DELTA, REF_DELTA, 0))), base, draw(st.integers(0, 99)))
            )
        else:
            entries.append((draw(st.integers(0, 4)), NONE, draw(st.sampled_from((0, 5, 1 << 60)))))
    return entries


def root_of(entries: list[tuple[int, int, int]], entry: int) -> int:
    """The entry at the root of a family; NONE for what is in a ring, BAD, or built on something BAD."""
    for _ in entries:
        kind, base, _ = entries[entry]
        if not kind:
            return NONE
        if base == NONE:
            return entry
        entry = base
    return NONE


@settings(max_examples=300)
@given(entries=forests())
def test_every_sound_entry_has_its_place_behind_its_base(
    reader: SimpleNamespace, entries: list[tuple[int, int, int]]
) -> None:
    done = Arranged(reader, entries)
    roots = [root_of(entries, entry) for entry in range(len(entries))]
    sound = [entry for entry, root in enumerate(roots) if root != NONE]
    assert sorted(done.reached) == sound
    assert [*done.order[len(sound) :]] == [NONE] * (len(entries) - len(sound))
    assert [*done.kinds] == [entries[root][0] if root != NONE else 0 for root in roots]
    assert [done.kinds[entry] == TREE for entry in done.reached] == sorted(
        done.kinds[entry] == TREE for entry in done.reached
    )
    assert done.content == sum(done.kinds[entry] != TREE for entry in sound)
    for entry in sound:
        assert done.left[entry] == sum(entries[other][1] == entry for other in sound)
    # Depth first: whatever is built on an entry, in turn too, stands directly behind it.
    line: list[int] = []
    for entry in done.reached:
        while line and line[-1] != entries[entry][1]:
            line.pop()
        assert entries[entry][1] == NONE or line
        line.append(entry)


def most_waiting(done: Arranged) -> int:
    left = [*done.left]
    waiting = most = 0
    for entry in done.reached:
        base = done.bases[entry]
        if base >= 0:
            left[base] -= 1
            waiting -= not left[base]
        waiting += bool(left[entry])
        most = max(most, waiting)
    return most


def test_few_bases_wait_at_a_time_in_deep_and_in_wide_trees(reader: SimpleNamespace) -> None:
    rng = random.Random(1)
    count = 4096
    chain = [(BLOB, NONE, 9)] + [(OFFSET_DELTA, entry, 9) for entry in range(count - 1)]
    star = [(BLOB, NONE, 9)] + [(OFFSET_DELTA, 0, 9)] * (count - 1)
    comb = [(BLOB, NONE, 9)] + [(OFFSET_DELTA, entry - 2 + entry % 2, 9) for entry in range(1, count)]
    binary = [(BLOB, NONE, 9)] + [(OFFSET_DELTA, (entry - 1) // 2, 9) for entry in range(1, count)]
    by_chance = [(BLOB, NONE, 9)] + [
        (OFFSET_DELTA, rng.randrange(entry), rng.randrange(10_000)) for entry in range(1, count)
    ]
    most = {
        name: most_waiting(Arranged(reader, tree))
        for name, tree in (("chain", chain), ("star", star), ("comb", comb), ("binary", binary), ("chance", by_chance))
    }
    assert most["chain"] <= 1
    assert most["star"] <= 1
    assert most["comb"] <= 2
    assert most["binary"] <= 13
    assert most["chance"] <= 12 + 18


def headers(reader: SimpleNamespace, path: Path) -> Any:
    return reader.packs.open_pack(path, 20).entries


def test_headers_of_all_kinds_are_read(reader: SimpleNamespace, tmp_path: Path) -> None:
    whole = Entry(b"a" * 5000)
    named = Entry(delta_of(5000, 10, (0, 10)), REF_DELTA, whole)
    behind = Entry(delta_of(10, 9, (1, 9)), OFFSET_DELTA, named)
    far = Entry(delta_of(5000, 5, (0, 5)), OFFSET_DELTA, whole)
    noise = Entry(random.Random(1).randbytes(300_000), TREE)
    pack = reader.packs.open_pack(write(tmp_path, [whole, noise, named, behind, far]), 20)
    entries = pack.entries
    assert [*entries.kinds] == [BLOB, TREE, BLOB, BLOB, BLOB]
    assert [*entries.sizes] == [len(one.data) for one in (whole, noise, named, behind, far)]
    assert [*entries.bases] == [NONE, NONE, 0, 2, 0]
    assert [*entries.offsets[:-1]] == [one.at for one in (whole, noise, named, behind, far)]
    assert [pack.id_of(entry) for entry in range(5)] == [one.id for one in (whole, noise, named, behind, far)]
    assert bytes(reader.packs.rebuild(pack, 3)) == b"a" * 9


def test_ids_are_found_in_a_sorted_table(reader: SimpleNamespace) -> None:
    rng = random.Random(2)
    table = sorted({bytes(rng.choices(b"\x00\x01\xff", k=4)) for _ in range(50)})
    wanted = [bytes(rng.choices(b"\x00\x01\xff", k=4)) for _ in range(60)]
    for ids in (table, table[:1], []):
        positions = array("i", [NONE]) * len(wanted)
        reader.families.find_ids(memoryview(b"".join(ids)), 4, b"".join(wanted), positions)
        assert [*positions] == [ids.index(name) if name in ids else NONE for name in wanted]
    known = array("i", [7]) * len(wanted)
    reader.families.find_ids(memoryview(b"".join(table)), 4, b"".join(wanted), known)
    assert {*known} == {7}


def test_what_two_sorted_tables_share_is_marked(reader: SimpleNamespace) -> None:
    rng = random.Random(3)
    for _ in range(30):
        ids, others = (
            sorted({bytes(rng.choices(b"\x00\x01\xff", k=3)) for _ in range(rng.randrange(20))}) for _ in "ab"
        )
        flags = bytearray(len(ids))
        reader.families.mark_common(memoryview(b"".join(ids)), memoryview(b"".join(others)), 3, flags)
        assert [*flags] == [name in others for name in ids]


@pytest.mark.parametrize("back", [0, 1, 5, 13, 1 << 40, (1 << 62) - 1])
def test_a_base_that_is_no_entry_makes_the_entry_bad(reader: SimpleNamespace, tmp_path: Path, back: int) -> None:
    delta = Entry(delta_of(5, 5, (0, 5)), OFFSET_DELTA, back)
    pack = reader.packs.open_pack(write(tmp_path, [Entry(b"whole"), delta]), 20)
    assert [*pack.entries.kinds] == [BLOB, 0]
    assert [pack.id_of(entry) for entry in pack.failed] == [delta.id]
    assert reader.packs.rebuild(pack, 1) is None
