"""`secretguard scan` from outside: formats, files, thresholds, exit codes."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.examples import fill
from tests.cli.conftest import Run
from tests.report.build import assert_hidden

Git = Callable[..., str]
TEMPLATE = "DATABASE_URL=postgresql://capture:{{alnum:24}}@db.prod-7.net:5432/raw\n"


class Leak:
    """A repository with one credential in its history and in its working tree."""

    def __init__(self, root: Path, git: Git, seed: int) -> None:
        self.root = root
        self.text = fill(TEMPLATE, seed)
        self.value = self.text.split(":")[2].partition("@")[0]
        git("init", "-q", "-b", "main", root)
        (root / "settings.env").write_text(self.text)
        git("add", ".", cwd=root)
        git("commit", "-q", "-m", "add", cwd=root)


@pytest.fixture
def leak(tmp_path: Path, git: Git, request: pytest.FixtureRequest) -> Leak:
    return Leak(tmp_path / "leaky", git, len(request.node.name))


@pytest.mark.parametrize("mode", [(), ("--history",), ("--since", "0..HEAD"), ("--format", "text", "-v")])
def test_a_leak_is_found_reported_and_exit_1(run: Run, leak: Leak, mode: tuple[str, ...]) -> None:
    done = run("scan", leak.root, *mode)
    assert done.returncode == 1, done.stderr
    assert "1 credential found: 1 critical." in done.stdout
    assert "settings.env:1" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert_hidden(done.stdout, leak.value)


@pytest.mark.parametrize("format_name", ["json", "jsonl", "sarif"])
def test_every_format_is_parseable_on_standard_output(run: Run, leak: Leak, format_name: str) -> None:
    done = run("scan", leak.root, "--history", "--format", format_name)
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert data
    assert_hidden(done.stdout + done.stderr, leak.value)


def test_values_are_shown_only_on_demand(run: Run, leak: Leak) -> None:
    for format_name in ("text", "json", "jsonl", "sarif"):
        assert leak.value in run("scan", leak.root, "--format", format_name, "--show-secrets").stdout


def test_a_report_file_is_named_on_stderr_and_private_with_values(run: Run, leak: Leak, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    done = run("scan", leak.root, "--format", "json", "-o", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"1 credential; the report is in {path}\n"
    assert json.loads(path.read_text())["credentials"][0]["files"] == 1
    run("-q", "scan", leak.root, "--format", "json", "-o", path, "--show-secrets")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_behind_o_is_exit_3(run: Run, leak: Leak) -> None:
    for format_name in ("text", "json", "sarif"):
        done = run("scan", leak.root, "--format", format_name, "-o", "/dev/full")
        assert done.returncode == 3
        assert done.stderr.startswith("error: /dev/full cannot be written: No space left on device\nhint: ")


def test_an_output_that_cannot_be_is_refused_before_the_scan(run: Run, tmp_path: Path) -> None:
    done = run("scan", "no-such-target", "-o", tmp_path / "no" / "such" / "r.json")
    assert done.returncode == 3
    assert "there is no directory" in done.stderr


def test_below_the_threshold_is_reported_and_not_a_failure(run: Run, leak: Leak) -> None:
    done = run("scan", leak.root, "--fail-on", "live")
    assert done.returncode == 0
    assert "1 credential found" in done.stdout
    assert done.stderr == "Not a failure: nothing reaches `fail_on: live` (command line).\n"


def test_the_repositorys_threshold_counts_and_is_named(run: Run, leak: Leak) -> None:
    (leak.root / ".secretguard.yaml").write_text("fail_on: live\n")
    done = run("scan", leak.root)
    assert done.returncode == 0
    assert "`fail_on: live` (.secretguard.yaml)" in done.stderr
    assert run("scan", leak.root, "--no-repo-config").returncode == 1
    assert run("scan", leak.root, environ={"SECRETGUARD_FAIL_ON": "low"}).returncode == 1


def test_standard_input_is_scanned_whatever_it_is(run: Run, leak: Leak) -> None:
    done = run("scan", "--stdin", input=leak.text)
    assert done.returncode == 1
    assert "standard input:1" in done.stdout
    assert_hidden(done.stdout, leak.value)
    assert run("scan", "--stdin", input="nothing here\n").returncode == 0


def test_a_clean_scan_says_what_it_looked_at(run: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("nothing here\n")
    done = run("scan", "plain")
    assert done.returncode == 0
    assert "No credentials found. Looked at 1 file (13 bytes) with " in done.stdout


def test_a_scan_of_nothing_says_so_loudly(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("scan", "empty")
    assert "NOTHING WAS LOOKED AT" in done.stdout
    assert "No credentials" not in done.stdout


def test_quiet_says_nothing_when_there_is_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing here\n")
    done = run("scan", "-q", "a.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_corrupt_object_is_a_problem_that_other_formats_tell_on_stderr(run: Run, leak: Leak, git: Git) -> None:
    (leak.root / "settings.env").write_text("x\n")
    git("commit", "-q", "-a", "-m", "gone", cwd=leak.root)
    blob = git("rev-parse", "HEAD~1:settings.env", cwd=leak.root)
    path = leak.root / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(b"garbage")
    done = run("scan", leak.root, "--history", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["problems"]
    assert "problem: " in done.stderr
    text = run("scan", leak.root, "--history")
    assert text.returncode == 3
    assert "INCOMPLETE" in text.stdout
    assert "No credentials found." not in text.stdout


def test_a_staged_scan_that_finds_nothing_imports_no_rich_and_takes_no_detours(run: Run, leak: Leak, git: Git) -> None:
    (leak.root / "clean.txt").write_text("nothing\n")
    git("add", "clean.txt", cwd=leak.root)
    run("scan", "--staged", cwd=leak.root)
    done = run("scan", "--staged", cwd=leak.root, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "hyperscan" in imported
    assert not imported & {"click", "rich", "jsonschema", "requests", "asyncio"}
