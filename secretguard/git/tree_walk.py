"""Which commit put a blob at a path, from the trees themselves: what `additions.find_additions` says, many times sooner."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from secretguard.git.additions import Addition, find_additions
from secretguard.git.families import COMMIT
from secretguard.git.history import tree_of
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.tree_pairs import LeftToGitError
from secretguard.git.tree_skeleton import read_skeleton
from secretguard.model import Problem

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
    trees = {commit: tree for commit, (tree, _) in commits.items()}
    for parent in {parent for _, parents in commits.values() for parent in parents} - trees.keys():
        trees[parent] = _tree(store, parent)
    raw_ids = {tree: raw_id for tree in trees.values() if (raw_id := _raw_id(tree, len(blobs[0])))}
    numbers = {bytes.fromhex(blob): number for number, blob in enumerate(blobs)}
    skeleton = read_skeleton(store, raw_ids.values(), numbers, jobs)
    known = {tree: skeleton.number(raw_id) for tree, raw_id in raw_ids.items()}
    pairs = skeleton.pairs(bytes.fromhex(repository.empty_tree))
    left: dict[str, Sequence[str]] = {}
    for commit, (tree, parents) in commits.items():
        try:
            found = pairs.compare(known[tree], [known[trees[parent]] for parent in parents])
        except (KeyError, LeftToGitError):
            left[commit] = parents
            continue
        for path, number in found:
            yield Addition(commit, os.fsdecode(path), blobs[number])
    if left:
        yield from find_additions(repository, left, problems, wanted)


def _tree(store: ObjectStore, commit: str) -> str:
    found = store.read(bytes.fromhex(commit))
    return tree_of(found[1]) if found is not None and found[0] == COMMIT else ""


def _raw_id(tree: str, size: int) -> bytes:
    """Return the raw id of a tree, nothing for what a malformed commit says."""
    try:
        return bytes.fromhex(tree) if len(tree) == size else b""
    except ValueError:
        return b""
