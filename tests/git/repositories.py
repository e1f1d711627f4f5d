"""Real repositories for tests: a thin hand on the real git, with fixed people and dates."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from secretguard.git.repository import Repository, open_repository

AUTHOR = "Ada Author <ada@example.org>"
_NOBODY = 65534
_EPOCH = 1748772000  # 2025-06-01T10:00:00Z; each commit comes a minute later


@dataclass
class Workshop:
    """A repository being made."""

    path: Path
    ticks: Iterator[int] = field(default_factory=lambda: iter(range(_EPOCH, _EPOCH + 10**6, 60)))

    def git(self, *arguments: str, stdin: bytes = b"", **variables: str) -> str:
        return self.raw(*arguments, stdin=stdin, **variables).decode("utf-8", "surrogateescape").strip()

    def raw(self, *arguments: str, stdin: bytes = b"", fails: bool = False, **variables: str) -> bytes:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        moment = f"{next(self.ticks)} +0000"
        environment |= {
            "GIT_AUTHOR_NAME": "Ada Author", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_NAME": "Carl", "GIT_COMMITTER_EMAIL": "carl@example.org", "GIT_COMMITTER_DATE": moment,
            **variables,
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, capture_output=True, env=environment, check=False
        )
        assert fails or done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, message: str = "a commit", /, **files: str | bytes) -> str:
        """Write files (`a__b` is a/b, `_` before the suffix a dot), add everything, commit; return the id."""
        for name, content in files.items():
            self.write(name.replace("__", "/").replace("_", "."), content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def blob(self, content: str | bytes) -> str:
        """Store a blob that nothing refers to."""
        return self.git("hash-object", "-w", "--stdin", stdin=content.encode() if isinstance(content, str) else content)

    def id_of(self, content: str | bytes) -> str:
        return self.git("hash-object", "--stdin", stdin=content.encode() if isinstance(content, str) else content)

    def loose(self, name: str) -> Path:
        """Where an unpacked object lies."""
        common = self.path / self.git("rev-parse", "--git-common-dir")
        return common / "objects" / name[:2] / name[2:]

    def damage(self, name: str, content: bytes | None) -> None:
        """Overwrite an unpacked object, or remove it."""
        path = self.loose(name)
        path.chmod(0o644)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)

    def open(self) -> Repository:
        repository = open_repository(self.path)
        assert repository is not None
        return repository


def make(path: Path, *options: str) -> Workshop:
    """Make an empty repository."""
    path.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(path)
    workshop.git("init", "-q", *options)
    return workshop


@pytest.fixture(autouse=True)
def _own_git_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's git configuration but this."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[gc]\n\tauto = 0\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def repo(tmp_path: Path) -> Workshop:
    """An empty repository."""
    return make(tmp_path / "repo")


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """An empty repository of a user for whom permissions hold: root becomes nobody for the test."""
    if os.name != "posix":
        pytest.skip("needs POSIX permissions")
    with tempfile.TemporaryDirectory() as directory:  # pytest's own directories are closed to others
        (Path(directory) / "home").mkdir()
        monkeypatch.setenv("HOME", f"{directory}/home")
        if os.geteuid() != 0:
            yield make(Path(directory) / "repo")
            return
        for path in (Path(directory), Path(directory) / "home"):
            os.chown(path, _NOBODY, _NOBODY)
        os.setegid(_NOBODY)
        os.seteuid(_NOBODY)
        try:
            yield make(Path(directory) / "repo")
        finally:
            os.seteuid(0)
            os.setegid(0)
