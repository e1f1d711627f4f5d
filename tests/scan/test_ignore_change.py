"""A change that brings its own excuse is told about: the mark or entry that hides its finding is part of it."""

import subprocess
import time
from pathlib import Path

import pytest

from secretguard.config import load_config
from secretguard.errors import ConfigError
from secretguard.model import Place
from secretguard.scan.baseline import DEFAULT_FILE, entry_for, format_baseline
from secretguard.scan.change import Change, added_lines
from secretguard.scan.content import Content
from secretguard.scan.ignore import Outcome, apply_ignores, load_ignores
from tests.scan.planted import id_of, key, scanned

OLD, NEW = key("old"), key("new")


def git(repository: Path, *words: str) -> bytes:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    return subprocess.run(["git", "-C", str(repository), *who, *words], check=True, capture_output=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    write(tmp_path, "README.md", "hello\n")
    commit(tmp_path)
    return tmp_path


def write(repository: Path, path: str, text: str) -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_text(text)


def stage(repository: Path) -> None:
    git(repository, "add", "-A")


def commit(repository: Path) -> None:
    stage(repository)
    git(repository, "commit", "-q", "-m", "work")


def at(repository: Path, revision: str) -> Content:
    def content(path: str) -> bytes | None:
        try:
            return git(repository, "show", f"{revision}:{path}")
        except subprocess.CalledProcessError:
            return None

    return content


def staged_scan(repository: Path, *paths: str) -> Outcome:
    """What `--staged` does: the staged content, against HEAD."""
    change = Change(at(repository, "HEAD"), at(repository, ""))
    files = {path: (change.after(path) or b"").decode() for path in paths}
    ignores = load_ignores(load_config(repository, environ={}), repository, content=change.after)
    return apply_ignores(scanned(files, Place.STAGED), ignores, change)


def added(result: Outcome) -> list[tuple[str, str, bool]]:
    return [(row.reason, row.where, row.added_by_change) for row in result.ignored]


def test_a_mark_that_comes_with_the_secret_is_told(repository: Path) -> None:
    write(repository, "a.py", f"x = 1\nk = '{OLD}'  # secretguard:allow {id_of(OLD)}\n")
    stage(repository)
    result = staged_scan(repository, "a.py")
    assert added(result) == [("inline", "a.py:2", True)]
    assert f"{id_of(OLD)} is hidden by an allow mark that this change adds: a.py:2" in result.notes


def test_a_mark_on_the_line_above_is_told_with_its_own_line(repository: Path) -> None:
    write(repository, "a.py", f"k = '{OLD}'\n")
    commit(repository)
    write(repository, "a.py", f"# secretguard:allow {id_of(OLD)}\nk = '{OLD}'\n")
    stage(repository)
    assert added(staged_scan(repository, "a.py")) == [("inline", "a.py:1", True)]


def test_a_mark_that_was_there_before_is_not_told(repository: Path) -> None:
    line = f"k = '{OLD}'  # secretguard:allow {id_of(OLD)}\n"
    write(repository, "a.py", line)
    commit(repository)
    write(repository, "a.py", f"x = 1\ny = 2\n{line}")
    stage(repository)
    result = staged_scan(repository, "a.py")
    assert added(result) == [("inline", "a.py:3", False)]
    assert result.notes == ()


def test_an_old_mark_speaks_for_a_new_place_of_the_same_value(repository: Path) -> None:
    line = f"k = '{OLD}'  # secretguard:allow {id_of(OLD)}\n"
    write(repository, "a.py", line)
    commit(repository)
    write(repository, "a.py", f"{line}again = '{OLD}'\n")
    stage(repository)
    assert added(staged_scan(repository, "a.py")) == [("inline", "a.py:1", False)]


def test_a_new_secret_put_on_a_line_with_another_tools_mark_is_told(repository: Path) -> None:
    write(repository, "a.py", f"k = '{OLD}'  # gitleaks:allow\n")
    commit(repository)
    write(repository, "a.py", f"k = '{NEW}'  # gitleaks:allow\n")
    stage(repository)
    assert added(staged_scan(repository, "a.py")) == [("inline", "a.py:1", True)]


def test_a_baseline_entry_that_comes_with_the_secret_is_told(repository: Path) -> None:
    old = [entry_for(one) for one in scanned({"a": OLD})]
    write(repository, DEFAULT_FILE, format_baseline(old))
    commit(repository)
    write(repository, DEFAULT_FILE, format_baseline([*old, *map(entry_for, scanned({"a": NEW}))]))
    write(repository, "a.py", f"k = '{OLD}'\nj = '{NEW}'\n")
    stage(repository)
    result = staged_scan(repository, "a.py")
    assert {(row.id, row.added_by_change) for row in result.ignored} == {(id_of(OLD), False), (id_of(NEW), True)}
    assert [note for note in result.notes if "an entry that this change adds" in note and id_of(NEW) in note]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        (".secretguard.yaml", "ignore: {paths: [docs]}\n", "ignore: {paths: [docs, 'src/**']}\n"),
        (".secretguard.yaml", "# nothing\n", "ignore: {rules: [acme-key]}\n"),
        ("pyproject.toml", "[tool.secretguard]\n", "[tool.secretguard.ignore]\npaths = ['src']\n"),
        (".gitleaks.toml", "title = 'ours'\n", "[allowlist]\npaths = ['^src/']\n"),
    ],
)
def test_an_entry_of_a_configuration_that_comes_with_the_secret_is_told(
    repository: Path, file: str, before: str, after: str
) -> None:
    write(repository, file, before)
    commit(repository)
    write(repository, file, after)
    write(repository, "src/a.py", f"k = '{OLD}'\n")
    stage(repository)
    assert [flag for _, _, flag in added(staged_scan(repository, "src/a.py"))] == [True]
    commit(repository)
    write(repository, "src/a.py", f"x = 1\nk = '{OLD}'\n")
    stage(repository)
    assert [flag for _, _, flag in added(staged_scan(repository, "src/a.py"))] == [False]


def test_a_place_that_another_tool_ignores_does_not_hide_what_the_change_puts_there(repository: Path) -> None:
    write(repository, ".gitleaksignore", "a.py:generic:1\n")
    write(repository, "a.py", f"k = '{OLD}'\n")
    commit(repository)
    write(repository, "a.py", f"k = '{OLD}'\nx = 1\n")
    stage(repository)
    assert [row.reason for row in staged_scan(repository, "a.py").ignored] == ["gitleaks"]
    write(repository, "a.py", f"k = '{NEW}'\n")
    stage(repository)
    assert [one.id for one in staged_scan(repository, "a.py").kept] == [id_of(NEW)]


def test_the_staged_baseline_counts_and_one_that_is_not_staged_is_pointed_at(repository: Path) -> None:
    write(repository, DEFAULT_FILE, format_baseline([]))
    commit(repository)
    write(repository, "a.py", f"k = '{NEW}'\n")
    stage(repository)
    write(repository, DEFAULT_FILE, format_baseline(map(entry_for, scanned({"a": NEW}))))
    result = staged_scan(repository, "a.py")
    assert [one.id for one in result.kept] == [id_of(NEW)]
    assert [note for note in result.notes if note.startswith(id_of(NEW)) and "add the file to the commit" in note]


def test_a_baseline_that_git_does_not_know_counts_as_it_lies(repository: Path) -> None:
    write(repository, "a.py", f"k = '{NEW}'\n")
    stage(repository)
    write(repository, DEFAULT_FILE, format_baseline(map(entry_for, scanned({"a": NEW}))))
    assert added(staged_scan(repository, "a.py")) == [("baseline", f"{DEFAULT_FILE}:2", False)]


def test_a_range_scan_tells_about_a_mark_that_a_later_commit_of_the_range_took_away(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD").decode().strip()
    marked = f"k = '{OLD}'  # secretguard:allow {id_of(OLD)}\n"
    write(repository, "a.py", marked)
    commit(repository)
    write(repository, "a.py", "k = None\n")
    commit(repository)
    change = Change(at(repository, base), at(repository, "HEAD"))
    found = scanned({"a.py": marked}, Place.HISTORY, commit="1" * 40)
    result = apply_ignores(found, load_ignores(load_config(repository, environ={}), repository), change)
    assert added(result) == [("inline", "a.py:1", True)]


def test_a_broken_older_version_of_a_file_had_no_entries(repository: Path) -> None:
    write(repository, DEFAULT_FILE, "{ not json\n")
    commit(repository)
    write(repository, "a.py", f"k = '{NEW}'\n")
    write(repository, DEFAULT_FILE, format_baseline(map(entry_for, scanned({"a": NEW}))))
    stage(repository)
    assert [flag for _, _, flag in added(staged_scan(repository, "a.py"))] == [True]
    write(repository, DEFAULT_FILE, "{ not json\n")
    stage(repository)
    with pytest.raises(ConfigError, match="line 1: not JSON"):
        staged_scan(repository, "a.py")


def test_lines_that_moved_are_not_added() -> None:
    before, after = (b"a", b"b", b"c"), (b"c", b"new", b"a", b"b", b"b")
    assert added_lines(before, after) == {2, 4, 5}


def test_large_and_repetitive_files_are_compared_in_linear_time() -> None:
    before = tuple([b"same"] * 200_000)
    began = time.perf_counter()
    assert len(added_lines(before, (*before, b"same"))) == 200_001
    assert time.perf_counter() - began < 2
