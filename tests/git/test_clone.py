"""Fetching by URL: everything of the repository, nothing of the URL's login, no transport that runs commands."""

from pathlib import Path

import pytest

from secretguard.errors import GitError, UsageError
from secretguard.git.clone import clone, is_clone_url
from secretguard.git.objects import list_objects
from tests.git.repositories import Workshop


def test_every_ref_comes_over_bare(repo: Workshop, tmp_path: Path) -> None:
    commit = repo.commit("one", f="x\n")
    repo.git("tag", "-a", "-m", "t", "v1")
    repo.git("notes", "add", "-m", "note")
    repo.git("update-ref", "refs/pull/7/head", repo.commit("in a pull request", g="y\n"))
    repo.git("reset", "-q", "--hard", commit)
    repository = clone(f"file://{repo.path}", tmp_path / "copy")
    assert repository.worktree is None
    assert repository.head == commit
    reachable = set(repo.git("rev-list", "--objects", "--all", "--no-object-names").split())
    assert reachable <= {info.id for info in list_objects(repository, [])}


def test_the_url_is_not_left_on_disk(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", f="x\n")
    password = "pass" + "word123"
    clone(f"file://user:{password}@{repo.path}", tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        assert path.is_dir() or password.encode() not in path.read_bytes()


def test_an_empty_repository_can_be_cloned(repo: Workshop, tmp_path: Path) -> None:
    assert clone(f"file://{repo.path}", tmp_path / "copy").head is None


def test_a_url_that_leads_nowhere_is_an_error_without_the_login_in_it(tmp_path: Path) -> None:
    password = "pass" + "word123"
    with pytest.raises(GitError) as raised:
        clone(f"file://user:{password}@{tmp_path}/gone", tmp_path / "copy")
    assert password not in str(raised.value)
    assert raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% marker", "fd::7", "transport::address", "gopher://host/x", "ftp://host/x",
        "--upload-pack=touch marker", "-oProxyCommand=touch marker", "ssh://-oProxyCommand=touch/x",
        "ssh://user@-oProxyCommand=touch/x", "-host:path", "user@-host:path", "https", "", "file", "a::b://c",
    ],
)  # fmt: skip
def test_what_could_run_a_command_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        clone(url, tmp_path / "copy")
    assert "https" in raised.value.hint
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "url",
    ["https://host/x.git", "http://host:8080/x", "ssh://git@host/x", "git://host/x", "file:///x", "git@host:org/x.git",
     "host:x", "ext::sh", "ftp://host/x", "git@[::1]:x"],
)  # fmt: skip
def test_what_looks_like_a_url_is_taken_for_one(url: str) -> None:
    assert is_clone_url(url)


@pytest.mark.parametrize(
    "path", [".", "", "dir", "dir/sub:x", "./host:x", "/abs:x", "C:\\x", "c:/x", "a b", "-x", "x:"]
)
def test_what_looks_like_a_path_is_taken_for_one(path: str) -> None:
    assert not is_clone_url(path)


def test_a_path_that_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host:x").touch()
    assert not is_clone_url("host:x")
