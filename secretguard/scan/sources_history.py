"""Source: everything the object database of a repository holds."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from secretguard.git.additions import find_additions
from secretguard.git.history import Tag, parents_of, parse_tag, reachability, tree_of, written_text
from secretguard.git.objects import ObjectInfo, connectivity_checked, list_objects, read_objects
from secretguard.git.refs import read_tips
from secretguard.git.repository import Repository
from secretguard.model import Blob, Location, Place, Problem
from secretguard.scan.sources_places import Ancestry, locate_objects, or_problem

_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_LIMIT = 1024


@dataclass(slots=True)
class HistorySource:
    """All blobs, commit messages and tag messages, whether a ref leads to them or not."""

    repository: Repository
    name: str = "Reading history"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    pointers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """LFS object -> the blobs that stand for it in the history."""
    _ids: list[str] | None = None
    _bytes: int = 0
    _graph: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _tags: dict[str, Tag] = field(default_factory=dict)
    _trees: dict[str, str] = field(default_factory=dict)
    """Commit -> tree, in a partial clone only."""
    _held_trees: set[str] = field(default_factory=set)
    """In a partial clone only; elsewhere every tree is here."""

    def size(self) -> tuple[int, int]:
        """Return how many objects will be read and their bytes."""
        return len(self._list()), self._bytes

    def blobs(self) -> Iterator[Blob]:
        """Yield each blob, and what people wrote in each commit and tag under its own id."""
        ids = self._list()
        with connectivity_checked(self.repository, self.problems):
            read = partial(read_objects, self.repository, ids, self.problems)
            for info, blob in or_problem(read, "objects", self.problems):
                self.objects += blob.offset == 0
                if info.type == "blob":
                    self._note_pointer(blob)
                    yield blob
                else:
                    if blob.offset == 0:
                        self._note_structure(info, blob.data)
                    yield scannable(info, blob)
        self.skipped += len(ids) - self.objects

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return where the objects with these ids live; ids of other sources are passed over."""
        mine = set(ids).intersection(self._list())
        if not mine:
            return {}
        tips = list(or_problem(partial(read_tips, self.repository), "refs", self.problems))
        additions = partial(find_additions, self.repository, self._lineage(), self.problems)

        def places(_: Collection[str]) -> Mapping[str, Place]:
            return reachability(self._graph, self._tags, tips)

        ancestry = Ancestry(self.repository, self._graph, additions, places, self._tags, tips, self.problems)
        return locate_objects(ancestry, mine)

    def _list(self) -> list[str]:
        if self._ids is None:
            self._ids = []
            listed = partial(list_objects, self.repository, self.problems)
            for info in or_problem(listed, "objects", self.problems):
                if info.type != "tree":
                    self._ids.append(info.id)
                    self._bytes += info.size
                elif self.repository.partial:
                    self._held_trees.add(info.id)
        return self._ids

    def _note_pointer(self, blob: Blob) -> None:
        if len(blob.data) < _POINTER_LIMIT and blob.data.startswith(_POINTER):
            for line in blob.data.split(b"\n"):
                if line.startswith(b"oid sha256:"):
                    self.pointers[line[11:].decode("ascii", "replace").strip()].append(blob.id)

    def _note_structure(self, info: ObjectInfo, data: bytes) -> None:
        if info.type == "tag":
            self._tags[info.id] = parse_tag(info.id, data)
            return
        self._graph[info.id] = parents_of(data)
        if self.repository.partial:
            self._trees[info.id] = tree_of(data)

    def _lineage(self) -> dict[str, list[str]]:
        usable: Collection[str] = self._graph.keys()
        if self.repository.partial:
            usable = {commit for commit, tree in self._trees.items() if tree in self._held_trees}
        return {commit: [one for one in self._graph[commit] if one in usable] for commit in usable}


def scannable(info: ObjectInfo, blob: Blob) -> Blob:
    """Return the text of an object: of a commit or tag what people wrote."""
    if info.type == "blob" or blob.offset:
        return blob  # the rest of a message of many megabytes too
    return Blob(info.id, written_text(blob.data))
