"""A pack gives every object as git has it, however it is packed and wherever one begins to read."""

import random
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.git.builds import contents, failed
from tests.git.histories import WHATS, Edit, as_git_reads, grow, some_versions, versions
from tests.git.repositories import Workshop, make

WAYS = {
    "as git does by default": ("-adfq",),
    "deep chains": ("-adfq", "--depth=250", "--window=50"),
    "shallow trees of deltas": ("-adfq", "--depth=1", "--window=250"),
    "without deltas": ("-adfq", "--depth=0"),
}
EDITS = st.builds(
    Edit, st.integers(0, 3), st.sampled_from(WHATS), st.integers(0, 100), st.integers(0, 40),
    st.one_of(st.binary(max_size=60), st.sampled_from((b"\n", b"key = value\r\n", b"x" * 3000 + b"\n", b"last line"))),
)  # fmt: skip
HISTORIES = st.builds(
    versions,
    st.lists(st.binary(max_size=200).map(lambda data: data * 12), min_size=1, max_size=4),
    st.lists(EDITS, max_size=24),
)


def opened(reader: SimpleNamespace, repo: Workshop) -> Any:
    (path,) = (repo.path / ".git/objects/pack").glob("*.pack")
    return reader.packs.open_pack(path, 32 if repo.open().object_format == "sha256" else 20)


def walked(reader: SimpleNamespace, pack: Any, start: int, stop: int) -> dict[int, bytes]:
    found = [(one.entry, bytes(one.data)) for one in reader.walk.Walk(pack, start, stop)]
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One pack of many deltas; read only."""
    repo = make(tmp_path_factory.mktemp("history") / "repo")
    grow(repo, some_versions(5, commits=80))
    repo.git("repack", "-adfq", "--depth=20", "--window=40")
    return repo


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(history=HISTORIES, way=st.sampled_from(sorted(WAYS)), names_bases=st.booleans(), sha256=st.booleans())
def test_every_object_is_read_as_git_reads_it(
    reader: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, bytes]], way: str, names_bases: bool, sha256: bool
) -> None:  # fmt: skip
    repo = make(tmp_path_factory.mktemp("packs"), f"--object-format={'sha256' if sha256 else 'sha1'}")
    repo.git("config", "repack.useDeltaBaseOffset", "false" if names_bases else "true")
    grow(repo, history)
    repo.git("repack", *WAYS[way])
    store = reader.store.open_store(repo.open())
    assert contents(reader, store) == as_git_reads(repo)
    assert failed(store) == set()


def test_bases_are_named_by_offset_or_by_id(reader: SimpleNamespace, repo: Workshop) -> None:
    grow(repo, some_versions(1))
    kinds = []
    for by_offset in ("true", "false"):
        repo.git("config", "repack.useDeltaBaseOffset", by_offset)
        repo.git("repack", "-adfq")
        data = opened(reader, repo).data
        pack = opened(reader, repo)
        kinds.append({data[offset] >> 4 & 7 for offset in pack.entries.offsets[:-1]})
    assert 6 in kinds[0]
    assert 7 not in kinds[0]
    assert 7 in kinds[1]
    assert 6 not in kinds[1]


def test_each_object_follows_its_base_and_trees_come_last(reader: SimpleNamespace, history: Workshop) -> None:
    pack = opened(reader, history)
    entries = pack.entries
    seen: set[int] = set()
    for one in reader.walk.Walk(pack, 0, len(pack)):
        assert one.base == -1 or one.base in seen
        seen.add(one.entry)
    assert len(seen) == len(pack)
    kinds = [entries.kinds[entry] for entry in entries.order]
    assert reader.families.TREE not in kinds[: entries.content]
    assert set(kinds[entries.content :]) == {reader.families.TREE}
    assert len([base for base in entries.bases if base >= 0]) > 80


def test_a_walk_may_begin_and_end_anywhere(reader: SimpleNamespace, history: Workshop) -> None:
    pack = opened(reader, history)
    whole = walked(reader, pack, 0, len(pack))
    rng = random.Random(1)
    for _ in range(6):
        cuts = [0, *sorted(rng.sample(range(1, len(pack)), 7)), len(pack) + 5]
        pieces: dict[int, bytes] = {}
        for start, stop in pairwise(cuts):
            pieces |= walked(reader, pack, start, stop)
        assert pieces == whole
    assert pack.failed == []


def test_what_is_needed_of_a_pack_are_the_wanted_and_all_they_are_built_on(
    reader: SimpleNamespace, history: Workshop
) -> None:
    pack = opened(reader, history)
    wanted = random.Random(2).sample(range(len(pack)), 9)
    needed = {entry for entry, flag in enumerate(reader.packs.with_bases(pack.entries, wanted)) if flag}
    chains: set[int] = set()
    for one in wanted:
        entry = one
        while entry >= 0:
            chains.add(entry)
            entry = pack.entries.bases[entry]
    assert needed == chains
    assert len(wanted) < len(needed) < len(pack)


def test_a_walk_that_may_hold_little_gives_the_same(
    reader: SimpleNamespace, history: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = walked(reader, pack := opened(reader, history), 0, len(pack))
    monkeypatch.setattr(reader.walk, "_HELD", 10_000, raising=False)  # compiled it stays what it is
    again = opened(reader, history)
    assert walked(reader, again, 0, len(again)) == whole
    assert again.failed == []


def test_one_object_is_rebuilt_by_itself(reader: SimpleNamespace, history: Workshop) -> None:
    pack = opened(reader, history)
    git = as_git_reads(history)
    for position in range(0, len(pack), 3):
        entry = pack.entry_at(position)
        name = pack.id_of(entry)
        assert pack.position(name) == position
        assert (pack.entries.kinds[entry], bytes(reader.packs.rebuild(pack, entry))) == git[name]


def test_an_id_that_is_not_there_is_found_nowhere(reader: SimpleNamespace, history: Workshop) -> None:
    pack = opened(reader, history)
    some = bytes(pack.ids[:20])
    for name in (bytes(20), b"\xff" * 20, some[:-1] + bytes([some[-1] ^ 1]), some[:19], b"", some + b"x"):
        assert pack.position(name) == reader.families.NONE


def test_offsets_of_eight_bytes_are_read(reader: SimpleNamespace, history: Workshop, tmp_path: Path) -> None:
    (path,) = (history.path / ".git/objects/pack").glob("*.pack")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    history.git("index-pack", "--index-version=2,0x40", str(copy))
    pack, usual = (reader.packs.open_pack(one, 20) for one in (copy, path))
    assert len(pack.index) > len(usual.index)
    assert pack.entries.offsets == usual.entries.offsets
    assert walked(reader, pack, 0, len(pack)) == walked(reader, usual, 0, len(usual))


def test_an_index_of_the_first_version_is_left_to_git(
    reader: SimpleNamespace, history: Workshop, tmp_path: Path
) -> None:
    (path,) = (history.path / ".git/objects/pack").glob("*.pack")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    history.git("index-pack", "--index-version=1", str(copy))
    with pytest.raises(reader.packs.PackError):
        reader.packs.open_pack(copy, 20)


def test_what_other_packs_hold_too_is_known(reader: SimpleNamespace, history: Workshop, tmp_path: Path) -> None:
    pack = opened(reader, history)
    names = [pack.id_of(entry) for entry in range(len(pack))]
    for share in (2, 40):  # packs of about the same size, and of very different ones, are compared in different ways
        chosen = names[::share]
        other = tmp_path / f"other{share}"
        feed = b"".join(name.hex().encode() + b"\n" for name in [*chosen, *chosen])
        made = history.raw("pack-objects", "-q", str(other), stdin=feed).decode().strip()
        small = reader.packs.open_pack(Path(f"{other}-{made}.pack"), 20)
        flags = reader.packs.known_entries(small, [pack])
        assert [*flags] == [1] * len(chosen)
        flags = reader.packs.known_entries(pack, [small])
        assert {names[entry] for entry, flag in enumerate(flags) if flag} == set(chosen)
        assert [*reader.packs.known_entries(pack, [])] == [0] * len(pack)
