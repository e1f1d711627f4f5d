"""Loose objects are read as git reads them; what else lies in their place is left to git, and blocks nobody."""

import os
import random
import tracemalloc
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.git.histories import as_git_reads
from tests.git.repositories import Workshop

NAME = "12" + "3" * 38


def open_descriptors() -> int:
    listed = Path("/proc/self/fd")
    return len([*listed.iterdir()]) if listed.exists() else 0


def place(directory: Path, content: bytes) -> None:
    (directory / NAME[:2]).mkdir(exist_ok=True)
    (directory / NAME[:2] / NAME[2:]).write_bytes(content)


def test_every_kind_is_read_as_git_reads_it(reader: SimpleNamespace, repo: Workshop) -> None:
    repo.commit("one", f="x\n", g__h=random.Random(1).randbytes(100_000), empty="")
    repo.git("tag", "-a", "-m", "a tag", "v1")
    git = as_git_reads(repo)
    directory = repo.path / ".git/objects"
    loose = reader.loose.list_loose(directory, 20)
    assert [loose.id_of(entry) for entry in range(len(loose))] == sorted(git)
    read = {
        loose.id_of(one.entry): (loose.kinds[one.entry], one.data)
        for one in reader.loose.read_all(loose, 0, len(loose))
    }
    assert read == git
    assert {kind for kind, _ in read.values()} == {1, 2, 3, 4}
    assert loose.failed == []


def test_other_files_among_the_objects_are_none(reader: SimpleNamespace, repo: Workshop) -> None:
    name = repo.blob("x")
    directory = repo.path / ".git/objects"
    (directory / name[:2] / "tmp_obj_a8Kf3z").write_bytes(b"half")
    (directory / name[:2] / name[3:]).write_bytes(b"one letter short")
    (directory / "AB").mkdir()
    (directory / "AB" / ("c" * 38)).write_bytes(b"upper case")
    assert [*reader.loose.list_loose(directory, 20).names] == [name]


DAMAGED = {
    "nothing": b"",
    "no stream": b"garbage",
    "cut off": zlib.compress(b"blob 1000\0" + b"x" * 1000)[:-3],
    "a wrong checksum": zlib.compress(b"blob 1000\0" + b"x" * 1000)[:-1] + b"!",
    "shorter than it says": zlib.compress(b"blob 1000\0" + b"x" * 999),
    "longer than it says": zlib.compress(b"blob 1000\0" + b"x" * 1001),
    "a size without end": zlib.compress(b"blob " + b"9" * 5000 + b"\0x"),
    "a size beyond all bounds": zlib.compress(b"blob " + b"9" * 19 + b"\0x"),
    "a negative size": zlib.compress(b"blob -1\0"),
    "an unknown kind": zlib.compress(b"glob 1\0x"),
    "no size": zlib.compress(b"blob \0x"),
    "a small size and a bomb": zlib.compress(b"blob 3\0" + bytes(64 << 20)),
    "a bomb without a head": zlib.compress(bytes(64 << 20)),
    "larger than is held": zlib.compress(b"blob %d\0" % ((16 << 20) + 100) + bytes((16 << 20) + 100)),
    "random and long": random.Random(1).randbytes(20 << 20),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_object_is_left_to_git(reader: SimpleNamespace, tmp_path: Path, content: bytes) -> None:
    place(tmp_path, content)
    tracemalloc.start()
    assert reader.loose.read_loose(tmp_path, NAME) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 << 20
    loose = reader.loose.list_loose(tmp_path, 20)
    assert [*reader.loose.read_all(loose, 0, 1)] == []
    assert loose.failed == [0]


def test_a_pipe_a_directory_or_a_link_in_place_of_an_object_blocks_nobody(
    reader: SimpleNamespace, tmp_path: Path
) -> None:
    path = tmp_path / NAME[:2] / NAME[2:]
    path.parent.mkdir()
    descriptors = open_descriptors()
    for put in (
        lambda: os.mkfifo(path),
        path.mkdir,
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(path),
    ):
        put()
        assert reader.loose.read_loose(tmp_path, NAME) is None
        path.rmdir() if path.is_dir() else path.unlink()
    assert reader.loose.read_loose(tmp_path, NAME) is None
    assert open_descriptors() == descriptors


def test_a_directory_that_git_removes_meanwhile_is_empty(
    reader: SimpleNamespace, repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = sorted((repo.blob("kept"), repo.blob("gone")))
    directory = repo.path / ".git/objects"
    scan = os.scandir

    # `git prune-packed` at the moment between the two listings.
    def removing(path: Path) -> "os.PathLike[str]":
        if path == directory / gone[:2]:
            (path / gone[2:]).unlink(missing_ok=True)
            path.rmdir()
        return scan(path)

    monkeypatch.setattr(os, "scandir", removing)
    assert [*reader.loose.list_loose(directory, 20).names] == [kept]
