"""Our reader of packs against git's own: the same credentials at the same places, or this says which differ."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import seconds, table
from secretguard.config import load_config
from secretguard.model import Occurrence, Report
from secretguard.scan.run import ScanRequest, scan

HELP = "compare what our reader of packs finds with what git's own reading finds; exit 1 if it differs"
HEAD = ("repository", "objects", "credentials", "occurrences", "ignored", "ours", "git's", "result")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What both found in one repository."""

    row: tuple[str, ...]
    differences: tuple[str, ...]


class Silence:
    """Nobody watches."""

    def phase(self, name: str, total: int) -> None:
        pass

    def advance(self, amount: int, objects: int = 0) -> None:
        pass


def run(repositories: Sequence[Path], *, markdown: bool) -> int:
    """Print the comparison and return the exit code."""
    verdicts = [compare(one) for one in repositories]
    print(table(HEAD, [one.row for one in verdicts], markdown=markdown))
    for one in verdicts:
        for difference in one.differences:
            print(f"{one.row[0]}: {difference}")
    return int(any(one.differences for one in verdicts))


def compare(repository: Path) -> Verdict:
    """Scan the history of one repository with both readers, without any state."""
    ours, our_time = _scanned(repository, "packs")
    theirs, their_time = _scanned(repository, "git")
    differences = tuple(_differences(ours, theirs))
    places = sum(len(one.occurrences) for one in ours.credentials)
    row = (
        repository.name, f"{ours.stats.objects:,}", str(len(ours.credentials)), f"{places:,}", str(len(ours.ignored)),
        seconds(our_time), seconds(their_time), "differs" if differences else "the same",
    )  # fmt: skip
    return Verdict(row, differences)


def _scanned(repository: Path, reader: str) -> tuple[Report, float]:
    request = ScanRequest(load_config(None, {}), str(repository), "history", use_cache=False, reader=reader)
    started = time.monotonic()
    return scan(request, Silence()), time.monotonic() - started


def _differences(ours: Report, theirs: Report) -> Iterator[str]:
    mine = {one.id: set(map(_place, one.occurrences)) for one in ours.credentials}
    other = {one.id: set(map(_place, one.occurrences)) for one in theirs.credentials}
    for name in sorted(mine.keys() | other.keys()):
        if mine.get(name) != other.get(name):
            missed = len(other.get(name, set()) - mine.get(name, set()))
            more = len(mine.get(name, set()) - other.get(name, set()))
            yield f"{name}: {missed} places only git's reading has, {more} only ours"
    hidden = [{(one.id, one.reason, one.occurrences) for one in report.ignored} for report in (ours, theirs)]
    if hidden[0] != hidden[1]:
        yield f"{len(hidden[0] ^ hidden[1])} ignored credentials differ"
    if ours.stats.objects != theirs.stats.objects:
        yield f"{ours.stats.objects:,} objects against {theirs.stats.objects:,}"


def _place(one: Occurrence) -> tuple[object, ...]:
    match, at = one.match, one.location
    span = (match.rule.id, match.start, match.end, match.line, match.column, match.inner)
    return (*span, at.source, at.path, at.blob, at.commit, at.at_head, at.ref)
