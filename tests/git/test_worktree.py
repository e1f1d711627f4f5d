"""Which paths of a working tree are looked at."""

import os
from pathlib import Path

import pytest

from secretguard.git.worktree import list_worktree
from secretguard.model import Problem
from tests.git.repositories import Workshop, make


def files(repo: Workshop, **options: bool | str) -> list[str]:
    problems: list[Problem] = []
    found = list_worktree(repo.open(), problems, **options)
    assert problems == []
    return list(found.files)


def test_tracked_files_and_untracked_ones_that_are_not_ignored(repo: Workshop) -> None:
    repo.commit("one", tracked="1\n", _gitignore="*.env\nbuild/\n")
    repo.write("untracked", "2\n")
    repo.write("prod.env", "3\n")
    repo.write("build/out", "4\n")
    assert files(repo) == [".gitignore", "tracked", "untracked"]
    assert files(repo, include_ignored=True) == [".gitignore", "build/out", "prod.env", "tracked", "untracked"]


def test_a_tracked_file_that_is_ignored_now_is_still_looked_at(repo: Workshop) -> None:
    repo.commit("one", secret_env="1\n")
    repo.write(".gitignore", "*.env\n")
    assert "secret.env" in files(repo)


def test_a_file_in_conflict_is_named_once(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", f="2\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", f="3\n")
    repo.raw("merge", "side", fails=True)
    assert files(repo) == ["f"]


def test_only_what_lies_below_the_directory_asked_for(repo: Workshop) -> None:
    repo.commit("one", f="1\n", a__f="2\n", b__f="3\n")
    repo.write("a/new", "4\n")
    assert files(repo, below="a") == ["a/f", "a/new"]


@pytest.mark.parametrize("name", ["*", ":(exclude)a", "-x"])
def test_a_directory_named_like_a_pattern_or_an_option_is_just_a_directory(repo: Workshop, name: str) -> None:
    repo.commit("one", f="1\n", a__f="2\n")
    repo.write(f"{name}/inside", "3\n")
    assert files(repo, below=name) == [f"{name}/inside"]


def test_submodules_and_other_repositories_inside_are_named_not_listed(repo: Workshop, tmp_path: Path) -> None:
    other = make(tmp_path / "other")
    other.commit("one", inner="x\n")
    repo.commit("one", f="1\n")
    repo.git("submodule", "--quiet", "add", str(other.path), "module")
    nested = make(repo.path / "nested")
    nested.commit("one", inner="y\n")
    listing = list_worktree(repo.open(), [])
    assert listing.files == (".gitmodules", "f")
    assert listing.repositories == ("module", "nested")


def test_names_that_are_not_utf8(repo: Workshop) -> None:
    (repo.path / os.fsdecode(b"caf\xe9")).write_text("x")
    assert [os.fsencode(path) for path in files(repo)] == [b"caf\xe9"]
    repo.git("add", ".")
    assert [os.fsencode(path) for path in files(repo)] == [b"caf\xe9"]


def test_a_directory_that_git_may_not_open_is_a_problem(guarded: Workshop) -> None:
    guarded.write("closed/f", "1\n")
    guarded.write("open", "2\n")
    (guarded.path / "closed").chmod(0)
    problems: list[Problem] = []
    assert list_worktree(guarded.open(), problems).files == ("open",)
    assert len(problems) == 1
    assert "closed" in problems[0].what
    assert problems[0].hint
