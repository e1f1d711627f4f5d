"""The sweep over all that an object store holds, shared out over processes.

Workers read packs, match and judge; they hand back which objects hold something, where in them, and which matches are
alike, never what: the parent reads one object for each kind of match again (`scan.history_matches`).
"""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from secretguard.engine.clean_lines import CleanLines
from secretguard.engine.detect import Detector, Finding, detect
from secretguard.engine.magics import MAGICS, container_kind
from secretguard.engine.prefilter import Ends, Prefilter
from secretguard.engine.sweep import sweep
from secretguard.git.commit_graph import CommitTable
from secretguard.git.families import BLOB, COMMIT, TAG, TREE, cut_evenly
from secretguard.git.history import parse_tag, written_text
from secretguard.git.loose import LooseObjects
from secretguard.git.packs import Pack
from secretguard.git.store import ObjectStore
from secretguard.git.walk import Rebuilt
from secretguard.model import Blob, Match, Rule
from secretguard.scan.history_matches import Candidate, ChangedError, Span, Trace, span_of, traces_of
from secretguard.scan.history_watch import Watch
from secretguard.scan.progress import Progress
from secretguard.workers import in_parallel, processors

_TASKS_A_JOB = 16
_PIECES = 4
"""Pieces of a task; the last tasks are shared out piece by piece."""
_ENDLESS = 1 << 60
_SMALL = 2 << 20
"""Stored bytes that one process reads sooner than others are started."""
_ENTRY = 512
"""What an object costs beside its bytes, in bytes."""
_NEAR = 256
"""Bytes around a match in which its rule's hit stands."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_LIMIT = 1024
_BEGINNINGS = bytes({magic[0] for magic, _ in MAGICS} | {_POINTER[0]})

_RawId = bytes


class Stretch(NamedTuple):
    """Some objects of one part of the store, one after the other: what a worker takes at a time."""

    part: int
    start: int
    stop: int
    bytes: int
    """As stored, and something for each object."""


class Scope(NamedTuple):
    """What is swept, and for what."""

    store: ObjectStore
    elsewhere: Sequence[bytearray]
    """For each part a flag for each entry: somebody else counts the object."""
    detector: Detector
    prefilter: Prefilter
    clean: CleanLines
    """What is known to hold nothing; each process learns by itself."""
    key: bytes
    """Of the digests of matches."""


class Size(NamedTuple):
    """What an object, or many, count for in the report."""

    objects: int = 0
    bytes: int = 0
    matched: int = 0
    """Bytes of those with a hit."""


@dataclass(slots=True)
class Swept:
    """What some objects gave. They go by their raw ids."""

    commits: CommitTable
    candidates: list[Candidate] = field(default_factory=list)
    pointers: list[tuple[str, bytes]] = field(default_factory=list)
    """LFS object, and the blob that stands for it."""
    tags: list[tuple[_RawId, str]] = field(default_factory=list)
    """Each tag with what it points at."""
    loose_trees: list[bytes] = field(default_factory=list)
    """What they hold."""
    failed: list[bytes] = field(default_factory=list)
    """What git has to read: it is damaged, or large."""
    loose: dict[bytes, Size] = field(default_factory=dict)
    """Each loose object, and what it counts for."""
    objects: int = 0
    bytes: int = 0
    bytes_matched: int = 0
    judging: float = 0.0
    """Seconds in the precise pass, of all workers together."""

    def add(self, other: "Swept") -> None:
        """Take in what other objects gave."""
        self.commits.extend(other.commits)
        self.candidates += other.candidates
        self.pointers += other.pointers
        self.tags += other.tags
        self.loose_trees += other.loose_trees
        self.failed += other.failed
        self.loose |= other.loose
        self.objects += other.objects
        self.bytes += other.bytes
        self.bytes_matched += other.bytes_matched
        self.judging += other.judging

    def only(self, wanted: "Collection[_RawId]") -> "Swept":
        """Return what those objects gave that are `wanted`, and count none."""
        return Swept(
            self.commits.only(wanted),
            [one for one in self.candidates if one.id in wanted],
            [one for one in self.pointers if one[1] in wanted],
            [one for one in self.tags if one[0] in wanted],
            [],
            [one for one in self.failed if one in wanted],
            {raw_id: size for raw_id, size in self.loose.items() if raw_id in wanted},
        )


def sweep_store(scope: Scope, jobs: int, progress: Progress) -> list[Swept]:
    """Sweep everything but trees, and return what each part gave. Raises WorkerError."""
    store = scope.store
    jobs = jobs or processors()
    stretches = _stretches(store, jobs)
    total = sum(one.bytes for one in stretches)
    progress.phase("Reading history", total)
    store.repeated  # noqa: B018 - made before the workers are, so that they share it
    swept = [Swept(CommitTable(store.id_size)) for _ in store.parts]
    for stretch, one in in_parallel(partial(_sweep_stretch, scope), stretches, jobs if total > _SMALL else 1):
        one.judging /= min(jobs, len(stretches))
        swept[stretch.part].add(one)
        progress.advance(stretch.bytes, stretch.stop - stretch.start)
    for part, pack in enumerate(store.packs):
        swept[part].failed += map(pack.id_of, pack.bad_entries())
    return swept


def judged_again(
    store: ObjectStore, detector: Detector, candidate: Candidate, traces: Sequence[Trace]
) -> Sequence[Match]:
    """Read a candidate again, and return the matches behind some of its traces. Raises ChangedError."""
    found = store.read(candidate.id)
    if found is None:
        raise ChangedError
    text, spans = _text(candidate.id, found[1], found[0]), [span for _, span in traces]
    if candidate.ends and detector.prefilter:
        near = [(end, owner) for end, owner in candidate.ends if any(_is_near(end, span) for span in spans)]
        hits = detector.prefilter.by_owner(near)._replace(matched=frozenset(span[:2] for span in spans))
        matches = detect(text, detector, hits).matches
        if [*map(span_of, matches)] == spans:
            return matches
    matches = detect(text, detector).matches
    if [*map(span_of, matches)] != [span for _, span in candidate.traces]:
        raise ChangedError
    wanted = {*traces}
    return [match for match, trace in zip(matches, candidate.traces, strict=True) if trace in wanted]


def judged(store: ObjectStore, detector: Detector, raw_id: bytes) -> Finding | None:
    """Read an object and judge it; None if it cannot be read."""
    found = store.read(raw_id)
    return None if found is None else detect(_text(raw_id, found[1], found[0]), detector)


def _stretches(store: ObjectStore, jobs: int) -> list[Stretch]:
    """Cut the store into stretches of about the same cost, some for each job, and the last of them again.

    So whoever is done first waits less for the others.
    """
    total = sum(cost for number in range(len(store.parts)) for *_, cost in _cut(store, number, _ENDLESS))
    least = max(total // (jobs * _TASKS_A_JOB * _PIECES), 1)
    pieces = [Stretch(number, *piece) for number in range(len(store.parts)) for piece in _cut(store, number, least)]
    last = len(pieces) - _PIECES * jobs
    stretches: list[Stretch] = []
    for number, piece in enumerate(pieces):
        if number % _PIECES and number < last and stretches[-1].part == piece.part:
            before = stretches[-1]
            stretches[-1] = Stretch(piece.part, before.start, piece.stop, before.bytes + piece.bytes)
        else:
            stretches.append(piece)
    return stretches


def _cut(store: ObjectStore, number: int, least: int) -> list[tuple[int, int, int]]:
    """Cut a part into pieces of at least this cost: the start, end and cost of each."""
    part = store.parts[number]
    if isinstance(part, Pack):
        entries = part.entries
        return cut_evenly(entries.order, entries.content, entries.sizes, _ENTRY, least)
    each = 8 * _ENTRY
    size = -(-least // each)
    ends = ((start, min(start + size, len(part))) for start in range(0, len(part), size))
    return [(start, stop, (stop - start) * each) for start, stop in ends]


def _sweep_stretch(scope: Scope, stretch: Stretch) -> tuple[Stretch, Swept]:
    store = scope.store
    part = store.parts[stretch.part]
    failed_before = len(part.failed)
    swept = Swept(CommitTable(store.id_size))
    kinds = part.entries.kinds if isinstance(part, Pack) else part.kinds
    repeated, elsewhere = store.repeated[stretch.part], scope.elsewhere[stretch.part]
    objects = store.objects(stretch.part, stretch.start, stretch.stop)
    if not isinstance(part, Pack):
        objects = _loose_contents(part, objects, repeated, elsewhere, swept)

    def tell(entry: int, kind: int, data: bytes | bytearray) -> None:
        _note(scope, part.id_of(entry), kind, data, swept, is_new=not elsewhere[entry])

    watch = Watch(objects, kinds, repeated, elsewhere, _BEGINNINGS, tell)
    for entry, data, ends in sweep(watch, scope.prefilter, scope.clean):
        if repeated[entry]:
            continue
        raw_id, kind = part.id_of(entry), kinds[entry]
        if not elsewhere[entry]:
            swept.bytes_matched += len(data)
            if raw_id in swept.loose:
                swept.loose[raw_id] = Size(1, len(data), len(data))
        if kind == BLOB and container_kind(data):
            continue  # looked into as a whole
        # Of a commit or tag only a part is text, in another order: its hits are somewhere else.
        _judge(scope, raw_id, data, kind, ends if kind == BLOB else None, swept)
    swept.objects += watch.objects
    swept.bytes += watch.bytes
    failed = [*map(part.id_of, part.failed[failed_before:])]
    swept.failed += failed
    if not isinstance(part, Pack):
        swept.loose.update(dict.fromkeys(failed, Size()))
    return stretch, swept


def _loose_contents(
    part: LooseObjects, objects: Iterable[Rebuilt], repeated: bytearray, elsewhere: bytearray, swept: Swept
) -> Iterator[Rebuilt]:
    """Pass on the loose objects that are no trees, and note what there is to know of each."""
    for one in objects:
        entry, data = one.entry, one.data
        is_tree = part.kinds[entry] == TREE
        counts = not (is_tree or repeated[entry] or elsewhere[entry])
        swept.loose[part.id_of(entry)] = Size(1, len(data)) if counts else Size()
        if is_tree:
            swept.loose_trees.append(bytes(data))
        else:
            yield one


def _note(scope: Scope, raw_id: bytes, kind: int, data: bytes | bytearray, swept: Swept, *, is_new: bool) -> None:
    """Note what matters of an object beside its lines."""
    if kind != BLOB:
        if is_new:
            _note_structure(raw_id, kind, data, swept)
    elif data.startswith(_POINTER) and len(data) < _POINTER_LIMIT:
        swept.pointers += ((oid, raw_id) for oid in _pointed_at(data))
    elif container_kind(data):
        _judge(scope, raw_id, bytes(data), kind, None, swept)


def _note_structure(raw_id: bytes, kind: int, data: bytes | bytearray, swept: Swept) -> None:
    if kind == COMMIT:
        swept.commits.add(raw_id, data)
    elif kind == TAG:
        swept.tags.append((raw_id, parse_tag("", bytes(data)).object))


def _judge(scope: Scope, raw_id: bytes, data: bytes, kind: int, ends: Ends | None, swept: Swept) -> None:
    started = time.perf_counter()
    finding = detect(_text(raw_id, data, kind), scope.detector, scope.prefilter.by_owner(ends) if ends else None)
    swept.judging += time.perf_counter() - started
    if finding.matches or finding.problems:
        traces = traces_of(finding.matches, scope.key)
        behind = _behind(finding.matches, ends or (), scope.detector.rules)
        swept.candidates.append(Candidate(raw_id, kind, traces, finding.problems, tuple(behind)))


def _behind(matches: Sequence[Match], ends: Iterable[tuple[int, int]], rules: Sequence[Rule]) -> Ends:
    """Return the hits near the matches of their rules: enough to find these again, mostly."""
    if any(match.encoding or match.inner is not None for match in matches):
        return []  # something was decoded or unpacked
    matched = {match.rule.id for match in matches}
    spans = [span_of(match) for match in matches]
    hits = ((end, owner) for end, owner in ends if owner < len(rules) and rules[owner].id in matched)
    return [(end, owner) for end, owner in hits if any(_is_near(end, span) for span in spans)]


def _is_near(end: int, span: Span) -> bool:
    return span[0] - _NEAR <= end <= span[1] + _NEAR


def _pointed_at(data: bytes | bytearray) -> Iterator[str]:
    for line in data.split(b"\n"):
        if line.startswith(b"oid sha256:"):
            yield line[11:].decode("ascii", "replace").strip()


def _text(raw_id: bytes, data: bytes, kind: int) -> Blob:
    """Return what people wrote in an object, under its id."""
    return Blob(raw_id.hex(), data if kind == BLOB else written_text(data))
