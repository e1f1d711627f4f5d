"""Which commit put a blob at a path, from the trees themselves: what `git.additions` says, many times sooner."""

import os
from array import array
from collections.abc import Collection, Iterator, Sequence

from secretguard.git.additions import Addition, find_additions
from secretguard.git.commit_graph import CommitGraph, parsed_id
from secretguard.git.families import COMMIT, NONE
from secretguard.git.history import tree_of
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.tree_skeleton import read_skeleton
from secretguard.model import Problem


def find_additions_in(
    repository: Repository,
    store: ObjectStore,
    graph: CommitGraph,
    wanted: Collection[str],
    problems: list[Problem],
    jobs: int = 0,
) -> Iterator[Addition]:
    """Yield where each commit of the `graph` adds a blob that is wanted; `store` holds the objects of `repository`.

    Commits whose trees cannot be read here are left to git, which makes problems of those that it cannot read either.
    Raises PackError, WorkerError, GitError.
    """
    if not wanted:
        return
    blobs = sorted(wanted)
    added, left = _compared(repository, store, graph, blobs, jobs)
    for commit, path, number in added:
        yield Addition(graph.name(commit), os.fsdecode(path), blobs[number])
    if left:
        names = {graph.name(commit) for commit in left}
        lineage = {name: parents for name, (_, parents) in graph.table.links() if name in names}
        yield from find_additions(repository, lineage, problems, wanted)


def _compared(
    repository: Repository, store: ObjectStore, graph: CommitGraph, blobs: Sequence[str], jobs: int
) -> tuple[list[tuple[int, bytes, int]], list[int]]:
    """Return what each commit adds, and the commits that are left to git: see `TreePairs.compare_each`."""
    ids, parents = bytes(graph.table.trees), graph.parents
    if not graph.is_whole:
        absent = {parent: len(graph.table) + number for number, parent in enumerate(sorted(graph.absent()))}
        ids += b"".join(_tree(store, parent) for parent in absent)
        named = zip(parents, graph.parent_ids(), strict=True)
        parents = array("i", (absent[parent] if number == NONE else number for number, parent in named))
    skeleton = read_skeleton(store, ids, {bytes.fromhex(blob): number for number, blob in enumerate(blobs)}, jobs)
    roots = skeleton.numbers(ids)
    return skeleton.pairs(bytes.fromhex(repository.empty_tree)).compare_each(roots, graph.firsts, parents)


def _tree(store: ObjectStore, commit: bytes) -> bytes:
    """Return the id of a commit's tree, zeros, which no tree has, where there is none."""
    found = store.read(commit)
    tree = tree_of(found[1]) if found is not None and found[0] == COMMIT else ""
    return parsed_id(tree, len(commit)) or bytes(len(commit))
