"""Copies of a value that no edit and no rewriter is about: each is named, so that a person takes it out."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from secretguard.rewrite.sightings import Sought
from secretguard.rewriting import Document, ManualItem

_WHY = "the value is part of a longer word there, or encoded together with other text"
_MOST = 50
_GAP = "\1"
"""In the place of what is left out, so that what stands around it is not read as one text."""


def left_over(document: Document, known: Iterable[tuple[int, int]], value: Sought) -> list[ManualItem]:
    """Return an item for each line that holds the value outside the `known` places, in whatever encoding."""
    lines = _without(document.text, known).encode("utf-8", "surrogatepass").split(b"\n")
    found = [*_by_itself(value, lines), *_over_several(value, lines)]
    return [ManualItem(document.path, line, _WHY, "Take the value out by hand.") for line in sorted(found)]


def _without(text: str, known: Iterable[tuple[int, int]]) -> str:
    """Return the text without the known places, on the same lines."""
    pieces, at = [], 0
    for start, end in sorted(known):
        if end > at:
            low = max(start, at)
            pieces += [text[at:low], _GAP, "\n" * text.count("\n", low, end), _GAP]
            at = end
    return "".join((*pieces, text[at:]))


def _by_itself(value: Sought, lines: list[bytes]) -> Iterator[int]:
    """Yield the lines that hold the value, and empty them."""
    if not value.count(b"\n".join(lines)):
        return
    for number, line in enumerate(lines, 1):
        if value.count(line):
            lines[number - 1] = b""
            yield number


def _over_several(value: Sought, lines: list[bytes]) -> Iterator[int]:
    """Yield the first lines of copies that are broken over several, and empty their last."""
    for _ in range(_MOST):
        if not value.count(b"\n".join(lines)):
            return
        last = bisect_left(range(len(lines)), True, key=lambda to: bool(value.count(b"\n".join(lines[: to + 1]))))
        first = bisect_left(
            range(last + 1), True, key=lambda since: not value.count(b"\n".join(lines[since + 1 : last + 1]))
        )
        lines[last] = _GAP.encode()
        yield first + 1
