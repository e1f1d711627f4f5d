"""Run the command line as a person does: another process, a home of its own, real git."""

import fcntl
import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import secretguard

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(secretguard.__file__).parents[1]),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run `secretguard` with the given words; options are those of subprocess.run, `environ` adds variables."""

    def run(*words: object, environ: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        options = {"cwd": tmp_path, "text": True, "errors": "surrogateescape", "timeout": 120} | options
        if "stdout" not in options:
            options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        line = [sys.executable, "-m", "secretguard", *map(str, words)]
        return subprocess.run(line, env=environment | (environ or {}), check=False, **options)

    return run


@pytest.fixture
def git(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    def git(*words: object, cwd: Path | None = None, check: bool = True, **more: Any) -> str:
        done = subprocess.run(
            ["git", *map(str, words)],
            cwd=cwd or tmp_path,
            env=environment,
            text=True,
            capture_output=True,
            check=False,
            **more,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    return git


Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Typed:
    """Run `secretguard` in a terminal of its own; `answers` are pairs: what is waited for, and what is typed then.

    Returns the exit code and all that the terminal showed.
    """

    def run(
        *words: object, answers: tuple[tuple[str, str], ...] = (), environ: dict[str, str] | None = None
    ) -> tuple[int, str]:
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "secretguard", *map(str, words)],
            cwd=tmp_path,
            env=environment | {"TERM": "dumb"} | (environ or {}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - a prompt asks the terminal itself
        )
        os.close(theirs)
        shown, waiting, seen = "", list(answers), 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(ours, 4096).decode(errors="replace")
            except OSError:  # the terminal is closed: it has ended
                break
            if waiting and waiting[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
        os.close(ours)
        return process.wait(10), shown.replace("\r\n", "\n")

    return run
