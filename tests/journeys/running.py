"""Run the real command line on real repositories: another process, a home of its own, no help from pytest's."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@build.invalid",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@build.invalid",
}
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class CommandLine:
    """`secretguard` and git as somebody whose home is `home` would run them."""

    home: Path
    cache: Path | None = None
    """Where compiled rules are kept, if not in that home: compiling them takes seconds."""

    @property
    def environment(self) -> dict[str, str]:
        """What the processes see, and nothing of this machine's user."""
        return {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache or self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def start(
        self, line: Iterable[object], cwd: Path, environ: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start any program in that environment."""
        environment = self.environment | (environ or {})
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in line]
        pipes = {"cwd": cwd, "env": environment, "text": True, "errors": "surrogateescape"} | pipes
        return subprocess.Popen(words, start_new_session=True, **pipes)

    def program(
        self,
        *line: object,
        cwd: Path,
        environ: dict[str, str] | None = None,
        feed: str | None = None,
        seconds: float = 120,
        **options: Any,
    ) -> Done:
        """Run any program in that environment; one that takes longer is killed."""
        if feed is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(line, cwd, environ, **options) as process:
            try:
                stdout, stderr = process.communicate(feed, timeout=seconds)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, stdout or "", stderr or "")

    def run(self, *words: object, cwd: Path, **options: Any) -> Done:
        """Run `secretguard`."""
        return self.program(sys.executable, "-m", "secretguard", *words, cwd=cwd, **options)

    def scan(self, *words: object, cwd: Path, code: int | None = None, **options: Any) -> dict[str, Any]:
        """Run `secretguard scan --format json`, check the exit code if one is given, and return the report."""
        done = self.run("scan", "--format", "json", *words, cwd=cwd, **options)
        assert code in (None, done.returncode), (done.returncode, done.stderr, done.stdout[:2000])
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def git(self, *words: object, cwd: Path, check: bool = True, **options: Any) -> str:
        """Run git with an identity, and return its output."""
        done = self.program("git", *words, cwd=cwd, environ=IDENTITY, **options)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()


def in_any_spelling(secret: str) -> Iterator[str]:
    """Yield `secret` raw, percent-encoded, and the part of its base64 that is fixed at each alignment."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    raw = secret.encode()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        yield text[(8 * before + 5) // 6 : 8 * (before + len(raw)) // 6]


def leaks(secrets: Iterable[str], *texts: str) -> list[str]:
    """Return the secrets that stand in one of the texts, in any spelling."""
    return [one for one in secrets if any(spelling in text for spelling in in_any_spelling(one) for text in texts)]


def leaks_below(secrets: Iterable[str], folder: Path) -> list[tuple[Path, str]]:
    """Return the files below `folder` that hold one of the secrets, in any spelling."""
    secrets = list(secrets)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [(path, one) for path in files for one in leaks(secrets, path.read_bytes().decode("latin-1"))]
