"""The paths of a working tree that git knows or would add."""

import os
from typing import NamedTuple

from secretguard.git.complaints import readable
from secretguard.git.repository import Repository
from secretguard.model import Problem


class Listing(NamedTuple):
    """Paths relative to the worktree, with `/`."""

    files: tuple[str, ...]
    repositories: tuple[str, ...]
    """Submodules and other repositories inside the worktree; their files are their own."""


def list_worktree(
    repository: Repository, problems: list[Problem], *, include_ignored: bool = False, below: str = ""
) -> Listing:
    """List tracked files and untracked ones that git does not ignore (or all), below a directory. Raises GitError."""
    paths = ("--", below) if below else ("--",)
    tracked, submodules = _tracked(repository.git("ls-files", "-z", "--stage", *paths))
    exclude = () if include_ignored else ("--exclude-standard",)
    with repository.process("ls-files", "-z", "--others", *exclude, *paths) as process:
        others = [os.fsdecode(path) for path in process.stdout.read().split(b"\0") if path]
        complaints = process.check()
    # A directory git may not open is left out with a warning.
    hint = "Give read permission, or run as the owner."
    problems.extend(Problem("working tree", readable(line), hint) for line in complaints.splitlines())
    nested = {path.rstrip("/") for path in others if path.endswith("/")}
    files = dict.fromkeys([*tracked, *(path for path in others if not path.endswith("/"))])
    return Listing(tuple(sorted(files)), tuple(sorted(nested | set(submodules))))


def _tracked(output: bytes) -> tuple[list[str], list[str]]:
    files: list[str] = []
    submodules: list[str] = []
    for record in output.split(b"\0"):
        about, _, path = record.partition(b"\t")
        if about:
            (submodules if about.startswith(b"160000") else files).append(os.fsdecode(path))
    return files, submodules
