"""The sweep over all that an object store holds, shared out over processes.

Workers read packs, match and judge; they hand back which objects hold something, and where in them to look, never what.
The parent reads those few objects again.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from secretguard.engine.detect import Detector, Finding, detect
from secretguard.engine.magics import container_kind
from secretguard.engine.prefilter import Ends, Prefilter
from secretguard.engine.sweep import sweep
from secretguard.git.families import BAD, BLOB, COMMIT, TAG, TREE
from secretguard.git.history import head_of, written_text
from secretguard.git.packs import Pack, Rebuilt, with_bases
from secretguard.git.store import Found, ObjectStore
from secretguard.model import Blob
from secretguard.scan.progress import Progress
from secretguard.workers import in_parallel, processors

_TASKS_A_JOB = 16
_SMALL = 2 << 20
"""Stored bytes that one process reads sooner than others are started."""
_ENTRY = 512
"""What an object costs beside its bytes, in bytes."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_LIMIT = 1024


class Stretch(NamedTuple):
    """Some objects of one part of the store, one after the other: what a worker takes at a time."""

    part: int
    start: int
    stop: int
    bytes: int
    """As stored, and something for each object."""


class Candidate(NamedTuple):
    """An object that holds something, and the hits that led there."""

    at: Found
    kind: int
    ends: Ends


@dataclass(slots=True)
class Swept:
    """What one stretch, or all of them, gave."""

    candidates: list[Candidate] = field(default_factory=list)
    pointers: list[tuple[str, Found]] = field(default_factory=list)
    """LFS object, and the blob that stands for it."""
    commits: list[tuple[Found, bytes]] = field(default_factory=list)
    """Each commit with the lines that name its tree and parents."""
    tags: list[Found] = field(default_factory=list)
    loose_trees: list[bytes] = field(default_factory=list)
    failed: list[Found] = field(default_factory=list)
    """What git has to read: it is damaged, or large."""
    objects: int = 0
    bytes: int = 0
    bytes_matched: int = 0
    judging: float = 0.0
    """Seconds in the precise pass, of all workers together."""

    def add(self, other: "Swept") -> None:
        """Take in what another stretch gave."""
        self.candidates += other.candidates
        self.pointers += other.pointers
        self.commits += other.commits
        self.tags += other.tags
        self.loose_trees += other.loose_trees
        self.failed += other.failed
        self.objects += other.objects
        self.bytes += other.bytes
        self.bytes_matched += other.bytes_matched
        self.judging += other.judging


def sweep_store(store: ObjectStore, detector: Detector, prefilter: Prefilter, jobs: int, progress: Progress) -> Swept:
    """Sweep everything but trees. Raises WorkerError."""
    jobs = jobs or processors()
    stretches = _stretches(store, jobs)
    total = sum(one.bytes for one in stretches)
    progress.phase("Reading history", total)
    store.repeated  # noqa: B018 - made before the workers are, so that they share it
    swept = Swept()
    work = partial(_sweep_stretch, store, detector, prefilter)
    for stretch, one in in_parallel(work, stretches, jobs if total > _SMALL else 1):
        swept.add(one)
        progress.advance(stretch.bytes)
    swept.judging /= min(jobs, len(stretches)) or 1
    for part, pack in enumerate(store.packs):
        swept.failed += (Found(part, entry) for entry, kind in enumerate(pack.entries.kinds) if kind == BAD)
    return swept


def findings(
    store: ObjectStore, candidates: Sequence[Candidate], detector: Detector, prefilter: Prefilter
) -> Iterator[tuple[Blob, Finding]]:
    """Read the candidates again and yield what is in them."""
    by_part: dict[int, dict[int, Candidate]] = {}
    for one in candidates:
        by_part.setdefault(one.at.part, {})[one.at.entry] = one
    for part, wanted in by_part.items():
        for found in _read_again(store, part, wanted):
            if candidate := wanted.get(found.entry):
                blob = _text(store, candidate.at, bytes(found.data), candidate.kind)
                yield blob, _judged(blob, candidate.kind, candidate.ends, detector, prefilter)


def _read_again(store: ObjectStore, part: int, wanted: Mapping[int, Candidate]) -> Iterator[Rebuilt]:
    one = store.parts[part]
    if isinstance(one, Pack):
        yield from store.objects(part, 0, one.entries.content, with_bases(one.entries, wanted))
    else:
        for entry in sorted(wanted):
            yield from store.objects(part, entry, entry + 1)


def _stretches(store: ObjectStore, jobs: int) -> list[Stretch]:
    """Cut the store into stretches of about the same cost, some for each job."""
    costs: list[list[int]] = []
    for part in store.parts:
        if isinstance(part, Pack):
            entries = part.entries
            sizes = map(entries.sizes.__getitem__, entries.order[: entries.content])
            costs.append([*accumulate((size + _ENTRY for size in sizes), initial=0)])
        else:
            costs.append([*range(0, (len(part) + 1) * 8 * _ENTRY, 8 * _ENTRY)])
    least = max(sum(cost[-1] for cost in costs) // (jobs * _TASKS_A_JOB), 1)
    stretches = []
    for number, cost in enumerate(costs):
        start = 0
        while start < len(cost) - 1:
            stop = min(max(bisect_left(cost, cost[start] + least), start + 1), len(cost) - 1)
            stretches.append(Stretch(number, start, stop, cost[stop] - cost[start]))
            start = stop
    return stretches


def _sweep_stretch(
    store: ObjectStore, detector: Detector, prefilter: Prefilter, stretch: Stretch
) -> tuple[Stretch, Swept]:
    part = store.parts[stretch.part]
    failed_before = len(part.failed)
    swept = Swept()
    kinds = part.entries.kinds if isinstance(part, Pack) else part.kinds
    repeated = store.repeated[stretch.part]
    for entry, data, ends in sweep(_watched(store, stretch, kinds, swept, detector), prefilter):
        if repeated[entry]:
            continue
        at, kind = Found(stretch.part, entry), kinds[entry]
        swept.bytes_matched += len(data)
        if kind == BLOB and container_kind(data):
            continue  # looked into as a whole
        started = time.perf_counter()
        finding = _judged(_text(store, at, data, kind), kind, ends, detector, prefilter)
        swept.judging += time.perf_counter() - started
        if finding.matches or finding.problems:
            swept.candidates.append(Candidate(at, kind, ends))
    swept.failed += (Found(stretch.part, entry) for entry in part.failed[failed_before:])
    return stretch, swept


def _watched(
    store: ObjectStore, stretch: Stretch, kinds: bytearray, swept: Swept, detector: Detector
) -> Iterator[Rebuilt]:
    """Pass the objects on, and note what matters of them beside their lines."""
    part = stretch.part
    repeated = store.repeated[part]
    for one in store.objects(part, stretch.start, stretch.stop):
        entry, data = one.entry, one.data
        kind = kinds[entry]
        if kind == TREE:
            if part >= len(store.packs):
                swept.loose_trees.append(bytes(data))
            continue
        yield one
        if repeated[entry]:
            continue
        at = Found(part, entry)
        swept.objects += 1
        swept.bytes += len(data)
        if kind == COMMIT:
            swept.commits.append((at, bytes(head_of(data))))
        elif kind == TAG:
            swept.tags.append(at)
        elif data.startswith(_POINTER) and len(data) < _POINTER_LIMIT:
            swept.pointers += ((oid, at) for oid in _pointed_at(data))
        elif container_kind(data):
            finding = detect(_text(store, at, bytes(data), kind), detector)
            if finding.matches or finding.problems:
                swept.candidates.append(Candidate(at, kind, []))


def _pointed_at(data: bytes | bytearray) -> Iterator[str]:
    for line in data.split(b"\n"):
        if line.startswith(b"oid sha256:"):
            yield line[11:].decode("ascii", "replace").strip()


def _text(store: ObjectStore, at: Found, data: bytes, kind: int) -> Blob:
    """Return what people wrote in an object, under its id."""
    return Blob(store.parts[at.part].id_of(at.entry).hex(), data if kind == BLOB else written_text(data))


def _judged(blob: Blob, kind: int, ends: Ends, detector: Detector, prefilter: Prefilter) -> Finding:
    # Of a commit or tag only a part is text, in another order: its hits are somewhere else.
    return detect(blob, detector, prefilter.by_owner(ends) if kind == BLOB and ends else None)
