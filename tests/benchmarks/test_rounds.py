"""Contenders take turns, from the state each is said to have, and one that does not scan is not measured."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.bench import Bench, Contender, forget_repositories, inherited
from benchmarks.planted import planted_repository
from benchmarks.repositories import add_commits, checkout, clone, facts, git, monorepo, staged_change
from benchmarks.rounds import compare

SECRETGUARD = (sys.executable, "-m", "secretguard")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "kept").mkdir()
    return Bench(tmp_path / "scratch", tmp_path / "kept", SECRETGUARD, rounds=2, memory=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare clone of a small repository with a few ordinary files."""
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(5):
        (folder / f"file{number}.py").write_text(f"value = {number}\n" * 50)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "First")
    return clone(str(folder), tmp_path / "clones")


def noting(name: str, log: Path, code: int = 0) -> Contender:
    script = f"echo {name} >> '{log}'; exit {code}"
    return Contender(name, ("sh", "-c", script), "git", frozenset({0}), log.parent)


def test_they_take_turns(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    once = replace(noting("once", log), once=True)
    one = compare(bench, "x", "history", tmp_path / "scratch", [noting("a", log), once, noting("b", log)])
    assert log.read_text().split() == ["a", "once", "b", "a", "b"]
    assert [len(result.runs) for result in one.results] == [2, 1, 2]


def test_who_fails_once_is_not_asked_again(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = compare(bench, "x", "history", tmp_path / "scratch", [noting("a", log, code=9), noting("b", log)])
    assert log.read_text().split() == ["a", "b", "b"]
    assert one.results[0].wall is None


def test_a_scanner_that_finds_no_planted_key_is_left_out(bench: Bench, tmp_path: Path) -> None:
    blind = Contender(
        "blind", ("sh", "-c", 'echo "[]" > "$0"', "{report}"), "peer", frozenset({0}), tmp_path, count=len
    )
    one = compare(bench, "x", "history", tmp_path / "scratch", [blind])
    assert one.results == ()
    assert "blind is left out: it found nothing" in one.notes[0]


def test_forgetting_a_repository_keeps_the_compiled_rules(tmp_path: Path) -> None:
    folder = tmp_path / "secretguard"
    (folder / "repositories").mkdir(parents=True)
    for name in ("key", "rules-1.bin", "state-1.bin", "repositories/state"):
        (folder / name).touch()
    forget_repositories(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["key", "rules-1.bin"]


def test_the_planted_keys_are_in_the_history_in_the_tree_and_staged(tmp_path: Path) -> None:
    folder = planted_repository(tmp_path)
    assert git(folder, "ls-files").split() == [b"new.py", b"settings.py"]
    assert git(folder, "diff", "--cached", "--name-only").split() == [b"new.py"]
    assert b"leak.py" in git(folder, "log", "--name-only", "--format=")


def test_a_clone_has_heads_and_tags_in_one_pack(repository: Path) -> None:
    assert facts(repository)["objects"] == 7
    assert git(repository, "rev-parse", "--is-bare-repository").strip() == b"true"


def test_new_commits_change_ordinary_files(repository: Path) -> None:
    add_commits(repository, 10)
    assert git(repository, "rev-list", "--count", "HEAD").strip() == b"11"
    assert len(git(repository, "log", "-1", "--name-only", "--format=", "HEAD").split()) == 3
    git(repository, "fsck", "--strict")


def test_one_file_is_staged(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "hook").mkdir()
    copy, name = staged_change(repository, tmp_path / "hook")
    assert git(copy, "diff", "--cached", "--name-only").decode().split() == [name]


def test_no_object_store_lies_in_a_checkout(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    tree = checkout(repository, tmp_path / "tree")
    assert (tree / ".git").is_file()
    assert len(git(tree, "ls-files").split()) == 5


def test_a_monorepo_is_made_once(tmp_path: Path) -> None:
    made = monorepo(tmp_path, 40)
    assert len(git(made, "ls-files").split()) == 40
    (made / "here").touch()
    assert (monorepo(tmp_path, 40) / "here").exists()


def test_one_command_measures_a_path_and_writes_every_run(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "hook.json"
    words = ["hook", str(repository), "-n", "2", "--only", "git", "--work", str(tmp_path / "work"), "-o", str(written)]
    assert command.main([*words, "--secretguard", " ".join(SECRETGUARD)]) == 0
    assert "secretguard / git diff:" in capsys.readouterr().out
    document = json.loads(written.read_bytes())
    assert {"date", "machine", "versions", "rounds"} <= document.keys()
    (one,) = document["comparisons"]
    assert [(row["name"], len(row["runs"])) for row in one["results"]] == [("secretguard", 2), ("git diff", 2)]
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("path", ["history", "tree", "hook", "warm", "growth", "rules", "clones"])
def test_every_path_explains_itself(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", path, "--help"],
        cwd=Path(command.__file__).parents[1],
        env=inherited(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert path in done.stdout
