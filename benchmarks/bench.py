"""Who takes part in a comparison, and in which surroundings: scratch folders, environment, number of rounds."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks.peers import NO_NETWORK, Installed, Mode

TIMINGS = "SECRETGUARD_TIMINGS"
"""Names the file into which secretguard writes its own account: one JSON object, step -> seconds."""
NO_SUCH_TEXT = "no line of a repository reads like this one"
SCAN_OPTIONS: Mapping[Mode, tuple[str, ...]] = {"history": ("--history",), "tree": (), "staged": ("--staged",)}
_GIT: Mapping[Mode, tuple[str, tuple[str, ...]]] = {
    "history": ("git cat-file", ("cat-file", "--batch-all-objects", "--unordered", "--batch", "--buffer")),
    "tree": ("git grep", ("grep", "-I", "--count", "--fixed-strings", "-e", NO_SUCH_TEXT)),
    "staged": ("git diff", ("diff", "--cached", "--unified=0")),
}
"""What git itself needs to read the same things."""


def _as_it_is(cache: Path) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of a table: a program, called in one way, in one state."""

    name: str
    command: tuple[str, ...]
    """`{target}` and `{report}` stand for themselves."""
    kind: Literal["ours", "peer", "git"]
    codes: frozenset[int]
    """Exit codes of a run that came to its end."""
    cache: Path
    """Its own cache directory, so that no state is shared."""
    count: Callable[[Any], int] | None = None
    before: Callable[[Path], None] = _as_it_is
    """Makes the state it starts from, before each run; not timed."""
    once: bool = False
    """It takes part in the first round only."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all comparisons of one call share."""

    scratch: Path
    """Removed at the end."""
    kept: Path
    """For what takes long to make: it stays for the next call."""
    secretguard: tuple[str, ...]
    peers: tuple[Installed, ...] = ()
    only: frozenset[str] = field(default_factory=frozenset)
    rounds: int = 5
    timeout: float = 900.0
    memory: bool = True
    """Whether one more round, not timed, looks at the memory."""
    timings: bool = False
    """Whether this secretguard can tell where its time went."""

    def ours(
        self,
        name: str,
        mode: Mode,
        *options: str,
        before: Callable[[Path], None] = _as_it_is,
        cache: Path | None = None,
        once: bool = False,
    ) -> Contender:
        """Return secretguard with `options`, in a cache directory of its own unless one is given."""
        command = (*self.secretguard, "scan", "{target}", *SCAN_OPTIONS[mode], *options)
        return Contender(
            name,
            (*command, "--format", "json", "--output", "{report}"),
            "ours",
            frozenset({0, 1}),
            cache or self.folder("cache"),
            lambda report: len(report["credentials"]),
            before,
            once,
        )

    def others(self, mode: Mode) -> tuple[Contender, ...]:
        """Return git and the peers, as far as they are here and wanted."""
        name, words = _GIT[mode]
        # git grep exits 1 when it finds nothing, which is what it shall find.
        git = Contender(name, ("git", "-C", "{target}", *words), "git", frozenset({0, 1}), self.scratch)
        peers = (
            Contender(
                one.peer.name,
                (str(one.path), *one.peer.modes[mode]),
                "peer",
                one.peer.codes,
                self.scratch / "peers",
                one.peer.count,
            )
            for one in self.peers
            if mode in one.peer.modes
        )
        return tuple(one for one in (git, *peers) if not self.only or one.name.split()[0] in self.only)

    def folder(self, name: str) -> Path:
        """Make and return an empty folder for this call."""
        number = sum(1 for _ in self.scratch.glob(f"{name}-*"))
        made = self.scratch / f"{name}-{number}"
        made.mkdir(parents=True)
        return made

    def environment(self, contender: Contender) -> dict[str, str]:
        """Return what every tool is given: the user's PATH, no configuration of the user, no network."""
        return {
            **inherited(),
            **NO_NETWORK,
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.scratch),
            "XDG_CACHE_HOME": str(contender.cache),
            "XDG_CONFIG_HOME": str(self.scratch / "config"),
            **({TIMINGS: str(self.scratch / "timings.json")} if self.timings else {}),
        }


_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_GIT_WORDS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
}
"""git without the user's settings; kingfisher makes a commit of what is staged, and needs a name for it."""


def inherited() -> dict[str, str]:
    """Return what a tool must know of the user's environment, and git's settings."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | _GIT_WORDS


def forget_repositories(cache: Path) -> None:
    """Remove what secretguard learnt about repositories, and nothing else: the compiled rules stay."""
    for entry in (cache / "secretguard").glob("*"):
        if entry.name != "key" and not entry.name.startswith("rules-"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def forget_everything(cache: Path) -> None:
    """Remove the compiled rules too."""
    shutil.rmtree(cache / "secretguard", ignore_errors=True)


def restore(snapshot: Path) -> Callable[[Path], None]:
    """Return what puts the cache back as it was in `snapshot`."""
    return partial(_restore, snapshot)


def _restore(snapshot: Path, cache: Path) -> None:
    shutil.rmtree(cache, ignore_errors=True)
    shutil.copytree(snapshot, cache)


def call(contender: Contender, target: Path, report: Path) -> tuple[str, ...]:
    """Return the command line for a target and a report file."""
    given = {"{target}": str(target), "{report}": str(report)}
    return tuple(given.get(word, word) for word in contender.command)
