"""The paths of a working tree that git knows or would add."""

import os
from typing import NamedTuple

from secretguard.git.complaints import readable
from secretguard.git.repository import Repository
from secretguard.model import Problem

_SUBMODULE = "160000 "


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
    exclude = () if include_ignored else ("--exclude-standard",)
    with repository.process("ls-files", "-z", "--others", *exclude, *paths) as process:
        # It looks into every directory; the index is read meanwhile.
        tracked, submodules = _tracked(repository.git("ls-files", "-z", "--stage", *paths))
        others = [path for path in os.fsdecode(process.stdout.read()).split("\0") if path]
        complaints = process.check()
    # A directory git may not open is left out with a warning.
    hint = "Give read permission, or run as the owner."
    problems.extend(Problem("working tree", readable(line), hint) for line in complaints.splitlines())
    nested = {path.rstrip("/") for path in others if path.endswith("/")}
    files = dict.fromkeys([*tracked, *(path for path in others if not path.endswith("/"))])
    return Listing(tuple(sorted(files)), tuple(sorted(nested | set(submodules))))


def _tracked(output: bytes) -> tuple[list[str], list[str]]:
    """Parse `mode id stage<TAB>path` records, all with ids of one length."""
    records = os.fsdecode(output).split("\0")[:-1]
    start = records[0].index("\t") + 1 if records else 0
    files = [record[start:] for record in records if not record.startswith(_SUBMODULE)]
    return files, [record[start:] for record in records if record.startswith(_SUBMODULE)]
