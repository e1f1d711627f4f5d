"""The engine's door: a blob in, its matches out, through every encoding and container."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from secretguard.engine.anchors import EncodedAnchor, encoded_anchors
from secretguard.engine.containers import is_container, members
from secretguard.engine.decode import decoded_pieces, wide_pieces
from secretguard.engine.matches import View, most_specific, placed, to_match
from secretguard.engine.precise import Judge, Memo, compile_judge, judge_text
from secretguard.engine.prefilter import Hits, Prefilter
from secretguard.model import Blob, Match, Rule

MAX_DEPTH = 4
"""Encodings and containers inside each other; deeper is a stated limit."""


class Detector:
    """One set of rules, compiled as far as it is needed; `prefilter` is None in the oracle."""

    def __init__(self, rules: Sequence[Rule], prefilter: Prefilter | None) -> None:
        self.rules = tuple(rules)
        self.prefilter = prefilter
        self.memo: Memo | None = {} if prefilter else None
        self._judges: dict[int, Judge] = {}

    def judge(self, number: int) -> Judge:
        """Return rule `number` compiled for the precise pass; most scans need a handful of the rules."""
        if number not in self._judges:
            self._judges[number] = compile_judge(self.rules[number])
        return self._judges[number]

    @cached_property
    def anchors(self) -> tuple[EncodedAnchor, ...]:
        """The encoded forms of the rules' anchors, numbered as the prefilter numbers them."""
        return encoded_anchors(self.rules)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one blob gave: matches, and what of it could not be read."""

    matches: tuple[Match, ...]
    problems: tuple[str, ...]
    hit: bool
    """Whether the prefilter hit at all."""


def oracle(rules: Sequence[Rule]) -> Detector:
    """Return a detector without Hyperscan: every rule everywhere. Slow, and the measure of the fast one."""
    return Detector(rules, None)


def detect(blob: Blob, detector: Detector) -> Finding:
    """Find every match in `blob`."""
    problems: list[str] = []
    hits = _hits(blob.data, detector)
    found = [*_in_text(View(blob, blob.data), hits, detector)]
    if blob.offset == 0 and is_container(blob.data):
        found = _innermost(found, [*_in_container(View(blob, blob.data, inner=""), detector, problems)])
    hit = bool(found) if hits is None else bool(hits)
    return Finding(tuple(most_specific(found)) if found else (), tuple(problems), hit)


def _hits(data: bytes, detector: Detector) -> Hits | None:
    return detector.prefilter.scan(data) if detector.prefilter else None


def _in_text(view: View, hits: Hits | None, detector: Detector) -> Iterator[Match]:
    data = view.data
    numbers = range(len(detector.rules)) if hits is None else sorted(hits.rules)
    judges = ((detector.judge(number), None if hits is None else hits.rules[number]) for number in numbers)
    for judge, parts in judge_text(data, judges, detector.memo):
        yield to_match(judge, parts, view)
    if view.depth >= MAX_DEPTH:
        return
    anchored = _anchor_ends(data, detector.anchors) if hits is None else hits.encoded
    pieces = decoded_pieces(data, detector.anchors, anchored) if anchored else ()
    for piece in (*pieces, *wide_pieces(data)):
        decoded = replace(view, data=piece.data, encoding=(*view.encoding, piece.encoding), depth=view.depth + 1)
        for match in _in_text(decoded, _hits(piece.data, detector), detector):
            yield placed(match, view, piece.start, piece.end)


def _in_container(view: View, detector: Detector, problems: list[str]) -> Iterator[Match]:
    """Look into every member of the archive that `view` holds; `view.inner` is the archive's own path."""
    for member in members(view.data):
        name = "!/".join(part for part in (view.inner, member.name) if part)
        if member.problem:
            problems.append(f"{name}: {member.problem}" if name else member.problem)
            continue
        inside = replace(view, data=member.data, inner=name)
        outer = [*_in_text(inside, _hits(member.data, detector), detector)]
        if not is_container(member.data):
            yield from outer
        elif view.depth + 1 < MAX_DEPTH:
            deeper = [*_in_container(replace(inside, depth=view.depth + 1), detector, problems)]
            yield from _innermost(outer, deeper)
        else:
            yield from outer
            problems.append(f"{name}: archives nested deeper than {MAX_DEPTH} were not opened")


def _innermost(outer: list[Match], inner: list[Match]) -> list[Match]:
    """Leave out what the members tell better: in a tar or a stored zip they can be read from outside too."""
    return [one for one in outer if not any(one.secret.same_as(other.secret) for other in inner)] + inner


def _anchor_ends(data: bytes, anchors: Sequence[EncodedAnchor]) -> dict[int, list[int]]:
    """Find the encoded anchors without Hyperscan."""
    found: dict[int, list[int]] = {}
    for number, anchor in enumerate(anchors):
        if anchor.literal and not anchor.caseless:
            at = data.find(anchor.literal)
            while at >= 0:
                found.setdefault(number, []).append(at + len(anchor.literal))
                at = data.find(anchor.literal, at + 1)
            continue
        flags = re.MULTILINE | (re.IGNORECASE if anchor.caseless else 0)
        if ends := [match.end() for match in re.compile(anchor.expression, flags).finditer(data)]:
            found[number] = ends
    return found
