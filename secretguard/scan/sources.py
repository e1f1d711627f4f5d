"""What a scan reads: a `Source` yields blobs, and says at the end where the interesting ones live.

Each mode loads what reads it.
"""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, Self, runtime_checkable

from secretguard.errors import GitError, SourceError, UsageError
from secretguard.git.complaints import readable
from secretguard.git.repository import Repository, open_repository
from secretguard.model import Blob, Location, Problem

if TYPE_CHECKING:
    from secretguard.engine.detect import Finding
    from secretguard.scan.history_matches import Identity
    from secretguard.scan.progress import Sweeping

MODES = ("tree", "history", "staged", "since", "stdin")
_UNSHALLOW = "git fetch --unshallow brings the rest."


class Source(Protocol):
    """One thing to scan. Its counters and problems fill while it is read."""

    name: str
    """What reading it is called while it goes on."""
    problems: list[Problem]
    objects: int
    """Files, blobs and messages looked at."""
    skipped: int
    """Those that were not, each with a problem or a note."""

    def size(self) -> tuple[int, int]:
        """Return how many objects and bytes are expected; 0 if nobody knows."""
        ...

    def blobs(self) -> Iterator[Blob]:
        """Yield each distinct content once; large content in windows of the same id."""
        ...

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return where blobs live, once all are read; called with ids of matched blobs of any source."""
        ...


@runtime_checkable
class SelfSweeping(Protocol):
    """A source that finds matches in its blobs by itself, faster than one after the other."""

    objects: int

    @property
    def volume(self) -> int:
        """Bytes of all objects together."""
        ...

    @property
    def bytes_matched(self) -> int:
        """Of those with a hit."""
        ...

    @property
    def judging(self) -> float:
        """Seconds that the precise pass took."""
        ...

    def sweep(self, sweeping: "Sweeping") -> "Iterator[tuple[Blob, Finding]]":
        """Yield each object that holds something, with what it holds."""
        ...

    def has(self, blob: str) -> bool:
        """Whether this blob was looked at."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A source that knows from scan to scan what it holds."""

    def known_ids(self) -> "Mapping[Identity, str]":
        """Return the ids of credentials that an earlier scan computed."""
        ...

    def remember(self, ids: "Mapping[Identity, str]") -> None:
        """Keep what this scan learnt; `ids` are those of credentials that cost time."""
        ...


class Opened(NamedTuple):
    """A target ready to be read; leaving the context removes what was fetched for it."""

    path: str
    """The target as the report names it."""
    root: str
    """The directory that paths are relative to, where the repository's configuration is; empty if there is none."""
    sources: tuple[Source, ...]
    repository: Repository | None = None
    head: str | None = None
    base: str | None = None
    """The two ends of a range of commits."""
    tip: str | None = None
    problems: tuple[Problem, ...] = ()
    cleanup: ExitStack | None = None
    """Removes what was fetched."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.cleanup is not None:
            self.cleanup.close()


def sources_for(
    target: str = ".",
    mode: str = "tree",
    *,
    since: str = "",
    include_ignored: bool = False,
    stdin: BinaryIO | None = None,
    reader: str = "packs",
) -> Opened:
    """Open `target` (a path or a clone URL) for one of the MODES. Raises UsageError, SourceError, GitError.

    What git tells its hooks (GIT_DIR, GIT_INDEX_FILE) counts for the default target only.
    """
    if mode not in MODES:
        raise UsageError(f"unknown mode {mode!r}", hint=f"One of {', '.join(MODES)}.")
    if mode == "stdin":
        from secretguard.scan.sources_files import StdinSource

        return Opened("stdin", "", (StdinSource(stdin or _stdin()),))
    if ":" in target:
        from secretguard.git.clone import is_clone_url

        if is_clone_url(target):
            return _cloned(target, mode, since, reader)
    path = Path(target)
    if not _is_directory(path):
        return _file(path, mode)
    repository = open_repository(path, keep_environment=target == ".")
    if repository is not None:
        sources = _sources(repository, mode, since, include_ignored=include_ignored, asked=path, reader=reader)
        return _opened(target, str(repository.worktree or repository.git_dir), repository, mode, sources)
    if mode != "tree":
        hint = f"--{mode} reads a repository; leave it out to scan the files as they are."
        raise UsageError(f"{readable(target)} is not a git repository", hint=hint)
    from secretguard.scan.sources_files import directory_source

    return Opened(target, str(path.resolve()), (directory_source(path.resolve()),))


def _cloned(url: str, mode: str, since: str, reader: str) -> Opened:
    import tempfile

    from secretguard.git.clone import clone

    with ExitStack() as cleanup:
        temporary = tempfile.TemporaryDirectory(prefix="secretguard-", ignore_cleanup_errors=True)
        repository = clone(url, Path(cleanup.enter_context(temporary)) / "clone")
        # Its configuration is our own, and what LFS holds is not fetched.
        sources = _sources(repository, mode, since, reader=reader)[:1]
        opened = _opened(readable(url), "", repository, mode, sources)
        return opened._replace(cleanup=cleanup.pop_all())


def _opened(path: str, root: str, repository: Repository, mode: str, sources: tuple[Source, ...]) -> Opened:
    base, tip = _ends(sources) if mode == "since" else (None, None)
    problems = (*repository.problems, *_declared(repository, mode))
    return Opened(path, root, sources, repository, repository.head, base, tip, problems)


def _ends(sources: Sequence[Source]) -> tuple[str | None, str | None]:
    from secretguard.scan.sources_changes import RangeSource

    return next(((one.base, one.tip) for one in sources if isinstance(one, RangeSource)), (None, None))


def _sources(
    repository: Repository,
    mode: str,
    since: str,
    *,
    include_ignored: bool = False,
    asked: Path | None = None,
    reader: str = "packs",
) -> tuple[Source, ...]:
    if mode == "since":
        from secretguard.scan.sources_changes import range_source

        return (range_source(repository, since),)
    if mode == "staged":
        from secretguard.scan.sources_staged import StagedSource

        if repository.worktree is None:
            raise UsageError("a bare repository has nothing staged", hint="Use --history or --since.")
        return (StagedSource(repository),)
    from secretguard.scan.sources_files import git_files_source, worktree_source

    git_files = git_files_source(repository, logs=mode == "history")
    if mode == "history":
        from secretguard.scan.sources_lfs import lfs_source
        from secretguard.scan.sources_packed import history_source

        history = history_source(repository, reader)
        files = (worktree_source(repository, include_ignored=include_ignored),) if repository.worktree else ()
        return (history, *files, git_files, lfs_source(repository, history))
    if repository.worktree is None:
        from secretguard.scan.sources_changes import HeadSource

        return (HeadSource(repository), git_files)
    if below := _below(asked, repository.worktree):
        return (worktree_source(repository, include_ignored=include_ignored, below=below),)
    return (worktree_source(repository, include_ignored=include_ignored), git_files)


def _declared(repository: Repository, mode: str) -> Iterator[Problem]:
    """Yield the limits that the repository itself declares."""
    if repository.worktree is None and mode == "tree":
        yield Problem(".", "bare repository: the files of HEAD are scanned", "--history scans all of it.", is_note=True)
    if repository.shallow and mode in ("history", "since"):
        yield Problem(
            "history", "shallow clone: older commits are not here and not looked at", _UNSHALLOW, is_note=True
        )


def _file(path: Path, mode: str) -> Opened:
    if mode != "tree":
        raise UsageError(
            f"{readable(str(path))} is a file, not a repository", hint="Leave the mode out to scan a file."
        )
    if not path.is_file():
        raise SourceError(
            f"{readable(str(path))} is neither a file nor a directory", hint="Pipe it in and use --stdin."
        )
    from secretguard.scan.sources_files import file_source

    resolved = path.resolve()
    try:
        with resolved.open("rb"):
            repository = open_repository(resolved)
    except OSError as error:
        raise SourceError(
            f"cannot read {readable(str(path))}: {error.strerror}", hint="Check its permissions."
        ) from None
    except GitError:
        repository = None  # a file can be read without its repository
    root = repository.worktree if repository and repository.worktree else resolved.parent
    shown = resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else resolved.name
    source = file_source(resolved, shown, repository.object_format if repository else "sha1")
    return Opened(str(path), str(root), (source,), repository, repository.head if repository else None)


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise SourceError("standard input is closed", hint="Pipe something in, or give a path in place of --stdin.")
    return sys.stdin.buffer


def _is_directory(path: Path) -> bool:
    try:
        if path.is_dir():
            next(path.iterdir(), None)
            return True
        path.lstat()
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise SourceError(
            f"cannot read {readable(str(path))}: {reason}", hint="Check the path and its permissions."
        ) from None
    return False


def _below(asked: Path | None, worktree: Path) -> str:
    """Return the part of the working tree that was asked for; empty for all of it."""
    below = asked.resolve() if asked else worktree
    return below.relative_to(worktree).as_posix() if worktree in below.parents else ""
