"""Opening a target: which sources each mode has, and what is refused."""

import io
import os
import tempfile
import zipfile
from pathlib import Path

import pytest

from secretguard.errors import GitError, SourceError, UsageError
from secretguard.git import windows
from secretguard.git.windows import blob_id
from secretguard.model import Location, Place
from secretguard.scan.sources import MODES, Opened, sources_for
from tests.git.repositories import Workshop, _own_git_configuration, guarded, make, repo

__all__ = ["_own_git_configuration", "guarded", "repo"]


def read(opened: Opened) -> dict[str, bytes]:
    """Return every content by id, and check what each source promises."""
    contents: dict[str, bytes] = {}
    for source in opened.sources:
        mine: set[str] = set()
        source.size()
        for blob in source.blobs():
            assert blob.offset or blob.id not in mine
            mine.add(blob.id)
            contents.setdefault(blob.id, blob.data)
        assert source.objects >= len(mine)
    return contents


def places(opened: Opened) -> set[tuple[Place, str, bytes]]:
    contents = read(opened)
    found: list[Location] = []
    for source in opened.sources:
        located = source.locate(list(contents))
        assert all(at.blob == name for name, locations in located.items() for at in locations)
        found.extend(at for locations in located.values() for at in locations)
    assert {at.blob for at in found} == set(contents), "every content has a place"
    return {(at.source, at.path, contents[at.blob]) for at in found}


def names(opened: Opened) -> set[tuple[Place, str]]:
    return {(place, path) for place, path, _ in places(opened)}


def test_a_working_tree_is_its_files_and_its_configuration(repo: Workshop) -> None:
    repo.commit("one", f="1\n", dir__g="2\n")
    repo.write("new", "3\n")
    with sources_for(str(repo.path)) as opened:
        assert names(opened) == {(Place.WORKTREE, path) for path in ("f", "dir/g", "new", ".git/config")}
        assert opened.root == str(repo.path)
        assert opened.head == repo.git("rev-parse", "HEAD")
        assert opened.problems == ()


def test_of_a_directory_in_a_repository_only_its_files_count_and_paths_start_at_the_root(repo: Workshop) -> None:
    repo.commit("one", f="1\n", _github__g="2\n")
    with sources_for(str(repo.path / ".github")) as opened:
        assert names(opened) == {(Place.WORKTREE, ".github/g")}
        assert opened.root == str(repo.path)


def test_history_is_objects_worktree_index_configuration_and_reflogs(repo: Workshop) -> None:
    repo.commit("committed", f="in history\n")
    repo.write("g", "staged\n")
    repo.git("add", "g")
    repo.write("g", "on disk\n")
    with sources_for(str(repo.path), "history", reader="git") as opened:
        found = places(opened)
    assert (Place.HISTORY, "f", b"in history\n") in found
    assert (Place.WORKTREE, "f", b"in history\n") in found
    assert (Place.STAGED, "g", b"staged\n") in found
    assert (Place.WORKTREE, "g", b"on disk\n") in found
    assert {".git/config", ".git/logs/HEAD"} <= {path for _, path, _ in found}
    assert any(place is Place.COMMIT_MESSAGE and content.startswith(b"committed\n") for place, _, content in found)


def test_staged_is_only_what_is_staged(repo: Workshop) -> None:
    repo.write("f", "1\n")
    repo.git("add", "f")
    repo.write("g", "2\n")
    with sources_for(str(repo.path), "staged") as opened:
        assert places(opened) == {(Place.STAGED, "f", b"1\n")}


def test_in_a_hook_the_default_target_is_what_git_says(
    repo: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repo.commit("one", f="1\n")
    repo.write("f", "for this commit only\n")
    repo.git("add", "f", GIT_INDEX_FILE=".git/next-index")
    monkeypatch.chdir(repo.path)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index")
    monkeypatch.setenv("GIT_DIR", ".git")
    with sources_for(".", "staged") as opened:
        assert places(opened) == {(Place.STAGED, "f", b"for this commit only\n")}
    other = make(tmp_path / "other")
    other.write("x", "staged elsewhere\n")
    other.git("add", ".")
    with sources_for(str(other.path), "staged") as opened:
        assert places(opened) == {(Place.STAGED, "x", b"staged elsewhere\n")}


def test_a_push_in_quarantine_is_read_by_its_receiving_hook(
    repo: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = repo.commit("one", f="1\n")
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "server"))
    second = repo.commit("pushed", f="2\n")
    quarantine = tmp_path / "server/objects/incoming"
    pack = repo.raw("pack-objects", "--stdout", "--revs", stdin=f"{second}\n^{first}\n".encode())
    server = Workshop(tmp_path / "server")
    (quarantine / "pack").mkdir(parents=True)
    variables = {
        "GIT_DIR": ".", "GIT_OBJECT_DIRECTORY": "objects/incoming", "GIT_QUARANTINE_PATH": "objects/incoming",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "objects",
    }  # fmt: skip
    server.raw("unpack-objects", "-q", stdin=pack, **variables)
    monkeypatch.chdir(server.path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with sources_for(".", "since", since=f"{first}..{second}") as opened:
        assert (Place.HISTORY, "f", b"2\n") in places(opened)


def test_a_bare_repository_shows_the_files_of_its_head_and_says_so(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", f="1\n", g="old\n")
    last = repo.commit("two", g="2\n")
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    with sources_for(str(tmp_path / "bare")) as opened:
        assert names(opened) == {(Place.HISTORY, "f"), (Place.HISTORY, "g"), (Place.WORKTREE, "config")}
        [note] = opened.problems
        assert note.is_note
        [location] = opened.sources[0].locate([repo.id_of("2\n")])[repo.id_of("2\n")]
        assert location.at_head
        assert location.commit == last
    with sources_for(str(tmp_path / "bare"), "history", reader="git") as opened:
        assert (Place.HISTORY, "g", b"old\n") in places(opened)
        assert opened.problems == ()


def test_a_clone_url_is_fetched_and_removed(repo: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    repo.commit("one", f="old\n")
    repo.commit("two", f="new\n")
    before = set(tmp_path.iterdir())
    with sources_for(f"file://{repo.path}", "history", reader="git") as opened:
        assert {path for _, path, _ in places(opened) if path} == {"f"}
        assert set(tmp_path.iterdir()) > before
    assert set(tmp_path.iterdir()) == before
    with sources_for(f"file://{repo.path}") as opened:
        assert places(opened) == {(Place.HISTORY, "f", b"new\n")}
    with pytest.raises(GitError):
        sources_for(f"file://{repo.path}/gone", "history")
    with pytest.raises(UsageError):
        sources_for(f"file://{repo.path}", "since", since="gone")
    with pytest.raises(UsageError):
        sources_for("ext::sh -c x", "history")
    assert set(tmp_path.iterdir()) == before


def test_a_clone_shows_no_login_of_its_url(repo: Workshop) -> None:
    password = "pass" + "word123"
    with sources_for(f"file://user:{password}@{repo.path}", "history", reader="git") as opened:
        assert password not in opened.path


def test_a_directory_without_git_is_walked(tmp_path: Path) -> None:
    (tmp_path / "dir/.hidden").mkdir(parents=True)
    (tmp_path / "dir/.hidden/f").write_bytes(b"1\n")
    (tmp_path / "g").write_bytes(b"2\n")
    with sources_for(str(tmp_path)) as opened:
        assert places(opened) == {(Place.WORKTREE, "dir/.hidden/f", b"1\n"), (Place.WORKTREE, "g", b"2\n")}
        assert opened.repository is None


def test_of_repositories_in_a_directory_the_files_and_configuration_are_read_and_the_history_is_noted(
    tmp_path: Path,
) -> None:
    make(tmp_path / "all/inner").commit("one", f="1\n")
    make(tmp_path / "all/bare.git", "--bare")
    with sources_for(str(tmp_path / "all")) as opened:
        assert names(opened) == {(Place.WORKTREE, path) for path in ("inner/f", "inner/.git/config", "bare.git/config")}
        notes = {problem.where for source in opened.sources for problem in source.problems if problem.is_note}
    assert notes == {"inner/.git", "bare.git"}


def test_a_single_file_is_read_even_if_git_ignores_it(repo: Workshop) -> None:
    repo.commit("one", _gitignore="*.env\n")
    repo.write("dir/prod.env", "1\n")
    with sources_for(str(repo.path / "dir/prod.env")) as opened:
        assert places(opened) == {(Place.WORKTREE, "dir/prod.env", b"1\n")}
        assert opened.root == str(repo.path)


def test_a_single_file_outside_a_repository_goes_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1\n")
    with sources_for(str(tmp_path / "f")) as opened:
        assert places(opened) == {(Place.WORKTREE, "f", b"1\n")}


def test_an_archive_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "misnamed.txt", "w") as archive:
        archive.writestr("inside", "1\n")
    with sources_for(str(tmp_path / "misnamed.txt")) as opened:
        assert names(opened) == {(Place.ARCHIVE, "misnamed.txt")}


def test_stdin_is_one_content() -> None:
    with sources_for(".", "stdin", stdin=io.BytesIO(b"1\n")) as opened:
        assert places(opened) == {(Place.STDIN, "stdin", b"1\n")}
        assert opened.sources[0].objects == 1


def test_large_stdin_comes_in_windows_of_one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 1000)
    monkeypatch.setattr(windows, "OVERLAP", 100)
    data = b"".join(b"line %d\n" % number for number in range(1000))
    with sources_for(".", "stdin", stdin=io.BytesIO(data)) as opened:
        blobs = list(opened.sources[0].blobs())
    assert len({blob.id for blob in blobs}) == 1
    assert all(data[blob.offset :].startswith(blob.data) for blob in blobs)
    assert blobs[-1].offset + len(blobs[-1].data) == len(data)


def test_ids_on_disk_are_those_git_would_give(repo: Workshop, tmp_path: Path) -> None:
    data = os.urandom(100)
    assert blob_id(data) == repo.id_of(data)
    modern = make(tmp_path / "modern", "--object-format=sha256")
    modern.write("f", data)
    with sources_for(str(modern.path)) as opened:
        assert modern.id_of(data) in read(opened)


@pytest.mark.parametrize("mode", ["history", "staged", "since"])
def test_without_a_repository_a_mode_that_needs_one_is_refused(mode: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository") as raised:
        sources_for(str(tmp_path), mode, since="HEAD")
    assert mode in raised.value.hint
    (tmp_path / "f").touch()
    with pytest.raises(UsageError, match="not a repository"):
        sources_for(str(tmp_path / "f"), mode, since="HEAD")


def test_a_bare_repository_has_nothing_staged(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bare"):
        sources_for(str(make(tmp_path / "bare", "--bare").path), "staged")


@pytest.mark.parametrize("revision", ["gone", "--all", "gone..HEAD", "HEAD..gone", "-x", "HEAD^{tree}", "\x1b[31m"])
def test_a_wrong_revision_is_refused_with_a_hint(repo: Workshop, revision: str) -> None:
    repo.commit("one", f="1\n")
    with pytest.raises(UsageError, match="there is no commit") as raised:
        sources_for(str(repo.path), "since", since=revision)
    assert raised.value.hint
    assert str(raised.value).isprintable()


def test_a_revision_cut_off_by_a_shallow_clone_is_refused_with_the_way_out(repo: Workshop, tmp_path: Path) -> None:
    first = repo.commit("one", f="1\n")
    repo.commit("two", f="2\n")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    with pytest.raises(UsageError) as raised:
        sources_for(str(tmp_path / "shallow"), "since", since=first)
    assert "--unshallow" in raised.value.hint


def test_a_target_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        sources_for(str(tmp_path / "gone"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SourceError, match="neither") as raised:
            sources_for(str(tmp_path / "pipe"))
        assert "--stdin" in raised.value.hint


def test_a_target_without_permission_is_refused(guarded: Workshop) -> None:
    closed = guarded.path.parent / "closed"
    closed.mkdir()
    closed.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        sources_for(str(closed))
    secret = guarded.write("f", "1\n")
    secret.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        sources_for(str(secret))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="mode"):
        sources_for(".", "everything")


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("stdin", "since")])
def test_a_repository_without_any_commit_can_be_scanned(repo: Workshop, mode: str) -> None:
    repo.write("f", "1\n")
    with sources_for(str(repo.path), mode) as opened:
        contents = read(opened)
        assert opened.head is None
        assert not [problem for source in opened.sources for problem in source.problems]
    assert (repo.id_of("1\n") in contents) == (mode != "staged")


def test_a_shallow_history_is_noted(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", f="1\n")
    repo.commit("two", g="2\n")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    with sources_for(str(tmp_path / "shallow"), "history", reader="git") as opened:
        assert [note.is_note for note in opened.problems] == [True]
        assert {(Place.HISTORY, "f"), (Place.HISTORY, "g")} <= names(opened)
        assert not [problem for source in opened.sources for problem in source.problems]
    with sources_for(str(tmp_path / "shallow")) as opened:
        assert opened.problems == ()
