"""A pack may hold anything: what comes of it is objects, entries left to git, or our own error; soon, and in bounded memory."""

import random
import resource
import string
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.sweeps import prefilter_of, swept
from tests.git.builds import reader
from tests.git.crafted import COMMIT, OFFSET_DELTA, REF_DELTA, Entry, delta_of, index, write
from tests.git.histories import grow, some_versions
from tests.git.repositories import Workshop, make

__all__ = ["reader"]

MEGABYTE = 1 << 20
DAMAGES = 600


@pytest.fixture
def peak() -> Iterator[Any]:
    """How much memory was used at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def read(reader: SimpleNamespace, path: Path) -> tuple[dict[bytes, bytes], set[bytes]]:
    """What a walk gives, by id, and what it leaves to git; the same objects asked for one by one agree with it."""
    pack = reader.packs.open_pack(path, 20)
    found = {}
    for one in reader.walk.Walk(pack, 0, len(pack)):
        found[pack.id_of(one.entry)] = bytes(one.data)
    failed = {pack.id_of(entry) for entry in pack.failed}
    assert len(found) + len(failed) >= len({pack.id_of(entry) for entry in range(len(pack))})
    return found, failed


def test_entries_that_say_what_is_not_so_are_left_to_git_and_the_others_read(
    reader: SimpleNamespace, tmp_path: Path, peak: Any
) -> None:
    good = Entry(b"good " * 100, COMMIT)
    other = Entry(delta_of(500, 505, b"more ", (0, 500)), OFFSET_DELTA, good)
    unknown = random.Random(1).randbytes(20)
    bad = [
        Entry(b"x", 0),
        Entry(b"x", 5),
        Entry(b"longer than it says", size=3),
        Entry(b"shorter than it says", size=30),
        Entry(bytes(30 * MEGABYTE), size=10),  # a bomb
        Entry(bytes(30 * MEGABYTE)),  # large, but honest
        Entry(b"x", size=(1 << 60) - 1),
        Entry(b"x", stored=b""),
        Entry(b"x", stored=random.Random(2).randbytes(50)),
        Entry(b"x" * 1000, stored=zlib.compress(b"x" * 1000)[:-2]),
        Entry(b"x" * 1000, stored=zlib.compress(b"x" * 1000)[:-1] + b"!"),
        Entry(
            b"", stored=b"\x78\x9c" + b"\0\0\0\xff\xff" * (2 * MEGABYTE), size=1
        ),  # ten megabytes that come to nothing
        Entry(delta_of(500, 1 << 40, (0, 500)), OFFSET_DELTA, good),
        Entry(delta_of(500, 1 << 40) + b"\x80" * (5 * MEGABYTE), OFFSET_DELTA, good),  # a terabyte of copies
        Entry(delta_of(500, 17_000_000, *[(0, 500)] * 34_000), OFFSET_DELTA, good),  # honest, but large
        Entry(delta_of(499, 499, (0, 499)), OFFSET_DELTA, good),
        Entry(delta_of(500, 501, (0, 501)), OFFSET_DELTA, good),
        Entry(b"no delta at all", OFFSET_DELTA, good),
        Entry(b"", OFFSET_DELTA, good),
        Entry(delta_of(500, 5, b"thin "), REF_DELTA, unknown),
        Entry(delta_of(1, 1, (0, 1)), OFFSET_DELTA, 1 << 60),
    ]
    himself = Entry(delta_of(5, 5, (0, 5)), REF_DELTA, b"\7" * 20, id=b"\7" * 20)
    one, two = (
        Entry(delta_of(5, 5, (0, 5)), REF_DELTA, b"\2" * 20, id=b"\1" * 20),
        Entry(delta_of(5, 5, (0, 5)), REF_DELTA, b"\1" * 20, id=b"\2" * 20),
    )
    behind = [Entry(delta_of(5, 4, (1, 4)), OFFSET_DELTA, entry) for entry in (bad[3], himself, two)]
    path = write(tmp_path, [good, *bad, himself, one, two, other, *behind])
    tracemalloc.clear_traces()
    found, failed = read(reader, path)
    assert found == {good.id: good.data, other.id: b"more " + good.data}
    assert failed == {entry.id for entry in (*bad, himself, one, two, *behind)}
    assert peak() < 64 * MEGABYTE


def test_what_is_asked_for_one_by_one_is_as_bounded(reader: SimpleNamespace, tmp_path: Path) -> None:
    ring = [
        Entry(delta_of(5, 5, (0, 5)), REF_DELTA, bytes([3 - number]) * 20, id=bytes([number]) * 20) for number in (1, 2)
    ]
    bomb = Entry(bytes(30 * MEGABYTE), size=10)
    pack = reader.packs.open_pack(write(tmp_path, [*ring, bomb]), 20)
    assert [reader.packs.rebuild(pack, entry) for entry in range(3)] == [None] * 3
    assert [*reader.packs.with_bases(pack.entries, range(3))] == [1, 1, 1]


def test_offsets_that_lead_nowhere_are_left_to_git(reader: SimpleNamespace, tmp_path: Path) -> None:
    good = Entry(b"good " * 100, COMMIT)
    lost = [Entry(b"x" * 50) for _ in range(6)]
    places = (0, 11, 1 << 30, (1 << 31) + 5, (1 << 62) + 1, (1 << 64) - 1)
    path = write(tmp_path, [good, *lost], offsets={entry.id: at for entry, at in zip(lost, places, strict=True)})
    found, failed = read(reader, path)
    assert found.get(good.id) == good.data
    assert {entry.id for entry in lost[2:]} <= failed
    assert set(found) <= {good.id, lost[0].id, lost[1].id}


def test_two_entries_in_one_place_are_no_more_than_one(reader: SimpleNamespace, tmp_path: Path) -> None:
    good, other, twin = Entry(b"good " * 100, COMMIT), Entry(b"other " * 50), Entry(b"twin " * 50)
    path = write(tmp_path, [good, other, twin], offsets={twin.id: 12})
    found, failed = read(reader, path)
    assert found[other.id] == other.data
    assert {*found.values()} == {good.data, other.data}
    assert len(failed) == 1


def test_an_offset_beyond_the_table_of_large_ones_leads_nowhere(reader: SimpleNamespace, tmp_path: Path) -> None:
    good, lost = Entry(b"good", id=b"\1" * 20), Entry(b"lost", id=b"\2" * 20)
    path = write(tmp_path, [good, lost])
    idx = bytearray(path.with_suffix(".idx").read_bytes())
    at = 8 + 1024 + 2 * 24 + 4
    idx[at : at + 4] = b"\xff" * 4
    path.with_suffix(".idx").write_bytes(idx)
    assert read(reader, path) == ({good.id: good.data}, {lost.id})


def test_a_count_that_is_not_so_is_an_error(reader: SimpleNamespace, tmp_path: Path) -> None:
    path = write(tmp_path, [Entry(b"one"), Entry(b"two")])
    pack, idx = path.read_bytes(), path.with_suffix(".idx").read_bytes()
    for count in (0, 1, 3, 1 << 20, (1 << 32) - 1):
        told = count.to_bytes(4, "big")
        for changed_pack, changed_idx in (
            (pack[:8] + told + pack[12:], idx),
            (pack, idx[:1028] + told + idx[1032:]),
            (pack[:8] + told + pack[12:], idx[:1028] + told + idx[1032:]),
        ):
            path.write_bytes(changed_pack)
            path.with_suffix(".idx").write_bytes(changed_idx)
            with pytest.raises(reader.packs.PackError):
                reader.packs.open_pack(path, 20)


def test_more_entries_than_a_pack_can_hold_are_an_error(reader: SimpleNamespace, tmp_path: Path) -> None:
    # Sparse, such an index takes no place on a disk; its tables would take all of our memory.
    path = write(tmp_path, [Entry(b"one")])
    count = 10_000_000
    pack = path.read_bytes()
    path.write_bytes(pack[:8] + count.to_bytes(4, "big") + pack[12:])
    with path.with_suffix(".idx").open("r+b") as file:
        file.seek(8 + 1020)
        file.write(count.to_bytes(4, "big"))
        file.truncate(8 + 1024 + 28 * count)
        file.seek(0, 2)
        file.write(pack[-20:] + bytes(20))
    with pytest.raises(reader.packs.PackError, match="cannot hold"):
        reader.packs.open_pack(path, 20)


def test_ids_of_another_length_are_an_error(reader: SimpleNamespace, tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", "--object-format=sha256")
    grow(repo, some_versions(1))
    (path,) = (repo.path / ".git/objects/pack").glob("*.pack")
    with pytest.raises(reader.packs.PackError):
        reader.packs.open_pack(path, 20)
    reader.packs.open_pack(path, 32)


@pytest.mark.parametrize("name", ["pack", "idx"])
@pytest.mark.parametrize(
    "content", [b"", b"PACK", b"\xfftOc", bytes(5000)], ids=["empty", "a head", "another head", "zeros"]
)
def test_a_file_that_is_something_else_is_an_error(
    reader: SimpleNamespace, tmp_path: Path, name: str, content: bytes
) -> None:
    path = write(tmp_path, [Entry(b"one")])
    path.with_suffix(f".{name}").write_bytes(content)
    with pytest.raises(reader.packs.PackError):
        reader.packs.open_pack(path, 20)


def test_the_index_of_another_pack_is_an_error(reader: SimpleNamespace, tmp_path: Path) -> None:
    path, other = (write(tmp_path / name.decode(), [Entry(name)]) for name in (b"a", b"b"))
    path.with_suffix(".idx").write_bytes(other.with_suffix(".idx").read_bytes())
    with pytest.raises(reader.packs.PackError):
        reader.packs.open_pack(path, 20)


def test_an_empty_pack_is_empty(reader: SimpleNamespace, tmp_path: Path) -> None:
    path = write(tmp_path, [])
    assert read(reader, path) == ({}, set())


def test_broken_entries_do_not_pile_up_what_they_are_built_on(
    reader: SimpleNamespace, tmp_path: Path, peak: Any
) -> None:
    large = zlib.compress(bytes(15 * MEGABYTE))
    entries = []
    for _ in range(12):
        whole = Entry(b"", stored=large, size=15 * MEGABYTE)
        entries += [whole, Entry(b"broken", OFFSET_DELTA, whole)]
    path = write(tmp_path, entries)
    tracemalloc.clear_traces()
    found, failed = read_sizes(reader, path)
    assert len(found) == len(failed) == 12
    assert peak() < 100 * MEGABYTE


def read_sizes(reader: SimpleNamespace, path: Path) -> tuple[list[int], list[int]]:
    pack = reader.packs.open_pack(path, 20)
    return [len(one.data) for one in reader.walk.Walk(pack, 0, len(pack))], pack.failed


def test_a_base_that_is_named_by_half_an_id_makes_the_entry_bad(reader: SimpleNamespace, tmp_path: Path) -> None:
    good = Entry(b"good")
    cut = [Entry(delta_of(4, 4, (0, 4)), REF_DELTA, good.id[:size], stored=b"") for size in (3, 20)]
    assert read(reader, write(tmp_path, [good, *cut])) == ({good.id: good.data}, {entry.id for entry in cut})


def test_a_header_in_the_checksum_of_a_pack_is_bad(reader: SimpleNamespace, tmp_path: Path) -> None:
    # It looks like that of a delta, and the id of its base would reach beyond the end of the file.
    lost, far = Entry(b"lost", id=b"\1" * 20), Entry(b"far", id=b"\2" * 20)
    for number in range(1000):
        good = Entry(b"good %d" % number)
        path = write(tmp_path / str(number), [good, lost, far])
        pack = path.read_bytes()
        if pack[-10] >> 4 == 7:
            break
    path.with_suffix(".idx").write_bytes(
        index({good.id: good.at, lost.id: len(pack) - 10, far.id: 1 << 40}, pack[-20:])
    )
    assert read(reader, path) == ({good.id: good.data}, {lost.id, far.id})


@pytest.mark.parametrize("children", [1, 2], ids=["a chain", "a tree in which a base waits at every level"])
def test_large_bases_in_use_are_bounded(
    reader: SimpleNamespace, tmp_path: Path, peak: Any, monkeypatch: pytest.MonkeyPatch, children: int
) -> None:
    # Compiled the limit stays what it is, and so the bases must be large.
    size, held = (12 * MEGABYTE, 64 * MEGABYTE) if reader.delta.COMPILED else (4 * MEGABYTE, 8 * MEGABYTE)
    monkeypatch.setattr(reader.walk, "_HELD", held, raising=False)
    same = delta_of(size, size, (0, size))
    entries = [Entry(b"", stored=zlib.compress(bytes(size)), size=size)]
    while len(entries) < 255:
        base = entries[(len(entries) - 1) // children]
        entries.append(Entry(same, OFFSET_DELTA, base, id=len(entries).to_bytes(20, "big")))
    path = write(tmp_path, entries)
    tracemalloc.clear_traces()
    found, failed = read_sizes(reader, path)
    assert (len(found), failed) == (len(entries), [])
    assert peak() < (held if children > 1 else 0) + 4 * size


def test_a_chain_of_broken_entries_takes_no_longer_than_a_whole_one(reader: SimpleNamespace, tmp_path: Path) -> None:
    count = 3000  # rebuilt anew for each that is built on the broken one, the chain would be inflated a thousand times
    entries = [Entry(b"root " * 20)]
    for number in range(count):
        stored = b"broken" if number == count // 2 else None
        entries.append(
            Entry(delta_of(100, 100, (0, 100)), OFFSET_DELTA, entries[-1], stored=stored, id=number.to_bytes(20, "big"))
        )
    path = write(tmp_path, entries)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    found, failed = read(reader, path)
    assert (len(found), len(failed)) == (count // 2 + 1, count - count // 2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 3


def test_what_copies_the_place_of_many_hits_a_thousand_times_is_no_more_than_its_bytes(
    reader: SimpleNamespace, tmp_path: Path, peak: Any
) -> None:
    prefilter = prefilter_of(*(f"[{letter}k]eyword" for letter in string.ascii_lowercase + string.digits))
    content, times = b"keyword\n", 50_000
    copies = bytes([0x80 | 1 | 16, 6, 2]) * times  # "d\n", and in the base 36 hits end between the two
    delta = delta_of(len(content), len(content) + 2 * times, (0, len(content))) + copies
    base = Entry(content)
    pack = reader.packs.open_pack(write(tmp_path, [base, Entry(delta, OFFSET_DELTA, base)]), 20)
    tracemalloc.clear_traces()
    found = swept(reader, pack, prefilter)
    assert [len(hits) for hits in found.values()] == [36, 36]
    assert peak() < 16 * MEGABYTE


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A small repository to damage copies of: one pack, half of its deltas naming their base."""
    repo = make(tmp_path_factory.mktemp("small") / "repo")
    grow(repo, some_versions(3, commits=25, lines=20))
    repo.git("repack", "-adfq")
    return repo


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, taken out, put in or moved, a few times; head and checksum mostly left, to get further."""
    changed = bytearray(data)
    first, last = (12, len(changed) - 41) if rng.random() < 0.9 else (0, len(changed) - 1)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randint(first, max(first, min(last, len(changed) - 2)))
        match rng.randrange(5):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at] = rng.choice((0, 0x7F, 0x80, 0xFF))
            case 2:
                del changed[at : at + rng.choice((1, 2, 20, 400))]
            case 3:
                changed[at:at] = rng.randbytes(rng.choice((1, 3, 50)))
            case 4:
                size = rng.choice((1, 4, 20, 28))
                changed[at : at + size] = changed[rng.randint(first, at) :][:size].ljust(size, b"\0")
    if rng.random() < 0.1:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


def test_any_damage_ends_in_objects_in_entries_left_to_git_or_in_our_own_error(
    reader: SimpleNamespace, small: Workshop, tmp_path: Path
) -> None:
    (original,) = (small.path / ".git/objects/pack").glob("*.pack")
    pack, idx = original.read_bytes(), original.with_suffix(".idx").read_bytes()
    path = tmp_path / original.name
    whole = read(reader, original)[0]
    outcomes = {"refused": 0, "in part": 0, "whole": 0}
    for seed in range(DAMAGES):
        rng = random.Random(seed)
        path.write_bytes(damaged(pack, rng) if seed % 3 else pack)
        path.with_suffix(".idx").write_bytes(idx if seed % 3 == 1 else damaged(idx, rng))
        try:
            found, _ = read(reader, path)
        except reader.packs.PackError:
            outcomes["refused"] += 1
        else:
            outcomes["whole" if found == whole else "in part"] += 1
    assert outcomes["refused"] > DAMAGES // 10
    assert outcomes["in part"] > DAMAGES // 5


def test_what_is_read_of_a_damaged_pack_is_what_git_reads_of_it(
    reader: SimpleNamespace, small: Workshop, tmp_path: Path
) -> None:
    (original,) = (small.path / ".git/objects/pack").glob("*.pack")
    pack = original.read_bytes()
    repo = make(tmp_path / "repo")
    path = repo.path / ".git/objects/pack" / original.name
    path.with_suffix(".idx").write_bytes(original.with_suffix(".idx").read_bytes())
    both = 0
    for seed in range(40):
        changed = bytearray(pack)
        rng = random.Random(seed)
        for _ in range(3):
            changed[rng.randrange(12, len(pack) - 20)] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        found, _ = read(reader, path)
        feed = b"".join(name.hex().encode() + b"\n" for name in found)
        output = repo.raw("cat-file", "--batch", stdin=feed, fails=True)
        for name, data in found.items():
            head = output.find(name.hex().encode() + b" ")
            if head >= 0 and not output.startswith(b"missing", head + 41):
                both += 1
                start = output.index(b"\n", head) + 1
                assert output[start : start + len(data)] == data
    assert both > 500
