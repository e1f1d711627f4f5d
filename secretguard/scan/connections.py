"""What refs, commits, loose trees and the index name and what is not here: what it held, nobody can look at.

Trees in packs are not read for this: git checks a pack's connections when it takes it in, and objects get lost one by
one only where they are files of their own, or together with their pack, whose commits and trees are missed then.
"""

import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from secretguard.git.families import NONE, find_ids
from secretguard.git.history import Links
from secretguard.git.index import index_blobs
from secretguard.git.objects import connectivity_checked, missing_problems
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.git.trees import entries_of
from secretguard.model import Problem
from secretguard.scan.sources_places import or_problem

_HEX = re.compile("[0-9a-f]*")


def connection_problems(
    repository: Repository,
    store: ObjectStore,
    commits: Mapping[str, Links],
    tips: Iterable[Tip],
    trees: Iterable[bytes],
) -> list[Problem]:
    """Return a problem for each object that is missing; `commits` and (loose) `trees` are those that may name it."""
    problems: list[Problem] = []
    if repository.partial:
        with connectivity_checked(repository, problems):  # only git knows what was promised
            return problems
    wanted = {tree for tree, _ in commits.values() if tree}
    absent = {parent for _, parents in commits.values() for parent in parents} - commits.keys()
    if absent:
        boundary = shallow_boundary(repository)
        named_by = (parents for name, (_, parents) in commits.items() if name not in boundary)
        wanted.update(parent for parents in named_by for parent in parents if parent in absent)
    wanted.update(tip.id for tip in tips if tip.id not in commits)
    wanted.update(entry.blob for entry in or_problem(lambda: index_blobs(repository), "index", problems))
    named: set[bytes] = set()
    for content in trees:
        named |= entries_of(content, store.id_size)
    wanted.update(raw_id.hex() for raw_id in named)
    wanted.discard(empty := repository.empty_tree)
    names = [name for name in wanted if len(name) == len(empty)]
    if not _HEX.fullmatch("".join(names)):  # a malformed commit may name anything
        names = [name for name in names if _HEX.fullmatch(name)]
    missing = _not_here(store, names)
    return [*problems, *missing_problems(repository, sorted(missing))]


def _not_here(store: ObjectStore, names: Sequence[str]) -> Iterator[str]:
    raw = bytes.fromhex("".join(names))
    positions = array("i", [NONE]) * len(names)
    for pack in store.packs:
        find_ids(pack.ids, pack.id_size, raw, positions)
    if NONE in positions:
        for name, position in zip(names, positions, strict=True):
            if position == NONE and not store.holds(name):
                yield name


def shallow_boundary(repository: Repository) -> Collection[str]:
    """Return the commits whose parents a shallow clone left out."""
    if not repository.shallow:
        return ()
    return frozenset((repository.common_dir / "shallow").read_text("ascii", "replace").split())
