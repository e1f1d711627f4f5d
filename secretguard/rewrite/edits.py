"""Edits: put into a text, and taken out again."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from secretguard.errors import RewriteError
from secretguard.rewriting import Edit


def ordered(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return edits first to last, the same one once; raises RewriteError if two of them overlap."""
    found = tuple(sorted(dict.fromkeys(edits), key=lambda one: (one.start, one.end)))
    for one, after in pairwise(found):
        if after.start < one.end:
            raise RewriteError("two edits want the same characters")
    return found


def applied(text: str, edits: Sequence[Edit]) -> str:
    """Return `text` after the edits, which are ordered."""
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join((*pieces, text[at:]))


def undoing(text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the edits that lead back to `text`."""
    back, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        back.append(Edit(start, start + len(edit.text), text[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return tuple(back)
