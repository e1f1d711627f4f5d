"""What keeps objects alive in a repository: refs, reflogs, and the heads of all worktrees."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from secretguard.git.repository import Repository
from secretguard.model import Place


class Tip(NamedTuple):
    """An object that is named directly."""

    id: str
    place: Place
    ref: str | None
    """None for a reflog entry."""


def read_tips(repository: Repository) -> list[Tip]:
    """Return what git counts as in use, in all worktrees; MERGE_HEAD and its like are not, as for `git gc`."""
    refs = dict.fromkeys(_refs(repository))
    tips = [*refs, *_heads(repository)]
    if any(tip.ref == "refs/stash" for tip in refs):
        tips += _reflog(repository, Place.STASH, "-g", "refs/stash")
    tips += _reflog(repository, Place.REFLOG, "--no-walk=unsorted", "--reflog")
    return tips


def _refs(repository: Repository) -> Iterator[Tip]:
    for git_dir in repository.git_dirs:
        for line in repository.git("for-each-ref", "--format=%(objectname) %(refname)", git_dir=git_dir).splitlines():
            target, _, name = line.partition(b" ")
            ref = os.fsdecode(name)
            yield Tip(target.decode("ascii"), _place(ref), ref)


def _place(ref: str) -> Place:
    if ref.startswith("refs/notes/"):
        return Place.NOTE
    return Place.STASH if ref == "refs/stash" else Place.HISTORY


def _heads(repository: Repository) -> Iterator[Tip]:
    for git_dir in repository.git_dirs:
        with repository.process("rev-parse", "--verify", "--quiet", "HEAD", git_dir=git_dir) as process:
            head = process.stdout.read().decode("ascii", "replace").strip()
            if process.wait() == 0:
                yield Tip(head, Place.HISTORY, "HEAD")


def _reflog(repository: Repository, place: Place, *arguments: str) -> list[Tip]:
    with repository.process("rev-list", *arguments, "--") as process:
        targets = process.stdout.read().decode("ascii", "replace").split()
        process.wait()  # entries whose objects are pruned are only warned about
    return [Tip(target, place, None) for target in targets]
