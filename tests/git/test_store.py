"""All objects of a repository are read, in whatever packs, files and other repositories they are.

What lies behind refs is no matter here: packed or loose, objects are the same. A repository with reftable could not be
made: it takes git 2.45. `repository.object_format` comes from git itself there too, and the store reads no refs.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.git.builds import contents, failed
from tests.git.histories import as_git_reads, grow, some_versions
from tests.git.repositories import Workshop, make

Shape = Callable[[Workshop], None]
SHAPES: dict[str, Shape] = {}


def shape(function: Shape) -> Shape:
    SHAPES[function.__name__.replace("_", " ")] = function
    return function


def beside(repo: Workshop, name: str) -> Workshop:
    return make(repo.path.parent / name, f"--object-format={repo.git('rev-parse', '--show-object-format')}")


def packs_of(repo: Workshop, ending: str = "pack") -> list[Path]:
    return sorted((repo.path / ".git/objects/pack").glob(f"*.{ending}"))


@shape
def nothing(repo: Workshop) -> None:
    pass


@shape
def loose_only(repo: Workshop) -> None:
    for number in range(5):
        repo.commit("more", f=f"{number}\n" * 50, g__h="same\n")
    repo.git("tag", "-a", "-m", "a tag", "v1")


@shape
def one_pack(repo: Workshop) -> None:
    grow(repo, some_versions(1))
    repo.git("repack", "-adq")


@shape
def pack_and_loose(repo: Workshop) -> None:
    one_pack(repo)
    repo.git("reset", "-q", "--hard", "main")
    repo.commit("loose", new="only loose\n")
    repo.blob("nobody names it")


@shape
def loose_objects_that_are_packed_too(repo: Workshop) -> None:
    loose_only(repo)
    repo.git("repack", "-aq")
    assert [*(repo.path / ".git/objects").glob("??/*")]


@shape
def many_packs(repo: Workshop) -> None:
    for seed in range(6):
        grow(repo, some_versions(seed, commits=6), branch=f"b{seed}")
    assert len(packs_of(repo)) == 6


@shape
def packs_with_the_same_objects(repo: Workshop) -> None:
    many_packs(repo)
    repo.git("repack", "-aq")
    assert len(packs_of(repo)) == 7


@shape
def a_pack_of_each_size_limit(repo: Workshop) -> None:
    grow(repo, [{"f": os.urandom(400_000)} for _ in range(4)])
    repo.git("-c", "pack.packSizeLimit=1m", "repack", "-adfq")
    assert len(packs_of(repo)) > 1


@shape
def multi_pack_index(repo: Workshop) -> None:
    many_packs(repo)
    repo.git("multi-pack-index", "write")
    assert (repo.path / ".git/objects/pack/multi-pack-index").exists()


@shape
def kept_packs(repo: Workshop) -> None:
    grow(repo, some_versions(1), branch="kept")
    packs_of(repo)[0].with_suffix(".keep").touch()
    grow(repo, some_versions(2), branch="other")
    repo.git("repack", "-adq")
    assert len(packs_of(repo)) == 2


@shape
def cruft_pack(repo: Workshop) -> None:
    grow(repo, some_versions(1))
    for number in range(4):
        repo.blob(f"unreachable {number}")
    repo.git("repack", "--cruft", "-dq")
    assert packs_of(repo, "mtimes")


@shape
def bitmap_and_reverse_index(repo: Workshop) -> None:
    grow(repo, some_versions(1))
    repo.git("-c", "pack.writeReverseIndex=true", "repack", "-adbq")
    assert packs_of(repo, "bitmap")
    assert packs_of(repo, "rev")


@shape
def packed_refs(repo: Workshop) -> None:
    grow(repo, some_versions(1))
    repo.git("pack-refs", "--all")


@shape
def pack_under_another_name(repo: Workshop) -> None:
    one_pack(repo)
    (pack,) = packs_of(repo)
    for ending in ("pack", "idx"):
        pack.with_suffix(f".{ending}").rename(pack.with_name(f".tmp-77-another.{ending}"))


@shape
def interrupted_packing(repo: Workshop) -> None:
    grow(repo, some_versions(1), branch="whole")
    grow(repo, some_versions(2), branch="left")
    pack, other = packs_of(repo)
    (pack.parent / "tmp_pack_Xa81Fk").write_bytes(pack.read_bytes()[:700])
    (pack.parent / "tmp_idx_Xa81Fk").write_bytes(b"")
    other.with_suffix(".idx").unlink()  # a pack whose index was not written
    (pack.parent / f"pack-{'0' * 40}.idx").write_bytes(pack.with_suffix(".idx").read_bytes())  # and the other way round
    (repo.path / ".git/objects/12").mkdir(exist_ok=True)
    (repo.path / ".git/objects/12/tmp_obj_a8Kf3z").write_bytes(b"half")


@shape
def alternates(repo: Workshop) -> None:
    far = beside(repo, "far")
    grow(far, some_versions(7))
    far.blob("loose and far away")
    near = beside(repo, "near")
    grow(near, some_versions(8))
    (near.path / ".git/objects/info/alternates").write_text(f"# a line about it\n\n{far.path}/.git/objects\n")
    grow(repo, some_versions(9))
    (repo.path / ".git/objects/info/alternates").write_text("../../../near/.git/objects\n../../../far/.git/objects\n")


@shape
def alternates_in_a_ring(repo: Workshop) -> None:
    other = beside(repo, "other")
    for here, there in ((repo, other), (other, repo)):
        grow(here, some_versions(3 if here is repo else 4))
        (here.path / ".git/objects/info/alternates").write_text(f"{there.path}/.git/objects\n")


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_object_is_read_whatever_the_shape(
    reader: SimpleNamespace, tmp_path: Path, name: str, object_format: str
) -> None:
    repo = make(tmp_path / "repo", f"--object-format={object_format}")
    SHAPES[name](repo)
    store = reader.store.open_store(repo.open())
    git = as_git_reads(repo)
    assert contents(reader, store) == git
    assert failed(store) == set()
    for raw_id, content in [*git.items()][:40]:
        assert store.read(raw_id) == content
        assert store.name(store.find(raw_id)) == raw_id.hex()
    assert store.find(b"\1" * len(next(iter(git), bytes(20)))) is None
    store.close()


def test_an_object_in_several_parts_counts_once(reader: SimpleNamespace, repo: Workshop) -> None:
    packs_with_the_same_objects(repo)
    repo.git("reset", "-q", "--hard", "b1")
    repo.commit("loose", f="x\n")
    repo.git("repack", "-q")  # packed now, and loose still
    store = reader.store.open_store(repo.open())
    first = [
        part.id_of(entry)
        for part, repeated in zip(store.parts, store.repeated, strict=True)
        for entry in range(len(part))
        if not repeated[entry]
    ]
    assert sum(map(len, store.parts)) > len(first)
    assert len(first) == len(set(first))
    assert set(first) == set(as_git_reads(repo))


def test_a_partial_clone_has_what_it_has(reader: SimpleNamespace, tmp_path: Path) -> None:
    origin = make(tmp_path / "origin")
    grow(origin, some_versions(1))
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{origin.path}", str(tmp_path / "partial"))
    repo = Workshop(tmp_path / "partial")
    assert packs_of(repo, "promisor")
    store = reader.store.open_store(repo.open())
    found = contents(reader, store)
    assert found == as_git_reads(repo)
    assert {kind for kind, _ in found.values()} == {1, 2, 4}
    assert store.find(bytes.fromhex(origin.git("rev-parse", "v1:f0.txt"))) is None


def test_a_linked_worktree_has_the_objects_of_its_repository(reader: SimpleNamespace, repo: Workshop) -> None:
    pack_and_loose(repo)
    repo.git("worktree", "add", "-q", "--detach", str(repo.path.parent / "linked"))
    linked = Workshop(repo.path.parent / "linked")
    assert contents(reader, reader.store.open_store(linked.open())) == as_git_reads(repo)


def test_a_bare_clone_of_a_thin_fetch_is_whole(reader: SimpleNamespace, tmp_path: Path) -> None:
    # What travels is a thin pack, deltas on objects that the receiver has; what is stored names nothing outside.
    origin = make(tmp_path / "origin")
    grow(origin, some_versions(1))
    origin.git("clone", "-q", "--bare", str(origin.path), str(tmp_path / "clone"))
    origin.git("reset", "-q", "--hard", "main")
    origin.commit("more", f0_txt=(origin.path / "f0.txt").read_bytes() + b"one line more\n")
    clone = Workshop(tmp_path / "clone")
    clone.git("-c", "fetch.unpackLimit=1", "fetch", "-q", str(origin.path), "main:new")
    assert len([*(clone.path / "objects/pack").glob("*.pack")]) == 2
    store = reader.store.open_store(clone.open())
    assert contents(reader, store) == as_git_reads(clone)
    assert failed(store) == set()


ODD = {
    "an alternate in quotes": '"/some where"\n',
    "an alternate with a NUL": "/a\0b\n",
    "alternates without end": "".join(f"/nowhere/{number}\n" for number in range(1000)),
    "a list of alternates without end": "# x\n" * 300_000,
}


@pytest.mark.parametrize("listed", ODD.values(), ids=ODD)
def test_what_only_git_can_follow_is_left_to_it(reader: SimpleNamespace, repo: Workshop, listed: str) -> None:
    one_pack(repo)
    (repo.path / ".git/objects/info/alternates").write_text(listed)
    with pytest.raises(reader.packs.PackError):
        reader.store.open_store(repo.open())


def test_an_alternate_that_is_gone_is_left_to_git(reader: SimpleNamespace, repo: Workshop) -> None:
    one_pack(repo)
    (repo.path / ".git/objects/info/alternates").write_text("/nowhere\n")
    with pytest.raises(FileNotFoundError):
        reader.store.open_store(repo.open())


def test_a_ring_of_links_as_alternate_is_left_to_git(reader: SimpleNamespace, repo: Workshop) -> None:
    one_pack(repo)
    (repo.path / "ring").symlink_to("ring")
    (repo.path / ".git/objects/info/alternates").write_text(f"{repo.path}/ring\n")
    with pytest.raises((reader.packs.PackError, OSError)):
        reader.store.open_store(repo.open())


def test_a_pack_without_an_index_is_named(reader: SimpleNamespace, repo: Workshop) -> None:
    # With a multi-pack-index git finds its objects by name; it lists them no more than without.
    multi_pack_index(repo)
    first = packs_of(repo)[0]
    first.with_suffix(".idx").unlink()
    store = reader.store.open_store(repo.open())
    assert store.unindexed == (first,)
    assert contents(reader, store) == as_git_reads(repo)
    assert len(store.packs) == 5


@pytest.mark.parametrize("place", ["objects/info/alternates", "objects/pack/pack-1.idx", "objects/pack/pack-1.pack"])
def test_a_pipe_in_place_of_a_file_blocks_nobody(reader: SimpleNamespace, repo: Workshop, place: str) -> None:
    one_pack(repo)
    for ending in ("pack", "idx"):
        (repo.path / f".git/objects/pack/pack-1.{ending}").write_bytes(packs_of(repo, ending)[0].read_bytes())
    (repo.path / ".git" / place).unlink(missing_ok=True)
    os.mkfifo(repo.path / ".git" / place)
    with pytest.raises(OSError, match="not a regular file"):
        reader.store.open_store(repo.open())


def test_objects_that_a_hook_put_aside_are_left_to_git(reader: SimpleNamespace, repo: Workshop) -> None:
    quarantined = repo.open()._replace(environment=(("GIT_OBJECT_DIRECTORY", "/elsewhere"),))
    with pytest.raises(reader.packs.PackError):
        reader.store.open_store(quarantined)


def test_a_pack_that_is_replaced_while_it_is_read_is_read_to_its_end(reader: SimpleNamespace, repo: Workshop) -> None:
    many_packs(repo)
    git = as_git_reads(repo)
    store = reader.store.open_store(repo.open())
    walks = [reader.walk.Walk(pack, 0, len(pack)) for pack in store.packs]
    begun = [next(walk) for walk in walks]
    repo.git("gc", "-q", "--prune=now")
    assert len(packs_of(repo)) == 1
    read = {
        pack.id_of(one.entry): bytes(one.data)
        for pack, first, walk in zip(store.packs, begun, walks, strict=True)
        for one in (first, *walk)
    }
    assert read == {name: data for name, (_, data) in git.items()}
    assert all(store.read(name) == content for name, content in git.items())


def test_loose_objects_that_are_packed_while_we_read_are_left_to_git(reader: SimpleNamespace, repo: Workshop) -> None:
    loose_only(repo)
    git = as_git_reads(repo)
    store = reader.store.open_store(repo.open())
    repo.git("gc", "-q")
    assert contents(reader, store) == {}
    assert failed(store) == set(git)
    assert as_git_reads(repo) == git


def test_loose_objects_that_are_packed_while_we_list_them_are_found(
    reader: SimpleNamespace, repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose_only(repo)
    git = as_git_reads(repo)
    listed = reader.store.list_loose

    def late(directory: Path, id_size: int) -> object:
        if not packs_of(repo):
            repo.git("gc", "-q")
        return listed(directory, id_size)

    monkeypatch.setattr(reader.store, "list_loose", late)
    assert contents(reader, reader.store.open_store(repo.open())) == git


def test_a_repository_is_opened_whole_while_it_is_repacked(reader: SimpleNamespace, repo: Workshop) -> None:
    # Objects move from packs into files (repack -A), and from files into packs; at no moment one is missed.
    grow(repo, some_versions(1))
    for number in range(30):
        repo.blob(f"unreachable {number}")
    git = as_git_reads(repo)
    repository = repo.open()
    stopped = threading.Event()

    def repack() -> None:
        while not stopped.is_set():
            repo.git("repack", "-Adq")
            repo.git("repack", "-adq", "--keep-unreachable")
            repo.git("prune-packed")

    worker = threading.Thread(target=repack)
    worker.start()
    opened = 0
    try:
        for _ in range(60):
            try:
                store = reader.store.open_store(repository)
            except reader.packs.PackError:
                continue
            opened += 1
            listed = {part.id_of(entry) for part in store.parts for entry in range(len(part))}
            assert listed == set(git)
            read = contents(reader, store)
            assert {name: git[name] for name in read} == read
            assert set(read) | failed(store) == set(git)
            store.close()
    finally:
        stopped.set()
        worker.join()
    assert opened > 20
