"""Where the objects of a history live, with as little done again as may be.

What an earlier scan worked out stays true while no object, ref, reflog or index changed. With new objects only, the new
commits are compared with their parents, and what older ones add is known.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from secretguard.git.additions import Addition, find_additions
from secretguard.git.commit_graph import CommitGraph, CommitTable
from secretguard.git.families import TREE
from secretguard.git.history import Commit, Tag, parse_tag
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore
from secretguard.model import Location, Place, Problem
from secretguard.scan.connections import connection_problems, shallow_boundary
from secretguard.scan.history_reading import Reading
from secretguard.scan.history_state import Located, settled
from secretguard.scan.sources_places import Ancestry, locate_objects

_FEW = 2_000
"""Commits that git compares sooner than all trees are read."""


@dataclass(slots=True)
class HistoryPlaces:
    """Finds the places of objects of one history, and says what is missing of it."""

    repository: Repository
    store: ObjectStore
    reading: Reading
    by_git: Mapping[str, tuple[str, bytes]]
    """Commits and tags that only git can read: type and content."""
    tips: Sequence[Tip]
    problems: list[Problem]
    """Of the source."""
    jobs: int = 0
    is_unchanged: bool = False
    """Whether that still holds."""
    _circumstances: bytes | None = None
    _before: int = 0
    """Problems of the source that are not ours."""
    _asked: set[str] = field(default_factory=set)
    _found: Mapping[str, Sequence[Location]] = field(default_factory=dict)
    _additions: list[Addition] = field(default_factory=list)
    _graph: CommitGraph | None = None

    def check(self) -> None:
        """Note what is missing, or what an earlier scan noted if nothing changed since."""
        self._before = len(self.problems)
        self._circumstances = _circumstances(self.repository, self.tips)
        previous = self.previous
        if previous and self.reading.division.is_all_known and previous.circumstances == self._circumstances:
            self.is_unchanged = True
            self.problems += (Problem(*one) for one in previous.problems)
            self._asked = set(previous.asked)
        else:
            self._check_connections()

    def locate(self, ids: Collection[str]) -> dict[str, Sequence[Location]]:
        """Return where these objects live, sorted by name."""
        if not self._asked.issuperset(ids):
            if self.is_unchanged:
                self.is_unchanged = False
                del self.problems[self._before :]
                self._check_connections()
            self._find({*ids, *self.reading.findings})  # the others will be asked for too
        if self.is_unchanged and self.previous:
            places = self.previous.places
            return {name: [_location(one) for one in places[name]] for name in sorted(ids) if name in places}
        return {name: self._found[name] for name in sorted(ids) if name in self._found}

    def located(self) -> Located | None:
        """Return what a later scan may take over."""
        if self.is_unchanged:
            return self.previous
        if self._circumstances is None:
            return None
        places = [location for locations in self._found.values() for location in locations]
        return Located(
            asked=frozenset(self._asked),
            additions=[(one.commit, one.path, one.blob) for one in self._additions],
            written={one.commit: (one.author or "", one.date) for one in places if one.commit},
            places={name: [_plain(one) for one in locations] for name, locations in self._found.items()},
            problems=[tuple(one) for one in self.problems[self._before :]],
            circumstances=self._circumstances,
        )

    @property
    def previous(self) -> Located | None:
        """What an earlier scan worked out."""
        return self.reading.history.located

    @property
    def _grows(self) -> bool:
        """Whether objects were only added to those of an earlier scan, in which nothing was missing."""
        return self.previous is not None and not (self.previous.problems or self.reading.division.lost or self.by_git)

    def _check_connections(self) -> None:
        trees = [tree for one in self.reading.new for tree in one.loose_trees]
        if self._grows and not self.repository.partial:
            graph = CommitGraph(self._new_tables(), self.store.id_size)
        else:
            graph = self._whole_graph()
            trees += self._known_trees()
        self.problems += connection_problems(self.repository, self.store, graph, self.tips, trees)

    def _find(self, wanted: set[str]) -> None:
        graph = self._whole_graph()
        tags = self._tags(wanted, graph)
        previous = self.previous if self._grows and graph.is_whole and not self.repository.partial else None
        if self.problems[self._before :] or (previous and not previous.asked.issuperset(self._old(wanted))):
            previous = None
        self._asked, self._additions = wanted, []

        def additions(blobs: Collection[str]) -> Iterator[Addition]:
            found = self._more_additions(previous, blobs) if previous else self._all_additions(blobs)
            for one in found:
                self._additions.append(one)
                yield one

        def places(commits: Collection[str]) -> Mapping[str, Place]:
            return graph.places(commits, tags, self.tips)

        written = {name: Commit(name, "", (), *one, b"") for name, one in previous.written.items()} if previous else {}
        ancestry = Ancestry(self.repository, graph, additions, places, tags, self.tips, self.problems, written)
        self._found = locate_objects(ancestry, wanted)

    def _all_additions(self, blobs: Collection[str]) -> Iterator[Addition]:
        graph = self._whole_graph()
        if self.repository.partial or self.repository.shallow:
            commits = graph.table.links()
            usable = {name for name, (tree, _) in commits if not self.repository.partial or self.store.holds(tree)}
            graph = CommitGraph([graph.table.within({*map(bytes.fromhex, usable)})], self.store.id_size)
        return self._compared(graph, blobs)

    def _more_additions(self, previous: Located, blobs: Collection[str]) -> Iterator[Addition]:
        """Yield what was known, and what the new commits add."""
        yield from (Addition(*one) for one in previous.additions if one[2] in blobs)
        new = CommitGraph(self._new_tables(), self.store.id_size)
        unexplained = set(blobs) - previous.asked
        if len(new.table) > _FEW:
            found = self._compared(new, blobs)
        else:
            lineage = {name: parents for name, (_, parents) in new.table.links()}
            found = find_additions(self.repository, lineage, self.problems, blobs)
        for one in found:
            unexplained.discard(one.blob)
            yield one
        if unexplained:  # missing so far, perhaps, and named by an old commit
            yield from self._all_additions(unexplained)

    def _compared(self, graph: CommitGraph, blobs: Collection[str]) -> Iterator[Addition]:
        from secretguard.git.tree_walk import find_additions_in  # mostly nothing is new

        return find_additions_in(self.repository, self.store, graph, blobs, self.problems, self.jobs)

    def _whole_graph(self) -> CommitGraph:
        """Return all commits."""
        if self._graph is None:
            self._graph = CommitGraph(self._tables(), self.store.id_size)
        return self._graph

    def _old(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if self.reading.division.known.holds(name)}

    def _tables(self) -> list[CommitTable]:
        known = [*(one.swept.commits for one in self.reading.division.packs), self.reading.division.loose_swept.commits]
        return [*known, *self._new_tables()]

    def _new_tables(self) -> list[CommitTable]:
        read = CommitTable(self.store.id_size)
        for name, (kind, data) in self.by_git.items():
            if kind == "commit":
                read.add(bytes.fromhex(name), data)
        return [*(one.commits for one in self.reading.new), read]

    def _tags(self, wanted: Collection[str], graph: CommitGraph) -> dict[str, Tag]:
        """Return all tags; those of commits that nobody asks for without what people wrote."""
        found = {}
        for raw_id, target in (tag for one in self.reading.swept for tag in one.tags):
            name = raw_id.hex()
            if target in graph and name not in wanted:
                found[name] = Tag(name, target, "commit", "", "", None, b"")
            elif content := self.store.read(raw_id):
                found[name] = parse_tag(name, content[1])
        found.update((name, parse_tag(name, data)) for name, (kind, data) in self.by_git.items() if kind == "tag")
        return found

    def _known_trees(self) -> Iterator[bytes]:
        for name in (name for loose in self.reading.division.known.loose for name in loose.names):
            content = self.reading.division.known.read(bytes.fromhex(name))
            if content and content[0] == TREE:
                yield content[1]


def _circumstances(repository: Repository, tips: Sequence[Tip]) -> bytes | None:
    """Digest all that places depend on beside the objects; None while an index may change without a trace."""
    indexes = []
    for git_dir in repository.git_dirs:
        try:
            facts = settled(os.stat(git_dir / "index"))  # noqa: PTH116
        except FileNotFoundError:
            facts = ()
        if facts is None:
            return None
        indexes.append((os.fspath(git_dir), facts))
    said = (tips, repository.head, sorted(shallow_boundary(repository)), repository.environment, indexes)
    return blake2b(repr(said).encode("utf-8", "surrogateescape"), digest_size=32).digest()


def _location(plain: tuple[Any, ...]) -> Location:
    source, *others = plain
    return Location(Place(source), *others)


def _plain(location: Location) -> tuple[Any, ...]:
    return location.source.value, *location[1:]
