"""Whatever is wrong with what is scanned: a message with a hint, the right exit code, and the rest still scanned."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from secretguard.testing import RepositoryBuilder, text
from tests.journeys.running import CommandLine, Done
from tests.journeys.trouble import (
    FOUND,
    INCOMPLETE,
    INTERRUPTED,
    KEY,
    OTHER,
    USAGE,
    app,
    blob_at,
    explained,
    keys_found,
    line_with,
    loose,
)


@pytest.fixture
def builder(tmp_path: Path) -> RepositoryBuilder:
    return app(tmp_path / "app")


# Targets


@pytest.mark.parametrize("mode", [["--history"], ["--staged"], ["--since", "HEAD"]])
def test_not_a_repository(command_line: CommandLine, tmp_path: Path, mode: list[str]) -> None:
    (tmp_path / "settings.env").write_bytes(line_with(KEY).data)
    explained(command_line.run("scan", *mode, cwd=tmp_path), USAGE, "is not a git repository")
    assert keys_found(command_line.scan(cwd=tmp_path, code=FOUND)) == 1


def test_no_such_path(command_line: CommandLine, tmp_path: Path) -> None:
    explained(command_line.run("scan", "nowhere", cwd=tmp_path), INCOMPLETE, "error: ", "nowhere")


def test_no_such_revision(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    explained(command_line.run("scan", "--since", "v99", cwd=builder.path), USAGE, "v99")


def test_an_unreachable_clone_url(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line.run("scan", f"file://{tmp_path}/nowhere.git", cwd=tmp_path)
    explained(done, INCOMPLETE, "error: ", "nowhere.git")


def test_a_login_in_a_clone_url_is_not_printed(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line.run("scan", f"https://bot:{KEY.secret}@127.0.0.1:1/x.git", cwd=tmp_path)
    explained(done, INCOMPLETE, "error: ")
    assert KEY.secret not in done.stderr + done.stdout


# Files


def test_names_that_are_not_utf8(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    builder.write("caf\udce9/\udcff.env", line_with(KEY)).commit("Latin")
    for mode in ([], ["--history"]):
        report = command_line.scan(*mode, cwd=builder.path, code=FOUND)
        assert report["problems"] == []
        credential = next(one for one in report["credentials"] if one["in_head"])
        assert len({at["path"] for at in credential["occurrences"]}) == 2


def test_a_file_of_a_gigabyte(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    """Sparse on disk; the key stands behind all the zeros."""
    with (builder.path / "huge.bin").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\n" + line_with(OTHER).data)
    started = time.monotonic()
    report = command_line.scan(cwd=builder.path, code=FOUND, preexec_fn=_with_little_memory)
    assert time.monotonic() - started < 60
    found = {at["path"] for one in report["credentials"] for at in one["occurrences"]}
    assert "settings.env" in found
    assert "huge.bin" in found or any(problem["where"] == "huge.bin" for problem in report["problems"])


def _with_little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def test_a_line_of_five_megabytes(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    half = "password=x;" * 125_000 + "a" * 1_200_000
    builder.write("bundle.min.js", text(f"{half}{KEY.variable}='{KEY.secret}';{half}", KEY)).commit("Minify")
    started = time.monotonic()
    report = command_line.scan("--history", cwd=builder.path, code=FOUND)
    assert time.monotonic() - started < 30
    assert "bundle.min.js" in {at["path"] for one in report["credentials"] for at in one["occurrences"]}


needs_rights = pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything, unless setpriv takes that away"
)


@needs_rights
def test_no_permission(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    builder.write("private/closed.env", line_with(OTHER)).write("closed.env", line_with(OTHER)).commit("Close")
    (builder.path / "closed.env").chmod(0)
    (builder.path / "private").chmod(0)
    try:
        done = with_no_rights(command_line, builder, "scan")
        explained(done, FOUND, "closed.env", "private", "Permission denied", "settings.env")
        (builder.path / "settings.env").write_text("nothing\n")
        explained(with_no_rights(command_line, builder, "scan"), INCOMPLETE, "closed.env")
    finally:
        (builder.path / "private").chmod(0o755)


@needs_rights
def test_no_permission_for_the_target(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    (builder.path / "settings.env").chmod(0)
    explained(with_no_rights(command_line, builder, "scan", "settings.env"), INCOMPLETE, "settings.env")
    (builder.path / "shut").mkdir(mode=0)
    explained(with_no_rights(command_line, builder, "scan", builder.path / "shut"), INCOMPLETE, "shut")


@needs_rights
def test_no_permission_for_an_object(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    place = loose(builder, blob_at(command_line, builder, "HEAD~1:old.env"))
    place.chmod(0)
    explained(with_no_rights(command_line, builder, "scan", "--history"), FOUND, "settings.env", place.parent.name)


@needs_rights
def test_no_permission_for_the_git_directory(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    (builder.path / ".git").chmod(0)
    try:
        explained(with_no_rights(command_line, builder, "scan", "--history"), INCOMPLETE)
    finally:
        (builder.path / ".git").chmod(0o755)


def with_no_rights(command_line: CommandLine, builder: RepositoryBuilder, *words: object) -> Done:
    """Run the scan as somebody for whom file modes count, as they do not for root."""
    bound = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    return command_line.program(*bound, sys.executable, "-m", "secretguard", *words, cwd=builder.path)


# Configuration


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("fail_onn: low\n", ("fail_onn", "fail_on")),
        ("ignore:\n  path: ['x']\n", ("ignore.path", "ignore.paths")),
        ("fail_on: sometimes\n", ("fail_on", "low")),
        ("ignore: [\n", ("YAML",)),
    ],
)
def test_a_configuration_that_says_nothing_we_know(
    command_line: CommandLine, builder: RepositoryBuilder, content: str, words: tuple[str, ...]
) -> None:
    (builder.path / ".secretguard.yaml").write_text(content)
    explained(command_line.run("scan", cwd=builder.path), USAGE, ".secretguard.yaml", *words)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("key=(?:[a-z]{1,30}){1,30}!", ("backtrack",)), ("key=[^x]{1,40}", ("line",)), ("key=.+", ("unbounded",))],
)
def test_a_rule_that_would_backtrack_or_cross_lines(
    command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path, pattern: str, words: tuple[str, ...]
) -> None:
    rule = f"id: own\n    kind: own\n    title: Own\n    severity: low\n    pattern: '{pattern}'\n"
    (tmp_path / "own.yaml").write_text(f"vendor: Own\nrules:\n  - {rule}")
    done = command_line.run("scan", "--rules", tmp_path / "own.yaml", cwd=builder.path)
    explained(done, USAGE, "own.yaml", *words)


def test_a_rule_file_that_is_not_there(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    explained(command_line.run("scan", "--rules", "nowhere.yaml", cwd=builder.path), USAGE, "nowhere.yaml")


def test_a_baseline_that_is_not_there(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    explained(command_line.run("scan", "--baseline", "nowhere.json", cwd=builder.path), USAGE, "nowhere.json")


# The machine


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_a_full_disk(command_line: CommandLine, builder: RepositoryBuilder, form: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = command_line.run("scan", "--format", form, cwd=builder.path, stdout=full)
    explained(done, INCOMPLETE, "No space left")


def test_a_report_file_on_a_full_disk(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    done = command_line.run("scan", "--format", "json", "-o", "/dev/full", cwd=builder.path)
    explained(done, INCOMPLETE, "/dev/full")


def test_a_report_file_where_none_can_be(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    done = command_line.run("scan", "-o", "nowhere/report.json", cwd=builder.path)
    assert done.returncode in (USAGE, INCOMPLETE)
    explained(done, done.returncode, "nowhere")


def test_a_cache_that_cannot_be_written(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    """A scan can do without its cache."""
    report = command_line.scan(cwd=builder.path, environ={"XDG_CACHE_HOME": "/dev/null/cache"}, code=FOUND)
    assert keys_found(report) == 1


def test_a_cache_of_nonsense(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path) -> None:
    command_line.scan(cwd=builder.path, code=FOUND)
    shutil.copytree(command_line.environment["XDG_CACHE_HOME"], tmp_path / "cache")
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            file.write_bytes(b"nonsense" * 1000)
    assert keys_found(CommandLine(tmp_path).scan(cwd=builder.path, code=FOUND)) == 1


def test_no_home(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    environ = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"), "")
    environ["HOME"] = "/nonexistent"
    assert keys_found(command_line.scan(cwd=builder.path, environ=environ, code=FOUND)) == 1


def test_a_reader_that_goes_away(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    line = [sys.executable, "-m", "secretguard", "scan", "--history", "--format", "json"]
    with command_line.start(line, builder.path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(30) != 0


@pytest.mark.parametrize("words", [["scan", "--history"], ["scan", "--stdin"]])
def test_ctrl_c(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path, words: list[str]) -> None:
    """Interrupted while git, or whoever writes to us, is still at work: one line, 130, and nobody left behind."""
    slow = tmp_path / "bin"
    slow.mkdir()
    git = shutil.which("git")
    hang = f"case \"$*\" in *for-each-ref*) echo $$ > '{tmp_path}/pid'; exec sleep 60;; esac"
    (slow / "git").write_text(f'#!/bin/sh\n{hang}\nexec {git} "$@"\n')
    (slow / "git").chmod(0o755)
    environ = {"PATH": f"{slow}{os.pathsep}{command_line.environment['PATH']}"}
    line = [sys.executable, "-m", "secretguard", *words]
    with command_line.start(line, builder.path, environ, stdin=subprocess.PIPE) as process:
        _wait_until((tmp_path / "pid").exists if "--history" in words else lambda: _is_asleep(process.pid))
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED, stderr
    assert "Traceback" not in stderr
    assert len(stderr.strip().splitlines()) == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def _wait_until(condition: Any) -> None:
    for _ in range(400):
        if condition():
            time.sleep(0.2)
            return
        time.sleep(0.05)
    raise AssertionError("it did not get so far")


def _is_asleep(pid: int) -> bool:
    """Whether the process waits for input: it has started, and does nothing."""
    words = Path(f"/proc/{pid}/wchan").read_text()
    used = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return used > 2 and "pipe" in words
