"""Source: everything the object database of a repository holds, read from its packs by ourselves.

`HistorySource` reads the same through git: the measure of this one, and what reads the objects that this one cannot.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from secretguard.engine.detect import Detector, Finding, detect
from secretguard.git.additions import Addition
from secretguard.git.history import Links, Tag, links_of, parents_of, parse_tag, tree_of
from secretguard.git.objects import read_objects
from secretguard.git.packs import PackError
from secretguard.git.refs import Tip, read_tips
from secretguard.git.repository import Repository
from secretguard.git.store import ObjectStore, open_store
from secretguard.git.tree_walk import find_additions_in
from secretguard.model import Blob, Location, Problem
from secretguard.scan.connections import connection_problems
from secretguard.scan.history_sweep import Swept, findings, sweep_store
from secretguard.scan.progress import Sweeping
from secretguard.scan.sources_history import HistorySource, scannable
from secretguard.scan.sources_places import Ancestry, locate_objects, or_problem


@dataclass(slots=True)
class PackedHistory:
    """All blobs, commit messages and tag messages, whether a ref leads to them or not."""

    repository: Repository
    store: ObjectStore
    name: str = "Reading history"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    pointers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """LFS object -> the blobs that stand for it in the history."""
    swept: Swept = field(default_factory=Swept)
    _unread: set[str] = field(default_factory=set)
    _by_git: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Commits and tags that only git can read: type and content."""
    _bytes_by_git: int = 0
    _jobs: int = 0
    _tips: list[Tip] | None = None
    _links: dict[str, Links] | None = None

    @property
    def volume(self) -> int:
        """Of all objects together."""
        return self.swept.bytes + self._bytes_by_git

    @property
    def bytes_matched(self) -> int:
        """Of those with a hit."""
        return self.swept.bytes_matched

    @property
    def judging(self) -> float:
        """Seconds that the precise pass took."""
        return self.swept.judging

    def size(self) -> tuple[int, int]:
        """Return zeros: the sweep counts by itself."""
        return 0, 0

    def blobs(self) -> Iterator[Blob]:
        """Yield each content, as git reads it; `sweep` needs none of this."""
        return HistorySource(self.repository).blobs()

    def sweep(self, sweeping: Sweeping) -> Iterator[tuple[Blob, Finding]]:
        """Yield each object that holds something, with what it holds."""
        detector, jobs, progress = sweeping.detector, sweeping.jobs, sweeping.progress
        self._jobs = jobs
        prefilter = detector.prefilter
        if prefilter is None:
            raise ValueError("the sweep needs a prefilter")
        self.swept = swept = sweep_store(self.store, detector, prefilter, jobs, progress)
        self.objects += swept.objects
        for oid, at in swept.pointers:
            self.pointers[oid].append(self.store.name(at))
        yield from findings(self.store, swept.candidates, detector, prefilter)
        yield from self._read_by_git(detector)
        self.problems += connection_problems(
            self.repository, self.store, self._commits(), self._read_tips(), self.swept.loose_trees
        )

    def has(self, blob: str) -> bool:
        """Whether this blob was looked at."""
        return self.store.holds(blob) and blob not in self._unread

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return where the objects with these ids live; ids of other sources are passed over."""
        mine = set(filter(self.store.holds, ids))
        if not mine:
            return {}
        ancestry = Ancestry(
            self.repository, _Parents(self._commits()), self._additions, self._tags(), self._read_tips(), self.problems
        )
        return locate_objects(ancestry, mine)

    def _additions(self, blobs: Collection[str]) -> Iterator[Addition]:
        commits = self._commits()
        usable: Collection[str] = commits.keys()
        if self.repository.partial:
            usable = {name for name, (tree, _) in commits.items() if self.store.holds(tree)}
        if len(usable) < len(commits) or self.repository.shallow:
            commits = {
                name: (tree, tuple(one for one in parents if one in usable))
                for name, (tree, parents) in commits.items()
                if name in usable
            }
        return find_additions_in(self.repository, self.store, commits, blobs, self.problems, self._jobs)

    def _read_by_git(self, detector: Detector) -> Iterator[tuple[Blob, Finding]]:
        """Read what is damaged or large; git says what is wrong with it, or streams it."""
        unread = {self.store.name(at) for at in self.swept.failed}
        self._unread = set(unread)
        read = partial(read_objects, self.repository, sorted(unread), self.problems)
        for info, blob in or_problem(read, "objects", self.problems):
            self._unread.discard(info.id)
            if info.type == "tree":
                continue
            self.objects += blob.offset == 0
            self._bytes_by_git += len(blob.data)
            if info.type != "blob" and blob.offset == 0:
                self._by_git[info.id] = info.type, blob.data
            text = scannable(info, blob)
            yield text, detect(text, detector)
        self.skipped += len(self._unread)

    def _commits(self) -> dict[str, Links]:
        """Return each commit with its tree and parents."""
        if self._links is None:
            self._links = {self.store.name(at): links_of(head) for at, head in self.swept.commits}
            for name, (kind, data) in self._by_git.items():
                if kind == "commit":
                    self._links[name] = tree_of(data), parents_of(data)
        return self._links

    def _tags(self) -> dict[str, Tag]:
        found = {}
        for at in self.swept.tags:
            if content := self.store.read(self.store.raw_id(at)):
                found[self.store.name(at)] = parse_tag(self.store.name(at), content[1])
        found.update((name, parse_tag(name, data)) for name, (kind, data) in self._by_git.items() if kind == "tag")
        return found

    def _read_tips(self) -> list[Tip]:
        if self._tips is None:
            self._tips = list(or_problem(partial(read_tips, self.repository), "refs", self.problems))
        return self._tips


class _Parents(Mapping[str, tuple[str, ...]]):
    """The parents of each commit, seen in its links."""

    def __init__(self, links: Mapping[str, Links]) -> None:
        self._links = links

    def __getitem__(self, commit: str) -> tuple[str, ...]:
        return self._links[commit][1]

    def __contains__(self, commit: object) -> bool:
        return commit in self._links

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)


def history_source(repository: Repository, reader: str = "packs") -> PackedHistory | HistorySource:
    """Return what reads the history of `repository`: git itself, where `reader` says so or its store is unusual."""
    if reader == "packs":
        with suppress(PackError, OSError):
            return PackedHistory(repository, open_store(repository))
    return HistorySource(repository)
