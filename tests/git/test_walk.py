"""A walk follows families: it says on how much of what it met an object is built, and goes on behind what is broken."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.git.crafted import OFFSET_DELTA, Entry, delta_of, write

SIZE = 200
FAMILIES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(("whole", "sound", "sound", "sound", "sound", "broken"))), max_size=40
)


def family(made: list[tuple[int, str]]) -> list[Entry]:
    """Entries: each stored whole, or built on one of the last ten; a broken one has data that is none."""
    entries: list[Entry] = []
    for number, (back, what) in enumerate(made):
        name = number.to_bytes(20, "big")
        stored = b"broken" if what == "broken" else None
        if what == "whole" or back >= number:
            entries.append(Entry(b"%-200d" % number, stored=stored, id=name))
        else:
            delta = delta_of(SIZE, SIZE, b"%-20d" % number, (20, SIZE - 20))
            entries.append(Entry(delta, OFFSET_DELTA, entries[number - 1 - back], stored=stored, id=name))
    return entries


def opened(reader: SimpleNamespace, folder: Path, entries: list[Entry]) -> Any:
    return reader.packs.open_pack(write(folder, entries), 20)


def spoilt(pack: Any, entries: list[Entry]) -> set[int]:
    """What is broken, and all that is built on it."""
    found: set[int] = set()
    for entry, one in enumerate(entries):
        if one.stored is not None or pack.entries.bases[entry] in found:
            found.add(entry)
    return found


def check_walk(reader: SimpleNamespace, pack: Any, start: int, stop: int, lost: set[int]) -> None:
    """A walk gives what can be read, once, in order, and the depth of each in the part of its family that was met."""
    pack.failed.clear()
    order = [*pack.entries.order[start:stop]]
    depths: dict[int, int] = {}
    for one in reader.walk.Walk(pack, start, stop):
        assert one.base == pack.entries.bases[one.entry]
        assert one.depth == (depths[one.base] + 1 if one.base in depths else 0)
        assert one.data == reader.packs.rebuild(pack, one.entry)
        if one.base >= 0:
            assert [*one.steps[:2]] == [SIZE, SIZE]
            result = bytearray(SIZE)
            base = reader.packs.rebuild(pack, one.base)
            reader.delta.apply_delta(base, one.delta, one.steps, one.end, result)
            assert result == one.data
        else:
            assert (one.delta, one.end) == (b"", 0)
        depths[one.entry] = one.depth
    assert [*depths] == [entry for entry in order if entry not in lost]
    assert pack.failed == [entry for entry in order if entry in lost]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=FAMILIES, start=st.integers(0, 40), count=st.integers(0, 41))
def test_any_stretch_of_any_families_is_walked(
    reader: SimpleNamespace, tmp_path: Path, made: list[tuple[int, str]], start: int, count: int
) -> None:
    entries = family(made)
    pack = opened(reader, tmp_path, entries)
    check_walk(reader, pack, min(start, len(pack)), start + count, spoilt(pack, entries))


def test_what_is_built_on_a_broken_base_is_left_out_and_its_siblings_are_read(
    reader: SimpleNamespace, tmp_path: Path
) -> None:
    #         0
    #     1       2 broken    3
    #   4   5     6   7       8
    #             9
    made = [(0, "whole"), (0, "sound"), (1, "broken"), (2, "sound"), (2, "sound"), (3, "sound")]
    made += [(3, "sound"), (4, "sound"), (4, "sound"), (2, "sound")]
    entries = family(made)
    pack = opened(reader, tmp_path, entries)
    assert [*pack.entries.bases] == [-1, 0, 0, 0, 1, 1, 2, 2, 3, 6]
    assert spoilt(pack, entries) == {2, 6, 7, 9}
    for start in range(len(pack) + 1):
        for stop in range(start, len(pack) + 2):
            check_walk(reader, pack, start, stop, {2, 6, 7, 9})


def test_a_root_that_is_broken_takes_its_family_with_it_and_no_other(reader: SimpleNamespace, tmp_path: Path) -> None:
    made = [
        (0, "whole"),
        (0, "sound"),
        (9, "broken"),
        (0, "sound"),
        (0, "sound"),
        (1, "sound"),
        (0, "whole"),
        (0, "sound"),
    ]
    entries = family(made)
    pack = opened(reader, tmp_path, entries)
    lost = spoilt(pack, entries)
    assert lost
    for start in range(len(pack)):
        check_walk(reader, pack, start, len(pack), lost)


def test_in_a_stretch_that_begins_mid_family_objects_without_a_base_have_depth_zero(
    reader: SimpleNamespace, tmp_path: Path
) -> None:
    pack = opened(reader, tmp_path, family([(0, "sound")] * 6))
    depths = [[one.depth for one in reader.walk.Walk(pack, start, 6)] for start in range(6)]
    assert depths == [[*range(6 - start)] for start in range(6)]
    star = opened(reader, tmp_path / "star", family([(0, "whole"), *((number, "sound") for number in range(7))]))
    assert [one.depth for one in reader.walk.Walk(star, 0, 9)] == [0, *[1] * 7]
    assert [one.depth for one in reader.walk.Walk(star, 3, 9)] == [0] * 5


@pytest.mark.parametrize("seed", range(3))
def test_bases_that_are_too_much_to_hold_are_rebuilt_and_stay_as_deep(
    reader: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(reader.walk, "_HELD", 2 * SIZE, raising=False)  # compiled it stays what it is
    rng = random.Random(seed)
    entries = family([(rng.choice((0, 0, 1, 3, 9)), rng.choice(("sound",) * 20 + ("broken",))) for _ in range(60)])
    pack = opened(reader, tmp_path, entries)
    for start in range(0, len(pack), 7):
        check_walk(reader, pack, start, len(pack), spoilt(pack, entries))


def test_large_bases_beyond_the_limit_are_rebuilt_and_stay_as_deep(reader: SimpleNamespace, tmp_path: Path) -> None:
    # On each base two are built, and so one of every depth waits: six times fifteen megabytes are more than a walk holds.
    size = 15 << 20
    same = delta_of(size, size, (0, size))
    entries = [Entry(bytes(size))]
    while len(entries) < 127:
        base = entries[(len(entries) - 1) // 2]
        entries.append(Entry(same, OFFSET_DELTA, base, id=len(entries).to_bytes(20, "big")))
    pack = opened(reader, tmp_path, entries)
    seen = {one.entry: (one.depth, len(one.data)) for one in reader.walk.Walk(pack, 0, len(pack))}
    assert seen == {entry: ((entry + 1).bit_length() - 1, size) for entry in range(len(pack))}
    assert pack.failed == []


def test_a_delta_of_many_instructions_is_taken_apart_whole(reader: SimpleNamespace, tmp_path: Path) -> None:
    count = 5000
    base = Entry(b"ab" * count)
    delta = delta_of(2 * count, count, *((2 * number, 1) for number in range(count)))
    many, few = Entry(delta, OFFSET_DELTA, base), Entry(delta_of(2 * count, 2, (0, 2)), OFFSET_DELTA, base)
    pack = opened(reader, tmp_path, [base, many, few])
    ends = {bytes(one.data[:2]): (len(one.data), one.end) for one in reader.walk.Walk(pack, 1, 3)}
    assert ends == {b"aa": (count, 2 + 2 * count), b"ab": (2, 4)}


def test_a_walk_that_has_ended_has_ended(reader: SimpleNamespace, tmp_path: Path) -> None:
    pack = opened(reader, tmp_path, family([(0, "sound")] * 3))
    for start, stop, count in ((0, 3, 3), (0, 99, 3), (1, 2, 1), (2, 1, 0), (7, 9, 0)):
        walk = reader.walk.Walk(pack, start, stop)
        assert iter(walk) is walk
        assert len([*walk]) == count
        assert [*walk] == []


def test_an_object_that_is_stored_whole_is_built_on_nothing(reader: SimpleNamespace) -> None:
    one = reader.walk.stored_whole(7, b"content")
    assert (one.entry, one.base, one.depth, one.data, one.delta, one.end) == (7, -1, 0, b"content", b"", 0)
