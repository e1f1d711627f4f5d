"""One scan: sources -> blobs -> matches -> places -> credentials -> report."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from secretguard.config import Config
from secretguard.engine.detect import Finding, detect
from secretguard.git.trees import contents_at
from secretguard.model import Blob, Match, Occurrence, Problem, Report, Stats
from secretguard.scan.cache import compiled_rules
from secretguard.scan.change import Change
from secretguard.scan.credentials import group
from secretguard.scan.foreign import prefiltered
from secretguard.scan.ignore import READ_FILES, apply_ignores, load_ignores
from secretguard.scan.progress import Progress, Sweeping
from secretguard.scan.sources import Opened, Remembering, SelfSweeping, Source, sources_for
from secretguard.scan.timings import Timings

if TYPE_CHECKING:
    from secretguard.scan.identity import Said


class ScanRequest(NamedTuple):
    """What to scan and how."""

    config: Config
    target: str = "."
    """A path or a clone URL."""
    mode: str = "tree"
    """tree, history, staged, since or stdin."""
    since: str = ""
    include_ignored: bool = False
    use_cache: bool = True
    baseline: Path | None = None
    jobs: int = 0
    """Processes that read history, and threads that derive ids; 0: as many as there are processors."""
    reader: str = "packs"
    """Who reads history: we (`packs`), or `git`, the measure of the other."""
    rule_files: tuple[Path, ...] = ()
    without_plugins: frozenset[str] = frozenset()
    stdin: BinaryIO | None = None


class Sweep:
    """What the pass over all blobs gathers."""

    def __init__(self) -> None:
        self.matches: dict[str, list[Match]] = defaultdict(list)
        self.limits: dict[str, list[str]] = defaultdict(list)
        """What of a blob, an archive say, was not read."""
        self.seen: set[str] = set()
        self.others: list[Callable[[str], bool]] = []
        """Whether a source that keeps its own account has looked at a blob."""
        self.judging = 0.0
        """Seconds of the sweep that went into the precise pass."""
        self.blobs = 0
        self.bytes = 0
        self.bytes_matched = 0


def scan(request: ScanRequest, progress: Progress) -> Report:
    """Carry out `request`. Raises SecretguardError where nothing can be scanned; lesser trouble is in the report."""
    started = time.monotonic()
    timings = Timings()
    with sources_for(
        request.target,
        request.mode,
        since=request.since,
        include_ignored=request.include_ignored,
        stdin=request.stdin,
        reader=request.reader,
    ) as opened:
        change = _change(opened, request.mode)
        ignores = load_ignores(
            request.config,
            Path(opened.root) if opened.root else None,
            request.baseline,
            content=change.after if change and request.mode == "staged" else None,
        )
        foreign, refused = prefiltered(ignores.foreign.rules)
        compiled = compiled_rules(request.without_plugins, request.rule_files, foreign)
        timings.lap("start-up")
        sweep = Sweep()
        sweeping = Sweeping(compiled.detector, compiled.digest, progress, request.jobs, request.use_cache)
        for source in opened.sources:
            _sweep(source, sweeping, sweep)
        timings.lap("sweep")
        timings.move("sweep", "precise pass", sweep.judging)
        progress.phase("Finding where they live", 0)
        remembering = [source for source in opened.sources if isinstance(source, Remembering)]
        ids = {identity: name for source in remembering for identity, name in source.known_ids().items()}
        coming = _begin_ids(sweep, request.jobs, ids)
        found, names = _locate(opened.sources, sweep)
        timings.lap("attribution")
        progress.phase("Grouping", 0)
        ids.update(coming)
        outcome = apply_ignores(group(found, request.jobs, ids), ignores, change)
        unread = _unread(sweep, names)
        for source in remembering:
            source.remember(ids)
        timings.lap("ids")
        timings.write()
        problems = [*opened.problems, *(p for source in opened.sources for p in source.problems), *unread]
        return Report(
            path=opened.path,
            head=opened.head,
            mode=request.mode,
            rules=len(compiled.detector.rules),
            rules_digest=compiled.digest,
            stats=Stats(
                objects=sum(source.objects for source in opened.sources),
                blobs=sweep.blobs,
                bytes=sweep.bytes,
                bytes_matched=sweep.bytes_matched,
                skipped=sum(source.skipped for source in opened.sources) + sum(map(len, sweep.limits.values())),
                seconds=round(time.monotonic() - started, 3),
            ),
            credentials=outcome.kept,
            ignored=outcome.ignored,
            problems=tuple(problems),
            notes=(*outcome.notes, *refused),
        )


def _sweep(source: Source, sweeping: Sweeping, sweep: Sweep) -> None:
    """Match every blob of `source` that no source before it had."""
    if isinstance(source, SelfSweeping):
        for blob, finding in source.sweep(sweeping):
            _keep(blob, finding, sweep)
        sweep.blobs += source.objects
        sweep.bytes += source.volume
        sweep.bytes_matched += source.bytes_matched
        sweep.judging += source.judging
        sweep.others.append(source.has)
        return
    sweeping.progress.phase(source.name, source.size()[1])
    mine: set[str] = set()
    for blob in source.blobs():
        sweeping.progress.advance(len(blob.data))
        if blob.id in sweep.seen or any(has(blob.id) for has in sweep.others):
            continue
        mine.add(blob.id)
        sweep.blobs += blob.offset == 0
        sweep.bytes += len(blob.data)
        finding = detect(blob, sweeping.detector)
        sweep.bytes_matched += len(blob.data) if finding.hit else 0
        _keep(blob, finding, sweep)
    sweep.seen |= mine


def _keep(blob: Blob, finding: Finding, sweep: Sweep) -> None:
    if finding.problems:
        sweep.limits[blob.id].extend(finding.problems)
    if finding.matches:
        # Windows of one large blob overlap.
        known = {(m.rule.id, m.inner, m.start, m.end) for m in sweep.matches[blob.id]}
        fresh = [m for m in finding.matches if (m.rule.id, m.inner, m.start, m.end) not in known]
        sweep.matches[blob.id].extend(fresh)


def _begin_ids(sweep: Sweep, jobs: int, known: Mapping["Said", str]) -> "Iterator[tuple[Said, str]]":
    """Begin with the ids of what was found, which takes no longer then than finding where it lives."""
    matches = [match for found in sweep.matches.values() for match in found]
    if not matches:
        return iter(())
    from secretguard.scan.credentials import identities
    from secretguard.scan.identity import begin_ids

    return begin_ids(identities(matches), jobs, known)


def _locate(sources: Sequence[Source], sweep: Sweep) -> tuple[list[Occurrence], dict[str, str]]:
    """Join places to matches, for blobs with matches or limits only; of these return one path each too."""
    wanted = {blob for blob, matches in sweep.matches.items() if matches} | sweep.limits.keys()
    found: list[Occurrence] = []
    names: dict[str, str] = {}
    for source in sources:
        for blob, locations in source.locate(wanted).items():
            found.extend(Occurrence(match, at) for at in locations for match in sweep.matches.get(blob, ()))
            if blob in sweep.limits:
                names.setdefault(blob, next((at.path for at in locations if at.path), blob))
    return found, names


def _unread(sweep: Sweep, names: Mapping[str, str]) -> list[Problem]:
    """Return a note for each file of which something was left out at a stated limit; `names` are their paths."""
    notes = []
    for blob, limits in sweep.limits.items():
        more = f" (and {len(limits) - 1} more such members)" if len(limits) > 1 else ""
        what, hint = limits[0] + more, "Unpack it and scan the directory, if it matters."
        notes.append(Problem(names.get(blob, blob), what, hint, is_note=True))
    return notes


def _change(opened: Opened, mode: str) -> Change | None:
    """Return the two ends of the change that is scanned: HEAD and the index, or the base and the tip of a range."""
    repository = opened.repository
    if repository is None or mode not in ("staged", "since"):
        return None
    before, after = (opened.head, None) if mode == "staged" else (opened.base, opened.tip)

    # Without a commit before it (an unborn branch), everything is added.
    old = (lambda _: None) if before is None else contents_at(repository, before)
    return Change(old, contents_at(repository, after, together=READ_FILES))
