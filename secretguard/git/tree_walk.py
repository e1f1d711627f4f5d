"""Which commit put a blob at a path, from the trees themselves: what `git.additions` says, many times sooner."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from secretguard.git.additions import Addition, find_additions
from secretguard.git.families import COMMIT
from secretguard.git.history import tree_of
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.tree_pairs import LeftToGitError, TreePairs
from secretguard.git.tree_skeleton import read_skeleton
from secretguard.model import Problem

_DIGITS = re.compile("[0-9a-f]*")

Commits = Mapping[str, tuple[str, Sequence[str]]]
"""Commit -> its tree, those of its parents that can be read."""


def find_additions_in(
    repository: Repository,
    store: ObjectStore,
    commits: Commits,
    wanted: Collection[str],
    problems: list[Problem],
    jobs: int = 0,
) -> Iterator[Addition]:
    """Yield where each of the `commits` adds a blob that is wanted; `store` holds the objects of `repository`.

    Commits whose trees cannot be read here are left to git, which makes problems of those that it cannot read either.
    Raises PackError, WorkerError, GitError.
    """
    if not wanted:
        return
    blobs = sorted(wanted)
    pairs, roots = _compared(repository, store, commits, blobs, jobs)
    left: dict[str, Sequence[str]] = {}
    for commit, (_, parents) in commits.items():
        try:
            found = pairs.compare(roots[commit], [roots[parent] for parent in parents])
        except LeftToGitError:
            left[commit] = parents
            continue
        for path, number in found:
            yield Addition(commit, os.fsdecode(path), blobs[number])
    if left:
        yield from find_additions(repository, left, problems, wanted)


def _compared(
    repository: Repository, store: ObjectStore, commits: Commits, blobs: Sequence[str], jobs: int
) -> tuple[TreePairs, dict[str, int]]:
    """Return what compares trees, and the number of each commit's tree."""
    width = len(blobs[0]) // 2
    trees = {commit: tree for commit, (tree, _) in commits.items()}
    for parent in {parent for _, parents in commits.values() for parent in parents} - trees.keys():
        trees[parent] = _tree(store, parent)
    ids = _raw_ids([*trees.values()], width)
    skeleton = read_skeleton(store, ids, {bytes.fromhex(blob): number for number, blob in enumerate(blobs)}, jobs)
    numbers = skeleton.numbers(ids)
    return skeleton.pairs(bytes.fromhex(repository.empty_tree)), dict(zip(trees, numbers, strict=True))


def _tree(store: ObjectStore, commit: str) -> str:
    found = store.read(bytes.fromhex(commit))
    return tree_of(found[1]) if found is not None and found[0] == COMMIT else ""


def _raw_ids(trees: Sequence[str], width: int) -> bytes:
    """Return the ids of trees in one row, all zeros, which no tree has, for what a malformed commit names."""
    nowhere = "0" * (2 * width)
    names = [tree if len(tree) == 2 * width else nowhere for tree in trees]
    with suppress(ValueError):
        ids = bytes.fromhex("".join(names))
        if len(ids) == width * len(names):  # blanks between digits are passed over
            return ids
    return bytes.fromhex("".join(name if _DIGITS.fullmatch(name) else nowhere for name in names))
