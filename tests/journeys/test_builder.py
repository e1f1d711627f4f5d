"""The repository builder makes what git itself would call a repository, and remembers what it hid."""

from pathlib import Path

import pytest

from secretguard.testing import Planted, RepositoryBuilder, build_leak, text
from tests.journeys.running import CommandLine
from tests.journeys.trouble import FOUND, KEY, OTHER, line_with


def test_git_finds_nothing_wrong_with_the_leak(command_line: CommandLine, tmp_path: Path) -> None:
    leak = build_leak(tmp_path / "leak", 3)
    checked = command_line.program("git", "fsck", "--full", "--strict", cwd=leak.path)
    assert checked.returncode == 0, checked.stderr
    status = command_line.git("status", "--short", cwd=leak.path).splitlines()
    assert sorted(status) == ["?? notes.txt", "AD staged.env"]
    assert command_line.git("stash", "list", cwd=leak.path)
    assert command_line.git("notes", "list", cwd=leak.path)
    assert "unreachable commit" in command_line.git("fsck", "--unreachable", cwd=leak.path)


def test_two_seeds_give_two_leaks(tmp_path: Path) -> None:
    one, two = (build_leak(tmp_path / str(seed), seed) for seed in (1, 2))
    secrets = [{credential.planted.secret for credential in leak.with_ignored} for leak in (one, two)]
    assert secrets[0].isdisjoint(secrets[1])
    assert [len(one.credentials), len(one.with_ignored)] == [len(two.credentials), len(two.with_ignored)]


def test_a_merge_that_both_sides_changed_needs_a_resolution(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "app")
    builder.write("a", "1").write("b", "1").commit()
    builder.branch("side").write("a", "2").commit()
    builder.switch("main").write("a", "3").write("b", "2").commit()
    with pytest.raises(ValueError, match="both sides changed a"):
        builder.merge("side")
    builder.merge("side", {"a": "4"})
    assert [(builder.path / name).read_text() for name in "ab"] == ["4", "2"]


def test_a_place_is_named_by_the_commit_that_adds_it(tmp_path: Path) -> None:
    planted = Planted("p", "value")
    builder = RepositoryBuilder(tmp_path / "app")
    added = builder.write("a", text("value", planted)).commit()
    builder.write("b", "other").commit()
    changed = builder.write("a", text("value, again", planted)).commit()
    expected = builder.manifest().named("p")
    assert [(place.source, place.commit) for place in expected.places if place.commit] == sorted(
        [("history", added), ("history", changed)]
    )
    assert expected.by_source == {"history": 2, "worktree": 1}
    assert (expected.files, expected.commits, expected.in_head) == (1, 2, True)


def test_a_repository_with_sha256_names_is_scanned_like_any_other(command_line: CommandLine, tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "app", object_format="sha256")
    builder.write("old.env", line_with(OTHER)).commit()
    builder.remove("old.env").write("settings.env", line_with(KEY)).commit()
    report = command_line.scan("--history", cwd=builder.path, code=FOUND)
    assert report["problems"] == []
    found = sorted(
        (at["source"], at["path"], at["commit"] or "") for one in report["credentials"] for at in one["occurrences"]
    )
    assert found == sorted(
        (place.source, place.path, place.commit) for one in builder.manifest().credentials for place in one.places
    )
    assert all(len(commit) == 64 for _, _, commit in found if commit)
