"""Opening whatever kind of repository a path lies in."""

import os
from pathlib import Path

import pytest

from secretguard.errors import GitError, SourceError
from secretguard.git.repository import open_repository
from tests.git.repositories import Workshop, make


def test_a_repository_is_found_from_any_directory_or_file_in_it(repo: Workshop) -> None:
    commit = repo.commit("one", dir__f="x\n")
    for path in (repo.path, repo.path / "dir", repo.path / "dir" / "f"):
        repository = open_repository(path)
        assert repository is not None
        assert repository.worktree == repo.path
        assert repository.git_dir == repository.common_dir == repo.path / ".git"
        assert repository.head == commit
        assert (repository.object_format, repository.shallow, repository.partial) == ("sha1", False, False)


def test_outside_any_repository_there_is_none(tmp_path: Path) -> None:
    assert open_repository(tmp_path) is None


def test_outside_any_repository_git_is_not_even_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert open_repository(tmp_path) is None


def test_inside_a_repository_git_is_needed(repo: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitError, match="not installed"):
        open_repository(repo.path)


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_repository(tmp_path / "gone")


def test_an_unborn_branch_has_no_head(repo: Workshop) -> None:
    repository = repo.open()
    assert repository.head is None
    assert repository.worktree == repo.path


def test_a_bare_repository_has_no_worktree(tmp_path: Path) -> None:
    bare = make(tmp_path / "bare.git", "--bare")
    repository = bare.open()
    assert repository.worktree is None
    assert repository.git_dir == bare.path


def test_a_linked_worktree_shares_objects_and_has_its_own_head(repo: Workshop) -> None:
    repo.commit("one", f="x\n")
    repo.git("worktree", "add", "-q", "-b", "other", "../linked")
    linked = Workshop(repo.path.parent / "linked")
    there = linked.commit("two", f="y\n")
    repository = linked.open()
    assert repository.worktree == linked.path
    assert repository.common_dir == repo.path / ".git"
    assert repository.git_dir == repo.path / ".git/worktrees/linked"
    assert repository.head == there != repo.open().head


def test_a_linked_worktree_of_a_bare_repository_has_files(tmp_path: Path) -> None:
    seed = make(tmp_path / "seed")
    seed.commit("one", f="x\n")
    seed.git("clone", "-q", "--bare", ".", str(tmp_path / "project/.git"))
    bare = Workshop(tmp_path / "project")
    bare.git("worktree", "add", "-q", "work")
    assert bare.open().worktree is None
    assert Workshop(tmp_path / "project/work").open().worktree == tmp_path / "project/work"


def test_a_submodule_is_a_repository_of_its_own(repo: Workshop, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    other.commit("one", inner="x\n")
    repo.commit("one", f="1\n")
    repo.git("submodule", "--quiet", "add", str(other.path), "module")
    repository = open_repository(repo.path / "module")
    assert repository is not None
    assert repository.worktree == repo.path / "module"
    assert repository.git_dir == repo.path / ".git/modules/module"
    assert repository.problems == ()


def test_a_shallow_clone_says_so(repo: Workshop, tmp_path: Path) -> None:
    repo.commit("one", f="1\n")
    repo.commit("two", f="2\n")
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    assert Workshop(tmp_path / "shallow").open().shallow


@pytest.mark.parametrize("bare", [True, False])
def test_a_partial_clone_says_so(repo: Workshop, tmp_path: Path, bare: bool) -> None:
    repo.commit("one", f="1\n")
    repo.git("config", "uploadpack.allowFilter", "true")
    options = ["--bare"] if bare else []
    repo.git("clone", "-q", "--filter=blob:none", *options, f"file://{repo.path}", str(tmp_path / "partial"))
    assert Workshop(tmp_path / "partial").open().partial


def test_a_snapshot_without_configuration_is_partial_if_its_packs_say_so(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.git("gc", "-q")
    pack = next((repo.path / ".git/objects/pack").glob("*.pack"))
    pack.with_suffix(".promisor").touch()
    assert repo.open().partial


def test_a_promise_in_an_included_file_or_for_one_worktree_counts(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    (repo.path / "more").write_text('[Remote "origin"]\n\tPROMISOR = true\n')
    repo.git("config", "Include.path", "../more")
    assert repo.open().partial
    repo.git("config", "--unset", "include.path")
    assert not repo.open().partial
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "remote.origin.promisor", "true")
    assert repo.open().partial


def test_what_git_tells_its_hook_counts_only_if_asked(
    repo: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    here = open_repository(repo.path)
    told = open_repository(repo.path, keep_environment=True)
    assert here is not None
    assert told is not None
    assert here.worktree == repo.path
    assert (told.git_dir, told.worktree) == (other.path / ".git", other.path)


def test_a_configured_worktree_elsewhere_is_not_looked_at_and_that_is_said(repo: Workshop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "private"
    elsewhere.mkdir()
    repo.git("config", "core.worktree", str(elsewhere))
    repository = repo.open()
    assert repository.worktree == repo.path
    assert [problem.is_note for problem in repository.problems] == [True]


def test_a_configured_worktree_around_the_repository_is_not_looked_at_either(repo: Workshop) -> None:
    repo.commit("one", dir__f="x\n")
    repo.git("config", "core.worktree", str(repo.path.parent))
    for path in (repo.path, repo.path / "dir"):
        repository = open_repository(path)
        assert repository is not None
        assert repository.worktree == repo.path
        assert [problem.is_note for problem in repository.problems] == [True]


def test_inside_the_git_directory_there_is_no_worktree(repo: Workshop) -> None:
    commit = repo.commit("one", f="x\n")
    repository = open_repository(repo.path / ".git" / "objects")
    assert repository is not None
    assert (repository.worktree, repository.git_dir, repository.head) == (None, repo.path / ".git", commit)


def test_a_git_file_that_leads_nowhere_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    with pytest.raises(GitError, match="nowhere") as raised:
        open_repository(tmp_path)
    assert raised.value.hint


def test_a_malformed_configuration_is_an_error_with_a_hint(repo: Workshop) -> None:
    (repo.path / ".git/config").write_text("[core\n")
    with pytest.raises(GitError, match="config") as raised:
        repo.open()
    assert raised.value.hint


def test_a_repository_of_a_newer_git_is_an_error_with_a_hint(repo: Workshop) -> None:
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.fromTheFuture", "true")
    with pytest.raises(GitError, match="extension") as raised:
        repo.open()
    assert "newer git" in raised.value.hint


def test_a_repository_without_permission_is_an_error_with_a_hint(guarded: Workshop) -> None:
    guarded.commit("one", f="x\n")
    (guarded.path / ".git/config").chmod(0)
    with pytest.raises(GitError, match="no permission") as raised:
        guarded.open()
    assert raised.value.hint


def test_a_git_directory_that_is_closed_or_broken_is_an_error_not_a_missing_repository(guarded: Workshop) -> None:
    guarded.commit("one", f="x\n")
    (guarded.path / ".git/HEAD").rename(guarded.path / ".git/HEAD.lost")
    with pytest.raises(GitError, match="does not take") as raised:
        guarded.open()
    assert raised.value.hint
    (guarded.path / ".git").chmod(0)
    with pytest.raises(GitError, match="no permission") as raised:
        guarded.open()
    assert raised.value.hint
    (guarded.path / ".git").chmod(0o755)


def test_an_empty_git_directory_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert open_repository(tmp_path) is None


def test_a_directory_name_of_any_bytes_is_opened(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"with\nnewline", b"-dash", b" space "):
        made = make(tmp_path / os.fsdecode(name))
        commit = made.commit("one", f="x\n")
        repository = made.open()
        assert (repository.worktree, repository.git_dir) == (made.path, made.path / ".git")
        assert (repository.common_dir, repository.head) == (made.path / ".git", commit)


def test_a_revision_is_resolved_and_an_option_is_no_revision(repo: Workshop) -> None:
    commit = repo.commit("one", f="x\n")
    repo.git("tag", "-a", "-m", "t", "v1")
    repository = repo.open()
    assert repository.resolve("HEAD") == repository.resolve("v1") == repository.resolve(commit[:10]) == commit
    for nonsense in ("gone", "--all", "-x", "", "HEAD:f", "^HEAD", "HEAD..HEAD", "a\0b", "@{99}"):
        assert repository.resolve(nonsense) is None
