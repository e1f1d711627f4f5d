"""What a blob with a hit holds: its own text, texts decoded from it, members of the archive that it is.

Decoders and archive readers are loaded for the blobs that need them.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from secretguard.engine.detect import MAX_DEPTH, Detector
from secretguard.engine.magics import container_kind
from secretguard.engine.matches import View, most_specific, placed, to_match
from secretguard.engine.precise import Judge, horizon, judge_region, regions
from secretguard.engine.prefilter import Hits, Prefilter
from secretguard.engine.text import is_in_mid_line
from secretguard.model import Blob, Match

if TYPE_CHECKING:
    from secretguard.engine.anchors import EncodedAnchor
    from secretguard.engine.decode import Piece


_MEMO_SIZE = 20_000


class Known(NamedTuple):
    """What a region held where it was judged, and where that was."""

    matches: tuple[Match, ...]
    place: int
    """Offset of the region in its blob."""
    lines: int
    """Lines before it."""


_NOTHING = Known((), 0, 0)
Memo = dict[tuple[str, int, bytes], Known]
"""Judged regions: (rule, how much is seen before the region, digest of all that a judgement can depend on)."""


def matches_in(
    blob: Blob, hits: Hits | None, detector: Detector, *, is_packed: bool
) -> tuple[tuple[Match, ...], tuple[str, ...]]:
    """Return every match in `blob`, and what of it could not be read."""
    problems: list[str] = []
    found = [*_in_text(View(blob, blob.data), hits, detector)]
    if is_packed:
        found = _innermost(found, [*_in_container(View(blob, blob.data, inner=""), detector, problems)])
    return tuple(most_specific(found)) if found else (), tuple(problems)


def _in_text(view: View, hits: Hits | None, detector: Detector) -> Iterator[Match]:
    data = view.data
    for number in range(len(detector.rules)) if hits is None else sorted(hits.rules):
        judge = detector.judge(number)
        for low, high in regions(data, judge, None if hits is None else hits.rules[number]):
            if hits is not None and hits.matched is not None:
                known = judge_region(judge, data, low, high, hits.matched)
                yield from (to_match(judge, parts, view) for parts in known)
            elif detector.memo is None or view.encoding or view.inner is not None or is_in_mid_line(data, low):
                yield from (to_match(judge, parts, view) for parts in judge_region(judge, data, low, high))
            else:
                yield from _known_or_judged(judge, view, low, high, detector.memo)
    if view.depth >= MAX_DEPTH:
        return
    anchored = _anchor_ends(data, detector.anchors) if hits is None else hits.encoded
    if not anchored:
        return
    from secretguard.engine.decode import pieces_of

    pieces = [*pieces_of(data, detector.anchors, anchored)]
    for piece in pieces if detector.prefilter is None else _with_hits(pieces, detector.prefilter):
        decoded = replace(view, data=piece.data, encoding=(*view.encoding, piece.encoding), depth=view.depth + 1)
        for match in _in_text(decoded, detector.hits(piece.data), detector):
            yield placed(match, view, piece.start, piece.end)


def _known_or_judged(judge: Judge, view: View, low: int, high: int, memo: Memo) -> Iterator[Match]:
    """Judge a region unless the same one was judged before, in another version of the file say."""
    data = view.data
    begin, end = horizon(judge, data, low, high)
    key = (judge.rule.id, low - begin, blake2b(data[begin:end], digest_size=16).digest())
    known = memo.get(key)
    if known is None:
        if len(memo) >= _MEMO_SIZE:
            memo.clear()
        found = tuple(to_match(judge, parts, view) for parts in judge_region(judge, data, low, high))
        memo[key] = Known(found, *_place(view, low)) if found else _NOTHING
        return iter(found)
    if not known.matches:
        return iter(())
    place, lines = _place(view, low)
    by, down = place - known.place, lines - known.lines
    return (
        match._replace(
            blob=view.blob.id,
            start=match.start + by,
            end=match.end + by,
            line=match.line + down,
            end_line=match.end_line + down,
        )
        for match in known.matches
    )


def _place(view: View, at: int) -> tuple[int, int]:
    """Return the offset in its blob of what stands at `at`, and the number of lines before that."""
    return view.blob.offset + at, view.blob.line - 1 + view.data.count(b"\n", 0, at)


def _with_hits(pieces: "Sequence[Piece]", prefilter: Prefilter) -> "Iterator[Piece]":
    """Yield the pieces in which something hits: a prefilter looks at lines, so all can go through it together."""
    starts = [0, *accumulate(len(piece.data) + 1 for piece in pieces)]
    ends = prefilter.ends(b"\n".join(piece.data for piece in pieces))
    for number in sorted({bisect_left(starts, end) - 1 for end, _ in ends}):
        yield pieces[number]


def _in_container(view: View, detector: Detector, problems: list[str]) -> Iterator[Match]:
    """Look into every member of the archive that `view` holds; `view.inner` is the archive's own path."""
    from secretguard.engine.containers import members

    for member in members(view.data):
        name = "!/".join(part for part in (view.inner, member.name) if part)
        if member.problem:
            problems.append(f"{name}: {member.problem}" if name else member.problem)
            continue
        inside = replace(view, data=member.data, inner=name)
        outer = [*_in_text(inside, detector.hits(member.data), detector)]
        if not container_kind(member.data):
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


def _anchor_ends(data: bytes, anchors: "Sequence[EncodedAnchor]") -> dict[int, list[int]]:
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
