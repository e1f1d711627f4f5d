"""A comparison: everybody checked once, then A B C A B C …, every single run kept."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench, Contender, call
from benchmarks.peers import Mode
from benchmarks.planted import planted_repository
from benchmarks.process import Memory, Run, measure

Facts = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one contender."""

    contender: Contender
    runs: tuple[Run, ...]
    memory: Memory | None = None

    @property
    def finished(self) -> tuple[Run, ...]:
        """The runs that came to their end."""
        return tuple(run for run in self.runs if run.finished)

    @property
    def wall(self) -> float | None:
        """The median wall time, None if a run did not come to its end."""
        return median(run.wall for run in self.runs) if self._whole else None

    @property
    def cpu(self) -> float | None:
        """The median processor time, None if a run did not come to its end."""
        return median(run.cpu for run in self.runs) if self._whole else None

    @property
    def _whole(self) -> bool:
        return bool(self.runs) and len(self.finished) == len(self.runs)

    @property
    def steps(self) -> dict[str, float]:
        """secretguard's own account of its time: the median of each step."""
        names = dict.fromkeys(name for run in self.finished for name in run.timings)
        return {name: median(run.timings.get(name, 0.0) for run in self.finished) for name in names}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several contenders on one target."""

    subject: str
    mode: Mode
    results: tuple[Result, ...]
    facts: Facts = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def fastest(self, kind: str) -> Result | None:
        """Return the quickest of one kind; of ours, the first, which is the one the comparison is about."""
        mine = [one for one in self.results if one.contender.kind == kind and one.wall is not None]
        if kind == "ours":
            return mine[0] if mine and mine[0] is self.results[0] else None
        return min(mine, key=lambda one: one.wall or 0.0, default=None)


def compare(
    bench: Bench,
    subject: str,
    mode: Mode,
    target: Path,
    contenders: Iterable[Contender],
    facts: Facts | None = None,
    notes: Sequence[str] = (),
) -> Comparison:
    """Check that each contender finds a planted key, read the target's files once, then measure in turn."""
    sound, refused = _that_scan(bench, mode, contenders)
    read_once(target)
    runs: dict[str, list[Run]] = {one.name: [] for one in sound}
    for number in range(bench.rounds):
        for one in sound:
            # Whoever does not come to an end once is not asked again.
            if (number and one.once) or any(not run.finished for run in runs[one.name]):
                continue
            runs[one.name].append(_run(bench, one, target, watch_memory=False))
            _say(f"{subject}: {one.name} {number + 1}/{bench.rounds}: {runs[one.name][-1].wall:.2f} s")
    memory = {}
    for one in sound if bench.memory else ():
        if all(run.finished for run in runs[one.name]):
            memory[one.name] = _run(bench, one, target, watch_memory=True).memory
            _say(f"{subject}: {one.name}: memory")
    results = tuple(Result(one, tuple(runs[one.name]), memory.get(one.name)) for one in sound)
    return Comparison(subject, mode, results, facts or {}, (*notes, *refused))


def prepare(bench: Bench, one: Contender, target: Path) -> None:
    """Let a contender scan the target once, so that it knows it."""
    _say(f"{target.name}: {one.name}, first scan")
    _run(bench, one, target)


def _that_scan(bench: Bench, mode: Mode, contenders: Iterable[Contender]) -> tuple[list[Contender], list[str]]:
    """Return those that find a planted key, and a sentence about each of the rest; it also warms their rule caches."""
    planted = planted_repository(bench.folder("planted"))
    sound: list[Contender] = []
    refused = []
    for one in contenders:
        tried = _run(bench, replace(one, before=_leave), planted) if one.count else None
        if tried is None or (tried.finished and tried.findings):
            sound.append(one)
        else:
            refused.append(
                f"{one.name} is left out: it found {tried.findings or 'nothing'} in a repository with a planted key"
                f" ({mode}), exit code {tried.exit_code}. {_last_words(bench)}".rstrip()
            )
    return sound, refused


def _last_words(bench: Bench) -> str:
    """Return the end of what the last run complained about; it has seen the planted repository only."""
    last = " ".join((bench.scratch / "stderr").read_text("utf-8", "replace").split()[-40:])
    return "".join(character for character in last if character.isprintable())


def _leave(cache: Path) -> None:
    """Leave the state as it is."""


def _run(bench: Bench, one: Contender, target: Path, *, watch_memory: bool = False) -> Run:
    report, timings = bench.scratch / "report.json", bench.scratch / "timings.json"
    one.before(one.cache)
    for left in (report, timings):
        left.unlink(missing_ok=True)
    run = measure(
        call(one, target, report), bench.environment(one), bench.scratch, bench.timeout, watch_memory=watch_memory
    )
    findings = one.count(_read(report)) if one.count and report.exists() else None
    # Some reports hold what was found.
    report.unlink(missing_ok=True)
    return replace(
        run,
        finished=not run.timed_out and run.exit_code in one.codes and (one.count is None or findings is not None),
        findings=findings,
        timings=_read(timings) if one.kind == "ours" and timings.exists() else {},
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def read_once(folder: Path) -> None:
    """Read every file, so that nobody waits for the disk."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
