"""Open the repository a path belongs to, and call git on it."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from secretguard.errors import GitError, SourceError
from secretguard.git.command import GitProcess, git, git_executable, hook_environment
from secretguard.git.complaints import NotARepositoryError, readable
from secretguard.model import Problem

_FLAGS = (
    "--is-bare-repository", "--is-inside-git-dir", "--is-inside-work-tree", "--is-shallow-repository",
    "--show-object-format",
)  # fmt: skip
_PROMISES = (b"promisor", b"partialclone", b"include")
"""Without one of these a configuration file cannot say that objects were left with a remote."""
_LARGEST = 1 << 20


class Repository(NamedTuple):
    """One repository as seen from one of its working trees; opened once, then only read."""

    git_dir: Path
    common_dir: Path
    """Where objects, refs and configuration are; differs from `git_dir` in a linked worktree."""
    worktree: Path | None
    object_format: str
    """sha1 or sha256."""
    shallow: bool
    partial: bool
    head: str | None
    """None while the branch is unborn."""
    environment: tuple[tuple[str, str], ...] = ()
    """What git told us as its hook."""
    problems: tuple[Problem, ...] = ()

    @property
    def empty_tree(self) -> str:
        """The id of the tree without entries, which git knows even where it is not stored."""
        import hashlib

        return hashlib.new(self.object_format, b"tree 0\0", usedforsecurity=False).hexdigest()

    @property
    def git_dirs(self) -> tuple[Path, ...]:
        """The git directories of all worktrees, this one first: each has its own HEAD, index and reflog."""
        linked = sorted(path.parent for path in (self.common_dir / "worktrees").glob("*/HEAD"))
        return tuple(dict.fromkeys((self.git_dir, self.common_dir, *linked)))

    def process(
        self,
        *arguments: str,
        feed: Iterable[bytes] | None = None,
        git_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> GitProcess:
        """Start git on this repository (as seen from `git_dir`, if given)."""
        where = ["--git-dir", str(git_dir or self.git_dir)]
        where += ["--work-tree", str(self.worktree)] if self.worktree else ["--bare"]
        return GitProcess(
            [*where, *arguments],
            directory=self.worktree or self.git_dir,
            environment={**dict(self.environment), **(environment or {})},
            feed=feed,
        )

    def git(
        self,
        *arguments: str,
        feed: Iterable[bytes] | None = None,
        git_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run git on this repository and return its stdout. Raises GitError."""
        with self.process(*arguments, feed=feed, git_dir=git_dir, environment=environment) as process:
            output = process.stdout.read()
            process.check()
        return output

    def resolve(self, revision: str) -> str | None:
        """Return the id of the commit a revision names, or None."""
        if not revision or revision.startswith("-") or "\0" in revision:
            return None
        with self.process("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") as process:
            answer = process.stdout.read().decode("ascii", "replace").strip()
            return answer if process.wait() == 0 and answer.isalnum() else None


def open_repository(path: Path, *, keep_environment: bool = False) -> Repository | None:
    """Open the repository `path` lies in; None if it lies in none.

    `keep_environment` honours GIT_DIR and its like, for when git runs us as a hook. Raises GitError, SourceError.
    """
    start = _existing_directory(path)
    environment = hook_environment() if keep_environment else {}
    try:
        answer = _ask(start, environment)
    except NotARepositoryError:
        _check_refused(_found_worktree(start))
        return None
    except GitError:
        if git_executable() is None and _found_worktree(start) is None:
            return None
        raise
    worktree, problems = (None, ()) if answer.top is None else _worktree(start, environment, answer.top)
    kept = tuple((name, value) for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE"))
    common = _common_dir(answer.git_dir)
    opened = Repository(
        answer.git_dir, common, worktree, answer.object_format, answer.shallow, False, answer.head, kept, problems
    )
    return opened._replace(partial=_is_partial(opened))


def _check_refused(found: Path | None) -> None:
    """Raise GitError where git passes over a `.git` because it is closed or broken: its history is not "none"."""
    if found is None or not (found / ".git").is_dir():
        return
    shown = readable(str(found / ".git"))
    try:
        names = {path.name for path in (found / ".git").iterdir() if path.lstat()}
    except PermissionError:
        raise GitError(f"no permission to read {shown}", hint="Run as its owner, or give read permission.") from None
    if "objects" in names:
        hint = "It has objects but no valid HEAD or refs; `git init` makes what is missing."
        raise GitError(f"git does not take {shown} for a repository", hint=hint)


def _existing_directory(path: Path) -> Path:
    try:
        start = path if path.is_dir() else path.parent
        if not path.exists():
            raise SourceError(f"no such file or directory: {readable(str(path))}", hint="Check the path.")
    except OSError as error:
        raise SourceError(f"cannot read {readable(str(path))}: {error.strerror}") from None
    return start.resolve()


class _Answer(NamedTuple):
    """What git says about the repository it found."""

    git_dir: Path
    top: Path | None
    """Of the working tree, which core.worktree may place anywhere; None without one, and inside the git directory."""
    shallow: bool
    object_format: str
    head: str | None


def _ask(start: Path, environment: Mapping[str, str]) -> _Answer:
    def ask(*questions: str) -> str:
        return os.fsdecode(git(["rev-parse", *questions], directory=start, environment=environment).removesuffix(b"\n"))

    # All at once where no answer but the last can hold a newline. An unborn branch ends the answers early.
    words = ask(*_FLAGS, "--show-cdup", "--revs-only", "HEAD", "--absolute-git-dir").split("\n", maxsplit=7)
    is_bare, inside_git_dir, inside_worktree, is_shallow, object_format = words[:5]
    top: Path | None = None
    if inside_worktree == "true" and len(words) == 8:
        up, head, git_dir = words[5:]
        top = start.parents[up.count("/") - 1] if up else start
    else:
        head, git_dir = ask("--revs-only", "HEAD"), ask("--absolute-git-dir")
        if "true" not in (is_bare, inside_git_dir):
            top = Path(ask("--show-toplevel")).resolve()
    known_format = object_format if object_format in ("sha1", "sha256") else "sha1"  # an old git echoes the question
    return _Answer(Path(git_dir), top, is_shallow == "true", known_format, head or None)


def _common_dir(git_dir: Path) -> Path:
    """Return where a linked worktree says that it keeps what all share."""
    with suppress(FileNotFoundError, NotADirectoryError):
        said = os.fsdecode((git_dir / "commondir").read_bytes().rstrip(b"\r\n"))
        return (git_dir / said).resolve()
    return git_dir.resolve()


def _worktree(start: Path, environment: Mapping[str, str], declared: Path) -> tuple[Path | None, tuple[Problem, ...]]:
    """Return the directory that holds `.git`: core.worktree could name any other place on this machine."""
    if "GIT_DIR" in environment or "GIT_WORK_TREE" in environment:
        return declared, ()
    found = _found_worktree(start) or declared
    if found == declared:
        return declared, ()
    note = Problem(
        ".git/config",
        "core.worktree names a directory elsewhere, which is not scanned",
        "Set GIT_DIR and GIT_WORK_TREE yourself to scan it.",
        is_note=True,
    )
    return found, (note,)


def _found_worktree(start: Path) -> Path | None:
    return next((place for place in (start, *start.parents) if os.path.lexists(place / ".git")), None)


def _is_partial(repository: Repository) -> bool:
    """Whether the repository says that it left objects with a remote."""
    with suppress(OSError):
        if any(path.suffix == ".promisor" for path in (repository.common_dir / "objects" / "pack").iterdir()):
            return True
    if not any(map(_may_promise, (repository.common_dir / "config", repository.git_dir / "config.worktree"))):
        return False
    asked = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
    with repository.process("config", "--name-only", "--get-regexp", asked) as process:
        declared = process.stdout.read()
        process.wait()  # 1 where nothing matches
    return bool(declared)


def _may_promise(file: Path) -> bool:
    """Whether a configuration file may say so: one that lacks the words is not worth a process."""
    try:
        with file.open("rb") as config:
            text = config.read(_LARGEST + 1)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return len(text) > _LARGEST or any(word in text.lower() for word in _PROMISES)
