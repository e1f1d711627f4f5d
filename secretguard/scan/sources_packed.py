"""Source: everything the object database of a repository holds, read from its packs by ourselves.

`HistorySource` reads the same through git: the measure of this one, and what reads the objects that this one cannot.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from secretguard.engine.detect import Detector, Finding, detect
from secretguard.git.objects import read_objects
from secretguard.git.packs import PackError
from secretguard.git.refs import read_tips
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore, open_store
from secretguard.model import Blob, Location, Problem
from secretguard.scan.history_matches import ChangedError, Identity
from secretguard.scan.history_places import HistoryPlaces
from secretguard.scan.history_reading import Reading, read_history
from secretguard.scan.history_state import History, HistoryFile
from secretguard.scan.history_sweep import Size
from secretguard.scan.progress import Sweeping
from secretguard.scan.sources_history import HistorySource, scannable
from secretguard.scan.sources_places import or_problem


@dataclass(slots=True)
class PackedHistory:
    """All blobs, commit messages and tag messages, whether a ref leads to them or not."""

    repository: Repository
    store: ObjectStore
    name: str = "Reading history"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    volume: int = 0
    """Bytes of all objects together."""
    bytes_matched: int = 0
    """Of those with a hit."""
    judging: float = 0.0
    """Seconds that the precise pass took."""
    pointers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """LFS object -> the blobs that stand for it in the history."""
    _file: HistoryFile | None = None
    """Where this repository is remembered; None where it is not."""
    _reading: Reading | None = None
    _places: HistoryPlaces | None = None
    _jobs: int = 0
    _clean: dict[str, Size] = field(default_factory=dict)
    """Objects that only git can read, and that hold nothing."""
    _unread: set[str] = field(default_factory=set)
    _by_git: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Commits and tags that only git can read: type and content."""

    def size(self) -> tuple[int, int]:
        """Return zeros: the sweep counts by itself."""
        return 0, 0

    def blobs(self) -> Iterator[Blob]:
        """Yield each content, as git reads it; `sweep` needs none of this."""
        return HistorySource(self.repository).blobs()

    def sweep(self, sweeping: Sweeping) -> Iterator[tuple[Blob, Finding]]:
        """Yield each object that holds something, with what it holds."""
        self._jobs = sweeping.jobs
        if sweeping.use_cache:
            self._file = HistoryFile(self.repository, sweeping.rules_digest)
        remembered = self._file.load() if self._file else None
        try:
            reading = read_history(self.store, remembered or History(), sweeping)
        except ChangedError:  # the objects are not what they were: nothing that is remembered counts
            reading = read_history(self.store, History(), sweeping)
        self._reading = reading
        for name in sorted(reading.findings):
            yield Blob(name, b""), reading.findings[name]
        for one in reading.swept:
            self.objects += one.objects
            self.volume += one.bytes
            self.bytes_matched += one.bytes_matched
            for oid, raw_id in one.pointers:
                self.pointers[oid].append(raw_id.hex())
        self.problems += map(_not_seen, self.store.unindexed)
        self.judging = reading.judging
        yield from self._read_by_git(reading, sweeping.detector)

    def has(self, blob: str) -> bool:
        """Whether this blob was looked at."""
        return blob not in self._unread and self.store.holds(blob)

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return where the objects with these ids live, and note what is missing; ids of other sources are passed over.

        What is missing is not looked for by `sweep`: other processes can make ids meanwhile.
        """
        if self._reading is None:
            return {}
        if self._places is None:
            tips = list(or_problem(partial(read_tips, self.repository), "refs", self.problems))
            self._places = HistoryPlaces(
                self.repository, self.store, self._reading, self._by_git, tips, self.problems, self._jobs
            )
            self._places.check()
        mine = [name for name in ids if self.store.holds(name)]
        return self._places.locate(mine) if mine else {}

    def known_ids(self) -> Mapping[Identity, str]:
        """Return the ids of credentials that an earlier scan computed."""
        return self._reading.known_ids() if self._reading else {}

    def remember(self, ids: Mapping[Identity, str]) -> None:
        """Keep for the next scan what this one learnt; `ids` are those of credentials that cost time."""
        reading, places = self._reading, self._places
        if self._file is None or reading is None or places is None or not reading.is_sound:
            return
        before, is_settled = reading.history, reading.division.is_settled
        if before.located and not is_settled and not reading.division.lost:
            return  # in a moment it can be; what is remembered is worth more
        if reading.alike.occur_in(limit for one in reading.findings.values() for limit in one.problems):
            return
        learnt = reading.learnt(ids, self._clean, places.located() if is_settled else None)
        division = reading.division
        is_old = division.is_all_known and not division.renewed and learnt.located is before.located
        if not (is_old and learnt.ids == before.ids and learnt.by_git == before.by_git):
            self._file.save(learnt)

    def _read_by_git(self, reading: Reading, detector: Detector) -> Iterator[tuple[Blob, Finding]]:
        """Read what is damaged or large; git says what is wrong with it, or streams it."""
        self._clean = reading.clean()
        self._unread = reading.failed - self._clean.keys()
        problems_before = len(self.problems)
        read: dict[str, Size] = {}
        holding: set[str] = set()
        names = sorted(self._unread)
        contents = partial(read_objects, self.repository, names, self.problems)
        for info, blob in or_problem(contents, "objects", self.problems) if names else ():
            self._unread.discard(info.id)
            if info.type == "tree":
                read[info.id] = Size()
                continue
            read[info.id] = Size(1, read.get(info.id, Size()).bytes + len(blob.data))
            text = scannable(info, blob)
            finding = detect(text, detector)
            if info.type != "blob" or finding.matches or finding.problems:
                holding.add(info.id)
            if info.type != "blob" and blob.offset == 0:
                self._by_git[info.id] = info.type, blob.data
            yield text, finding
        self.skipped += len(self._unread)
        for size in (*read.values(), *self._clean.values()):
            self.objects += size.objects
            self.volume += size.bytes
        if len(self.problems) == problems_before:
            self._clean |= {name: size for name, size in read.items() if name not in holding}


def _not_seen(pack: Path) -> Problem:
    what = "a pack without an index: what it holds was not looked at, and git does not see it either"
    return Problem(pack.name, what, "`git index-pack` on it makes the index; or delete it, if it is left over.")


def history_source(repository: Repository, reader: str = "packs") -> PackedHistory | HistorySource:
    """Return what reads the history of `repository`: git itself, where `reader` says so or its store is unusual."""
    if reader == "packs":
        with suppress(PackError, OSError):
            return PackedHistory(repository, open_store(repository))
    return HistorySource(repository)
