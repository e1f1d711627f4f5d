"""Prefilter hits of all objects of a pack, from the lines that each version changes.

A prefilter expression matches within one line and at most `REACH` bytes wide, so whether it matches somewhere depends
on that line and so many bytes only. Where a version copies them from its base, it inherits the base's hits, moved; the
other lines of many versions stand together in one text and go through Hyperscan in one call. Each stands behind a line
feed, for which some expressions look (UTF-16); so an object's first line may have a hit more than it has by itself.
Theorem (a), tests/properties/test_sweep.py: the hits are those of every object scanned as a whole.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from secretguard.engine.clean_lines import CleanLines
from secretguard.engine.fresh_lines import FreshLines
from secretguard.engine.prefilter import Ends, Prefilter
from secretguard.git.delta import copied_ends, parse_with_room
from secretguard.git.walk import Rebuilt
from secretguard.rules import PREFILTER_WIDTH

REACH = PREFILTER_WIDTH + 1
_MOST_KEPT = 1 << 18
"""Hits that are kept for the objects built on theirs: more are in no honest family, and matched again."""


@dataclass(slots=True)
class _Inheritance:
    """The hits of the objects that the next may be built on, by depth; those without hits are left out."""

    known: list[tuple[int, Ends]] = field(default_factory=list)
    kept: int = 0
    forgotten: int = 0
    """Below this depth nothing is known any more."""

    def __bool__(self) -> bool:
        return bool(self.known or self.forgotten)

    def of_base(self, depth: int) -> Ends | None:
        """Return the hits of the base of the next object, which has this depth; None if they were forgotten."""
        while self.known and self.known[-1][0] >= depth:
            self.kept -= len(self.known.pop()[1])
        self.forgotten = min(self.forgotten, depth)
        if 0 < depth == self.forgotten:
            return None
        return self.known[-1][1] if self.known and self.known[-1][0] == depth - 1 else []

    def add(self, depth: int, ends: Ends) -> None:
        """Keep the hits of an object."""
        self.known.append((depth, ends))
        self.kept += len(ends)
        while self.kept > _MOST_KEPT and len(self.known) > 1:
            lost, ends = self.known.pop(0)
            self.kept -= len(ends)
            self.forgotten = lost + 1


def sweep(
    objects: Iterator[Rebuilt], prefilter: Prefilter, clean: CleanLines | None = None
) -> Iterator[tuple[int, bytes, Ends]]:
    """Yield (entry, data, hits) of every object with a hit; `objects` come as a `Walk` yields them.

    Lines that are `clean` are not matched again; more become so.
    """
    lines = FreshLines(REACH, clean or CleanLines())
    inheritance = _Inheritance()
    more = True
    while more:
        more = lines.take(iter(objects))
        yield from _matched(lines, prefilter, inheritance)
        lines.clear()


def _matched(lines: FreshLines, prefilter: Prefilter, inheritance: _Inheritance) -> Iterator[tuple[int, bytes, Ends]]:
    """Match the text and share out the hits."""
    hits = prefilter.ends(lines.matched()) if lines.run_count else []
    lines.learn(sorted({end for end, _ in hits}))
    fresh = lines.shared_out(hits) if hits else {}
    if not (fresh or inheritance or lines.alone):
        return
    for number, one in enumerate(lines.objects):
        inherited = inheritance.of_base(one.depth) if inheritance else []
        if inherited is None or number in lines.alone:
            own = prefilter.ends(one.data)
        else:
            own = fresh.get(number, [])
            if inherited:
                own = _with_inherited(one.delta, lines.fresh_ends(number), own, inherited)
        if own:
            inheritance.add(one.depth, own)
            yield one.entry, bytes(one.data), own


def _with_inherited(delta: bytes, fresh: "array[int]", own: Ends, inherited: Ends) -> Ends:
    """Add the base's hits that stand in copied text and do not end where hits are fresh."""
    ordered = sorted(inherited)
    pairs = iter(copied_ends(*parse_with_room(delta), array("q", [end for end, _ in ordered]), fresh))
    moved = {(at, ordered[number][1]) for number, at in zip(pairs, pairs, strict=True)}
    return sorted(moved.union(own))
