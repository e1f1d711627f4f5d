"""Run the command line as a person does: another process, a home of its own, real git."""

import os
import subprocess
import sys
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
