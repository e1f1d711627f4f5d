"""What refs, commits, loose trees and the index name and what is not here: what it held, nobody can look at.

Trees in packs are not read for this: git checks a pack's connections when it takes it in, and objects get lost one by
one only where they are files of their own, or together with their pack, whose commits and trees are missed then.
"""

from array import array
from collections.abc import Collection, Iterable

from secretguard.git.commit_graph import CommitGraph, cut, parsed_id
from secretguard.git.families import NONE, find_ids
from secretguard.git.index import index_blobs
from secretguard.git.objects import connectivity_checked, missing_problems
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.trees import entries_of
from secretguard.model import Problem
from secretguard.scan.sources_places import or_problem


def connection_problems(
    repository: Repository,
    store: ObjectStore,
    graph: CommitGraph,
    tips: Iterable[Tip],
    trees: Iterable[bytes],
) -> list[Problem]:
    """Return a problem for each object that is missing; the commits of `graph` and (loose) `trees` may name it."""
    problems: list[Problem] = []
    if repository.partial:
        with connectivity_checked(repository, problems):  # only git knows what was promised
            return problems
    wanted = graph.absent(shallow_boundary(repository)) if not graph.is_whole else set()
    names = {tip.id for tip in tips if tip.id not in graph}
    names.update(entry.blob for entry in or_problem(lambda: index_blobs(repository), "index", problems))
    wanted.update(parsed_id(name, store.id_size) for name in names)
    for content in trees:
        wanted |= entries_of(content, store.id_size)
    empty = bytes.fromhex(repository.empty_tree)
    wanted -= {b"", empty}
    missing = _not_here(store, graph.table.trees + b"".join(wanted))
    missing -= {empty, bytes(store.id_size)} - wanted  # zeros: a commit that names no tree
    return [*problems, *missing_problems(repository, sorted(raw_id.hex() for raw_id in missing))]


def _not_here(store: ObjectStore, ids: bytearray) -> set[bytes]:
    """Return those of the `ids`, one behind the other, that are nowhere in the store."""
    positions = array("i", [NONE]) * (len(ids) // store.id_size)
    for pack in store.packs:
        find_ids(pack.ids, pack.id_size, memoryview(ids), positions)
    if NONE not in positions:
        return set()
    unseen = {raw_id for raw_id, position in zip(cut(ids, store.id_size), positions, strict=True) if position == NONE}
    return {raw_id for raw_id in unseen if not store.holds(raw_id.hex())}


def shallow_boundary(repository: Repository) -> Collection[str]:
    """Return the commits whose parents a shallow clone left out."""
    if not repository.shallow:
        return ()
    return frozenset((repository.common_dir / "shallow").read_text("ascii", "replace").split())
