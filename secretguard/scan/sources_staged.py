"""The source of the pre-commit hook: what is staged."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from secretguard.git.index import staged
from secretguard.git.objects import present, read_objects
from secretguard.git.repository import Repository
from secretguard.git.trees import TreeEntry
from secretguard.model import Blob, Location, Place, Problem


class _Reading(Protocol):
    """A source that reads blobs of a repository."""

    repository: Repository
    problems: list[Problem]
    objects: int
    skipped: int


class StagedSource:
    """Exactly what a commit made now would add."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.name = "Reading what is staged"
        self.problems: list[Problem] = []
        self.objects = 0
        self.skipped = 0
        self._entries: list[TreeEntry] | None = None

    def size(self) -> tuple[int, int]:
        """Return how many files are staged; nobody knows their bytes."""
        return len(self._list()), 0

    def blobs(self) -> Iterator[Blob]:
        """Yield each staged content once."""
        yield from read_blobs(self, {entry.blob for entry in self._list()})

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return the staged paths of these contents."""
        found: dict[str, list[Location]] = defaultdict(list)
        for entry in self._list():
            if entry.blob in ids:
                found[entry.blob].append(Location(Place.STAGED, entry.path, entry.blob))
        return found

    def _list(self) -> list[TreeEntry]:
        if self._entries is None:
            self._entries = staged(self.repository)
        return self._entries


def read_blobs(source: _Reading, blobs: Collection[str]) -> Iterator[Blob]:
    """Yield each content once and count it; what cannot be read becomes a problem of the source."""
    if not blobs:
        return
    ids = present(source.repository, sorted(blobs), source.problems)
    before = source.objects
    for info, blob in read_objects(source.repository, ids, source.problems):
        source.objects += blob.offset == 0
        if info.type == "blob":
            yield blob
    source.skipped += len(blobs) - (source.objects - before)
