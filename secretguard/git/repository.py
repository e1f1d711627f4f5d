"""Open the repository a path belongs to, and call git on it."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from secretguard.errors import GitError, SourceError
from secretguard.git.command import GitProcess, git, git_executable, hook_environment
from secretguard.git.complaints import NotARepositoryError, readable
from secretguard.model import Problem


@dataclass(frozen=True, slots=True)
class Repository:
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
    git_dir, common_dir, is_bare, inside_git_dir, is_shallow, object_format = answer
    worktree, problems = (None, ()) if is_bare or inside_git_dir else _worktree(start, environment)
    kept = tuple((name, value) for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE"))
    opened = Repository(git_dir, common_dir, worktree, object_format, is_shallow, False, None, kept, problems)
    return Repository(
        git_dir, common_dir, worktree, object_format, is_shallow, _is_partial(opened), _head(opened), kept, problems
    )


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


def _ask(start: Path, environment: Mapping[str, str]) -> tuple[Path, Path, bool, bool, bool, str]:
    def ask(*questions: str) -> str:
        return os.fsdecode(git(["rev-parse", *questions], directory=start, environment=environment).removesuffix(b"\n"))

    # Paths last and alone, as they may hold newlines.
    flags = ("--is-bare-repository", "--is-inside-git-dir", "--is-shallow-repository", "--show-object-format")
    is_bare, inside, is_shallow, object_format, git_dir = ask(*flags, "--absolute-git-dir").split("\n", maxsplit=4)
    return (
        Path(git_dir),
        (start / ask("--git-common-dir")).resolve(),
        is_bare == "true",
        inside == "true",
        is_shallow == "true",
        object_format if object_format in ("sha1", "sha256") else "sha1",  # an old git echoes the question
    )


def _worktree(start: Path, environment: Mapping[str, str]) -> tuple[Path | None, tuple[Problem, ...]]:
    """Return the directory that holds `.git`: core.worktree could name any other place on this machine."""
    said = git(["rev-parse", "--show-toplevel"], directory=start, environment=environment)
    declared = Path(os.fsdecode(said.removesuffix(b"\n"))).resolve()
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


def _head(repository: Repository) -> str | None:
    with repository.process("rev-parse", "--verify", "--quiet", "HEAD") as process:
        answer = process.stdout.read().decode("ascii", "replace").strip()
        return answer if process.wait() == 0 and answer else None


def _is_partial(repository: Repository) -> bool:
    """Whether the repository says that it left objects with a remote."""
    asked = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
    with repository.process("config", "--name-only", "--get-regexp", asked) as process:
        declared = process.stdout.read()
        process.wait()  # 1 where nothing matches
    return bool(declared) or any((repository.common_dir / "objects" / "pack").glob("*.promisor"))
