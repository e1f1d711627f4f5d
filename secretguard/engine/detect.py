"""The engine's door: a blob in, its matches out, through every encoding and container.

Nothing behind the door is loaded before something hits: most scans of a commit have no hit at all.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from secretguard.engine.magics import container_kind

if TYPE_CHECKING:
    from secretguard.engine.anchors import EncodedAnchor
    from secretguard.engine.inside import Memo
    from secretguard.engine.precise import Judge
    from secretguard.engine.prefilter import Hits, Prefilter
    from secretguard.model import Blob, Match, Rule

MAX_DEPTH = 4
"""Encodings and containers inside each other; deeper is a stated limit."""


class Detector:
    """One set of rules, compiled as far as it is needed; `prefilter` is None in the oracle."""

    def __init__(self, rules: "Sequence[Rule]", prefilter: "Prefilter | None") -> None:
        self.rules = rules
        self.prefilter = prefilter
        self.memo: Memo | None = {} if prefilter else None
        self._judges: dict[int, Judge] = {}

    def judge(self, number: int) -> "Judge":
        """Return rule `number` compiled for the precise pass; most scans need a handful of the rules."""
        if number not in self._judges:
            from secretguard.engine.precise import compile_judge

            self._judges[number] = compile_judge(self.rules[number])
        return self._judges[number]

    @cached_property
    def anchors(self) -> "tuple[EncodedAnchor, ...]":
        """The encoded forms of the rules' anchors, numbered as the prefilter numbers them."""
        from secretguard.engine.anchors import encoded_anchors

        return encoded_anchors(self.rules)

    def hits(self, data: bytes) -> "Hits | None":
        """Return where to look in `data`; None in the oracle, which looks everywhere."""
        return self.prefilter.scan(data) if self.prefilter else None


class Finding(NamedTuple):
    """What one blob gave: matches, and what of it could not be read."""

    matches: "tuple[Match, ...]"
    problems: tuple[str, ...]
    hit: bool
    """Whether the prefilter hit at all."""


_NOTHING = Finding((), (), hit=False)


def oracle(rules: "Sequence[Rule]") -> Detector:
    """Return a detector without Hyperscan: every rule everywhere. Slow, and the measure of the fast one."""
    return Detector(tuple(rules), None)


def detect(blob: "Blob", detector: Detector, hits: "Hits | None" = None) -> Finding:
    """Find every match in `blob`, whose `hits` may be known already."""
    data = blob.data
    hits = hits or detector.hits(data)
    is_packed = blob.offset == 0 and container_kind(data) != ""
    if hits is not None and not hits and not is_packed:
        return _NOTHING
    from secretguard.engine.inside import matches_in

    found, problems = matches_in(blob, hits, detector, is_packed=is_packed)
    return Finding(found, problems, bool(found) if hits is None else bool(hits))
