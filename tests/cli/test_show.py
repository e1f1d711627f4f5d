"""`secretguard show`: everything about one credential, and a clear answer when there is nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.examples import fill
from tests.cli.conftest import Run
from tests.report.build import assert_hidden

Git = Callable[..., str]
TEXT = "DATABASE_URL=postgresql://capture:{{alnum:24}}@db.prod-7.net:5432/raw\n"


@pytest.fixture
def leak(tmp_path: Path, git: Git) -> tuple[Path, str]:
    root, text = tmp_path / "leaky", fill(TEXT, 11)
    git("init", "-q", "-b", "main", root)
    for number in range(8):
        (root / f"part{number}.env").write_text(text)
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "add", cwd=root)
    (root / "notes.txt").write_text(text)
    git("stash", "push", "-q", "-u", cwd=root)
    git("commit", "-q", "--allow-empty", "-m", f"why\n\n{text}", cwd=root)
    return root, text.split(":")[2].partition("@")[0]


def id_of(run: Run, root: Path) -> str:
    found: str = json.loads(run("scan", root, "--format", "jsonl").stdout)["id"]
    return found


def test_every_place_is_listed_by_kind(run: Run, leak: tuple[Path, str]) -> None:
    root, value = leak
    done = run("show", id_of(run, root), cwd=root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("part") == 8
    for words in ("8 current files", "1 commit message", "opens       capture@db.prod-7.net:5432/raw", "Ada"):
        assert words in done.stdout
    assert "notes.txt:1" in done.stdout
    assert "that add it, oldest first" in done.stdout
    assert_hidden(done.stdout, value)


def test_the_same_as_json(run: Run, leak: tuple[Path, str]) -> None:
    root, value = leak
    credential = id_of(run, root)
    done = run("show", credential, "--repo", root, "--format", "json")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert list(data) == ["schema", "tool", "id", "repositories"]
    assert data["repositories"][0]["credential"]["id"] == credential
    assert_hidden(done.stdout, value)


def test_several_repositories_are_looked_at(run: Run, leak: tuple[Path, str], git: Git, tmp_path: Path) -> None:
    root, _ = leak
    git("clone", "-q", root, tmp_path / "copy")
    git("init", "-q", tmp_path / "other")
    credential = id_of(run, root)
    line = ("show", credential, "--repo", root, "--repo", tmp_path / "copy", "--repo", tmp_path / "other")
    done = run(*line)
    assert done.returncode == 0
    assert done.stdout.count(f"PostgreSQL connection  {credential}") == 2
    data = json.loads(run(*line, "--format", "json").stdout)
    assert [bool(one["credential"]) for one in data["repositories"]] == [True, True, False]


def test_what_is_ignored_is_shown_all_the_same(run: Run, leak: tuple[Path, str]) -> None:
    root, _ = leak
    credential = id_of(run, root)
    (root / ".secretguard.yaml").write_text(f"ignore: {{credentials: [{credential}]}}\n")
    assert run("scan", root).returncode == 0
    assert "8 current files" in run("show", credential, cwd=root).stdout


def test_a_credential_that_is_not_there_is_a_clear_answer(run: Run, leak: tuple[Path, str]) -> None:
    root, _ = leak
    done = run("show", "sg_000000000000", cwd=root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: sg_000000000000 is not in .\nhint: ")
