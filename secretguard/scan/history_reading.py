"""What the objects of a store hold: what is known from an earlier scan, and a sweep over the rest."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from secretguard.engine.clean_lines import CleanLines
from secretguard.engine.detect import Detector, Finding
from secretguard.git.store import ObjectStore
from secretguard.scan.history_known import Division, divide
from secretguard.scan.history_matches import Alike, Candidate, ChangedError, Identity
from secretguard.scan.history_state import History, Located
from secretguard.scan.history_sweep import Scope, Size, Swept, judged, judged_again, sweep_store
from secretguard.scan.progress import Sweeping


@dataclass(frozen=True, slots=True)
class Reading:
    """The objects of a store, read."""

    history: History
    """What was remembered."""
    division: Division
    new: Sequence[Swept]
    """What each part gave that was not known."""
    elsewhere: Sequence[bytearray]
    alike: Alike
    findings: Mapping[str, Finding]
    """What each object holds, by name."""
    judging: float
    """Seconds that the precise pass took."""
    is_sound: bool
    """Whether all held the same when it was read again."""

    @property
    def swept(self) -> list[Swept]:
        """What all parts gave, known and new."""
        return [*(one.swept for one in self.division.packs), self.division.loose_swept, *self.new]

    @property
    def failed(self) -> set[str]:
        """The objects that git has to read."""
        return {raw_id.hex() for one in self.swept for raw_id in one.failed}

    def clean(self) -> dict[str, Size]:
        """Return those that git read before and that hold nothing."""
        new = {raw_id for one in self.new for raw_id in one.failed}
        known = {raw_id for one in self.swept for raw_id in one.failed} - new
        return {raw_id.hex(): size for raw_id, size in self.history.by_git.items() if raw_id in known}

    def known_ids(self) -> dict[Identity, str]:
        """Return the ids of credentials that are remembered."""
        return {
            identity: name
            for number, name in enumerate(self.history.ids)
            if name and (identity := self.alike.identity(number))
        }

    def learnt(self, ids: Mapping[Identity, str], clean: Mapping[str, Size], located: Located | None) -> History:
        """Return what there is to remember; `ids` are those of credentials, `clean` is what git read."""
        packs, loose, loose_swept = self.division.learnt(self.new, self.elsewhere)
        for one in (*(pack.swept for pack in packs), loose_swept):
            one.candidates = [self.alike.numbered(candidate) for candidate in one.candidates]
        if located is not None and self.alike.occur_in(located.texts()):
            located = None
        whose = (self.alike.identity(number) for number in range(self.alike.kinds))
        names = [ids.get(identity, "") if identity else "" for identity in whose]
        by_git = {bytes.fromhex(name): size for name, size in clean.items()}
        return History(packs, loose, loose_swept, by_git, names, located)


def read_history(store: ObjectStore, history: History, sweeping: Sweeping) -> Reading:
    """Read all objects of `store` but trees. Raises WorkerError, and ChangedError where `history` is not true."""
    detector, prefilter = sweeping.detector, sweeping.detector.prefilter
    if prefilter is None:
        raise ValueError("the sweep needs a prefilter")
    key = os.urandom(16)
    division, alike = divide(store, history), Alike(key, len(history.ids))
    started = time.perf_counter()
    known = _by_id([*(one.swept for one in division.packs), division.loose_swept])
    alike.learn(known.values(), partial(judged_again, division.known, detector))
    judging = time.perf_counter() - started
    findings = {name.hex(): alike.finding(one) for name, one in known.items()}
    elsewhere = division.elsewhere()
    swept = sweep_store(
        Scope(division.new, elsewhere, detector, prefilter, CleanLines(), key), sweeping.jobs, sweeping.progress
    )
    started = time.perf_counter()
    fresh = _by_id(swept)
    is_sound = True
    try:
        alike.learn(fresh.values(), partial(judged_again, division.new, detector))
        findings |= {name.hex(): alike.finding(one) for name, one in fresh.items()}
    except ChangedError:  # while we read it: each has to be read as it is now
        is_sound = False
        findings |= _one_by_one(fresh.values(), swept[0], division.new, detector)
    judging += time.perf_counter() - started + sum(one.judging for one in swept)
    return Reading(history, division, swept, elsewhere, alike, findings, judging, is_sound)


def _by_id(swept: Iterable[Swept]) -> dict[bytes, Candidate]:
    return {one.id: one for part in swept for one in part.candidates}


def _one_by_one(
    candidates: Iterable[Candidate], swept: Swept, store: ObjectStore, detector: Detector
) -> dict[str, Finding]:
    """Judge each candidate as it is now; what cannot be read any more is left to git."""
    found = {}
    for one in candidates:
        finding = judged(store, detector, one.id)
        if finding is None:
            swept.failed.append(one.id)
        else:
            found[one.id.hex()] = finding
    return found
