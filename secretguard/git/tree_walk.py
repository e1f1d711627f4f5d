"""Which commit put a blob at a path, from the trees themselves: what `additions.find_additions` says, many times sooner."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from secretguard.git.additions import Addition, find_additions
from secretguard.git.families import COMMIT
from secretguard.git.history import tree_of
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.tree_pairs import LeftToGitError
from secretguard.git.tree_skeleton import read_skeleton
from secretguard.model import Problem
_ID = re.compile("[0-9a-f]*")


def find_additions_in(
    repository: Repository,
    store: ObjectStore,
    commits: Mapping[str, tuple[str, Sequence[str]]],
    wanted: Collection[str],
    problems: list[Problem],
    jobs: int = 0,
) -> Iterator[Addition]:
    """Yield where each of the `commits` (commit -> its tree, those of its parents that can be read) adds a wanted blob.

    `store` holds the objects of `repository`. Commits whose trees cannot be read here are left to git, which makes
    problems of those that it cannot read either. Raises GitError.
    """
    if not wanted:
        return
    blobs = sorted(wanted)
    width = len(blobs[0]) // 2
    trees = {commit: tree for commit, (tree, _) in commits.items()}
    for parent in {parent for _, parents in commits.values() for parent in parents} - trees.keys():
        trees[parent] = _tree(store, parent)
    roots = _raw_ids([*trees.values(), ""], width)
    skeleton = read_skeleton(store, roots, {bytes.fromhex(blob): number for number, blob in enumerate(blobs)}, jobs)
    *numbers, nowhere = skeleton.numbers(roots)
    root_of = dict(zip(trees, numbers, strict=True))
    pairs = skeleton.pairs(bytes.fromhex(repository.empty_tree))
    left: dict[str, Sequence[str]] = {}
    for commit, (_, parents) in commits.items():
        if root_of[commit] == nowhere:
            left[commit] = parents
            continue
        try:
            found = pairs.compare(root_of[commit], [root_of[parent] for parent in parents])
        except LeftToGitError:
            left[commit] = parents
            continue
        for path, number in found:
            yield Addition(commit, os.fsdecode(path), blobs[number])
    if left:
        yield from find_additions(repository, left, problems, wanted)


def _tree(store: ObjectStore, commit: str) -> str:
    found = store.read(bytes.fromhex(commit))
    return tree_of(found[1]) if found is not None and found[0] == COMMIT else ""


def _raw_ids(trees: Sequence[str], width: int) -> bytes:
    """Return the ids of trees in one row, all zeros for what a malformed commit names."""
    nowhere = "0" * (2 * width)
    names = [tree if len(tree) == 2 * width else nowhere for tree in trees]
    with suppress(ValueError):
        ids = bytes.fromhex("".join(names))
        if len(ids) == width * len(names):  # blanks between digits are passed over
            return ids
    return bytes.fromhex("".join(name if _ID.fullmatch(name) else nowhere for name in names))
