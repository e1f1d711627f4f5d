"""Files on disk, in a directory that may be hostile."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from secretguard.git import windows
from secretguard.model import Blob, Location, Place
from secretguard.scan.sources import sources_for
from secretguard.scan.sources_files import FilesSource
from tests.git.repositories import Workshop, _own_git_configuration, guarded, make, repo

__all__ = ["_own_git_configuration", "guarded", "repo"]

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


def first_source(path: Path, **options: bool) -> FilesSource:
    with sources_for(str(path), **options) as opened:
        source = opened.sources[0]
    assert isinstance(source, FilesSource)
    return source


def files(source: FilesSource) -> dict[str, bytes]:
    contents = {blob.id: blob.data for blob in source.blobs()}
    return {at.path: contents[at.blob] for places in source.locate(list(contents)).values() for at in places}


@pytest.fixture(params=["directory", "repository"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory to fill, with and without git."""
    path = tmp_path / "place"
    if request.param == "repository":
        make(path)
    path.mkdir(exist_ok=True)
    return path


@posix
def test_a_symbolic_link_is_its_target_as_text_and_is_not_followed(place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("outside\n")
    (place / "link").symlink_to(outside / "f")
    (place / "directory").symlink_to(outside)
    (place / "loop").symlink_to("loop")
    source = first_source(place)
    assert files(source) == {
        "link": str(outside / "f").encode(), "directory": str(outside).encode(), "loop": b"loop",
    }  # fmt: skip
    assert source.problems == []


@posix
def test_a_tracked_file_whose_directory_became_a_link_is_not_read(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", dir__f="1\n")
    (repo.path / "dir/f").unlink()
    (repo.path / "dir").rmdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_text("outside\n")
    (repo.path / "dir").symlink_to(tmp_path / "outside")
    source = first_source(repo.path)
    assert b"outside\n" not in files(source).values()
    assert [(problem.where, problem.is_note) for problem in source.problems] == [("dir/f", True)]
    assert source.skipped == 1


@posix
def test_an_index_made_by_hand_leads_nowhere_outside(repo: Workshop, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside\n")
    blob = repo.blob("x\n")
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},aa/outside")
    index = repo.path / ".git/index"
    data = bytearray(index.read_bytes().replace(b"aa/outside", b"../outside"))
    data[-20:] = hashlib.sha1(data[:-20]).digest()
    index.write_bytes(data)
    source = first_source(repo.path)
    assert files(source) == {}


@posix
def test_pipes_sockets_and_devices_are_noted_and_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(tmp_path)  # the path of a socket must be short
    try:
        listener.bind("socket")
    finally:
        os.chdir(before)
        listener.close()
    (tmp_path / "f").write_text("1\n")
    source = first_source(tmp_path)
    assert files(source) == {"f": b"1\n"}
    assert {problem.where for problem in source.problems} == {"pipe", "socket"}
    assert all(problem.is_note for problem in source.problems)
    assert (source.objects, source.skipped) == (1, 2)


@posix
def test_a_tracked_file_replaced_by_a_pipe_does_not_block(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    (repo.path / "f").unlink()
    os.mkfifo(repo.path / "f")
    source = first_source(repo.path)
    assert files(source) == {}
    assert [problem.where for problem in source.problems] == ["f"]


def test_a_tracked_file_that_is_gone_or_a_directory_now_is_nothing(repo: Workshop) -> None:
    repo.commit("one", gone="1\n", replaced="2\n")
    (repo.path / "gone").unlink()
    (repo.path / "replaced").unlink()
    repo.write("replaced/f", "3\n")
    source = first_source(repo.path)
    assert files(source) == {"replaced/f": b"3\n"}
    assert source.problems == []


@posix
def test_an_unreadable_file_or_directory_is_a_problem_and_the_rest_is_read(guarded: Workshop) -> None:
    guarded.write("closed", "1\n").chmod(0)
    guarded.write("open", "2\n")
    source = first_source(guarded.path)
    assert files(source) == {"open": b"2\n"}
    [problem] = source.problems
    assert (problem.where, problem.is_note) == ("closed", False)
    assert "Permission denied" in problem.what
    assert problem.hint
    plain = guarded.path.parent / "plain"
    (plain / "shut").mkdir(parents=True)
    (plain / "f").write_text("3\n")
    (plain / "shut").chmod(0)
    source = first_source(plain)
    assert files(source) == {"f": b"3\n"}
    assert [(problem.where, problem.is_note) for problem in source.problems] == [("shut", False)]
    (plain / "shut").chmod(0o700)


@posix
def test_names_of_any_bytes_are_read(place: Path) -> None:
    names = [b"caf\xe9", b"new\nline", b"-dash", b"\x1b[31m", b" space ", b"back\\slash"]
    for name in names:
        (place / os.fsdecode(name)).write_bytes(name)
    assert {os.fsencode(path): data for path, data in files(first_source(place)).items()} == dict(
        zip(names, names, strict=True)
    )


def test_the_same_content_at_two_paths_is_read_once_and_has_two_places(place: Path) -> None:
    (place / "a").write_text("same\n")
    (place / "b").write_text("same\n")
    source = first_source(place)
    [blob] = list(source.blobs())
    assert source.locate([blob.id])[blob.id] == [
        Location(Place.WORKTREE, "a", blob.id),
        Location(Place.WORKTREE, "b", blob.id),
    ]
    assert source.objects == 2


def test_ignored_files_are_read_on_demand(repo: Workshop) -> None:
    repo.commit("one", _gitignore=".env\n")
    repo.write(".env", "secret\n")
    assert ".env" not in files(first_source(repo.path))
    assert ".env" in files(first_source(repo.path, include_ignored=True))


def test_a_submodule_is_noted_if_it_holds_anything(repo: Workshop, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    other.commit("one", inner="x\n")
    repo.git("submodule", "--quiet", "add", str(other.path), "module")
    source = first_source(repo.path)
    assert "module/inner" not in files(source)
    assert [(problem.where, problem.is_note) for problem in source.problems] == [("module", True)]
    repo.git("commit", "-q", "-m", "module")
    repo.git("submodule", "--quiet", "deinit", "--all")
    source = first_source(repo.path)
    files(source)
    assert source.problems == []


def test_a_large_file_comes_in_windows_with_the_id_git_gives_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 10_000)
    monkeypatch.setattr(windows, "OVERLAP", 1_000)
    data = b"".join(b"line %d\n" % number for number in range(5_000))
    (place / "large").write_bytes(data)
    blobs: list[Blob] = list(first_source(place).blobs())
    assert len(blobs) > 3
    assert {blob.id for blob in blobs} == {windows.blob_id(data)}
    assert all(data[blob.offset :].startswith(blob.data) for blob in blobs)
    assert all(blob.data.startswith(b"line %d\n" % (blob.line - 1)) for blob in blobs)
    assert blobs[-1].offset + len(blobs[-1].data) == len(data)


def test_git_configuration_of_all_worktrees_and_submodules_is_read(repo: Workshop, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    other.commit("one", inner="x\n")
    repo.git("submodule", "--quiet", "add", str(other.path), "module")
    repo.commit("one", f="1\n")
    repo.git("worktree", "add", "-q", "../linked")
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "remote.here.url", "https://host/here")
    repo.git("-C", "../linked", "config", "--worktree", "remote.there.url", "https://host/there")
    for path in (repo.path, repo.path.parent / "linked"):
        with sources_for(str(path)) as opened:
            source = opened.sources[1]
        assert isinstance(source, FilesSource)
        assert set(files(source)) == {
            f".git/{path}"
            for path in ("config", "config.worktree", "worktrees/linked/config.worktree", "modules/module/config")
        }


def test_the_url_a_pull_was_made_with_is_in_the_reflog_and_read_with_the_history(
    repo: Workshop, tmp_path: Path
) -> None:
    repo.commit("one", f="1\n")
    repo.git("clone", "-q", ".", str(tmp_path / "copy"))
    repo.commit("two", f="2\n")
    copy = Workshop(tmp_path / "copy")
    url = f"file://user:{'pass' + 'word'}@{repo.path}"
    copy.git("pull", "-q", url)
    with sources_for(str(copy.path), "history") as opened:
        source = next(one for one in opened.sources if one.name.startswith("Reading .git"))
        assert isinstance(source, FilesSource)
        assert url.encode() in files(source)[".git/logs/HEAD"]


def test_sizes_are_known_before_reading(place: Path) -> None:
    (place / "a").write_text("12345")
    (place / "b").write_text("123")
    assert first_source(place).size() == (2, 8)


@posix
def test_directories_of_git_that_are_links_are_not_walked(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", f="1\n")
    outside = tmp_path / "outside"
    (outside / "objects").mkdir(parents=True)
    for name in ("objects/f", "config", "HEAD"):
        (outside / name).write_text("outside\n")
    for name in ("lfs", "modules"):
        (repo.path / ".git" / name).symlink_to(outside)
    (repo.path / ".git/logs/more").symlink_to(outside)
    with sources_for(str(repo.path), "history") as opened:
        for source in opened.sources[1:]:
            assert isinstance(source, FilesSource)
            assert b"outside\n" not in files(source).values()
