"""Sources for a part of a history: a range of commits, the checked-out commit of a bare repository."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from secretguard.errors import UsageError
from secretguard.git.additions import Addition, find_additions
from secretguard.git.history import written_text
from secretguard.git.objects import read_objects
from secretguard.git.repository import Repository
from secretguard.git.trees import TreeEntry
from secretguard.model import Blob, Location, Place, Problem
from secretguard.scan.sources_places import Found, added, head_files, message_locations, or_problem
from secretguard.scan.sources_staged import read_blobs


@dataclass(slots=True)
class RangeSource:
    """What the commits of a range add, with their messages."""

    repository: Repository
    base: str | None
    """None: everything that no remote-tracking ref has, as for the first push of a branch."""
    tip: str
    name: str = "Reading commits"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    _lineage: dict[str, list[str]] | None = None
    _additions: list[Addition] = field(default_factory=list)

    def size(self) -> tuple[int, int]:
        """Return how many commits and contents there are; nobody knows their bytes."""
        return len(self._list()) + len({one.blob for one in self._additions}), 0

    def blobs(self) -> Iterator[Blob]:
        """Yield each added content and each message once."""
        lineage = self._list()
        yield from read_blobs(self, {one.blob for one in self._additions})
        for info, blob in read_objects(self.repository, lineage, self.problems):
            self.objects += blob.offset == 0
            yield Blob(info.id, written_text(blob.data)) if blob.offset == 0 else blob

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return the commits of the range that add these contents, or whose message it is."""
        lineage = self._list()
        found: Found = defaultdict(list)
        wanted = [one for one in self._additions if one.blob in ids]
        for location in added(self.repository, wanted, dict.fromkeys(lineage, Place.HISTORY), self.problems):
            found[location.blob].append(location)
        for location in message_locations(self.repository, [name for name in ids if name in lineage], self.problems):
            found[location.blob].append(location)
        return found

    def _list(self) -> dict[str, list[str]]:
        if self._lineage is None:
            exclude = (f"^{self.base}",) if self.base else ("--not", "--remotes")
            self._lineage = ancestors(self.repository, self.tip, *exclude)
            self._additions = list(find_additions(self.repository, self._lineage, self.problems))
        return self._lineage


@dataclass(slots=True)
class HeadSource:
    """The files of the checked-out commit, for a repository without a working tree."""

    repository: Repository
    name: str = "Reading the files of HEAD"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    _entries: list[TreeEntry] | None = None

    def size(self) -> tuple[int, int]:
        """Return how many files there are; nobody knows their bytes."""
        return len(self._list()), 0

    def blobs(self) -> Iterator[Blob]:
        """Yield each content once."""
        yield from read_blobs(self, {entry.blob for entry in self._list()})

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return the paths at HEAD of these contents, with the commits that added them there."""
        found: Found = defaultdict(list)
        here = [entry for entry in self._list() if entry.blob in ids]
        if not here or self.repository.head is None:
            return found
        blobs = {entry.blob for entry in here}
        additions = list(or_problem(lambda: self._additions(blobs), "history", self.problems))
        places = {one.commit: Place.HISTORY for one in additions}
        for location in added(self.repository, additions, places, self.problems):
            if location.at_head:
                found[location.blob].append(location)
        for entry in here:
            if not any(location.path == entry.path for location in found[entry.blob]):
                found[entry.blob].append(Location(Place.HISTORY, entry.path, entry.blob, at_head=True))
        return found

    def _additions(self, blobs: Collection[str]) -> Iterator[Addition]:
        lineage = ancestors(self.repository, self.repository.head or "")
        return find_additions(self.repository, lineage, self.problems, blobs)

    def _list(self) -> list[TreeEntry]:
        if self._entries is None:
            self._entries = head_files(self.repository, self.problems)
        return self._entries


def range_source(repository: Repository, since: str) -> RangeSource:
    """Return the source for `REV` (up to HEAD) or `REV..REV`. Raises UsageError if a revision is not there."""
    left, dots, right = since.replace("...", "..").partition("..")
    base, tip = left or "HEAD", right or "HEAD"
    if dots and left and not left.strip("0"):
        return RangeSource(repository, None, _resolve(repository, tip))
    return RangeSource(repository, _resolve(repository, base), _resolve(repository, tip))


def ancestors(repository: Repository, tip: str, *exclude: str) -> dict[str, list[str]]:
    """Return each commit that can be reached from `tip` with its parents (none at a shallow boundary)."""
    listed = repository.git("rev-list", "--parents", tip, *exclude, "--").decode("ascii").splitlines()
    return {commit: parents for commit, *parents in (line.split() for line in listed)}


def _resolve(repository: Repository, revision: str) -> str:
    found = repository.resolve(revision)
    if found is None:
        hint = "Give a branch, tag or commit id, or a range such as main..HEAD."
        if repository.shallow:
            hint = "This clone is shallow, so old commits are not here: git fetch --unshallow (fetch-depth: 0 in CI)."
        raise UsageError(f"there is no commit {revision!r} in this repository", hint=hint)
    return found
