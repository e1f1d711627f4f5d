"""The lines that an edit changes, and whether a value would stand on one of them: then it would leave as new text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from secretguard.rewrite.edits import applied, undoing
from secretguard.rewrite.sightings import Sought
from secretguard.rewriting import Edit


def more(data: bytes | None, other: bytes | None) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of `data`, with their numbers, that `other` has not, or not so often."""
    there = Counter((other or b"").split(b"\n"))
    for number, line in enumerate((data or b"").split(b"\n"), 1):
        if there[line]:
            there[line] -= 1
        else:
            yield number, line


def place_of_value(value: Sought, before: bytes | None, after: bytes | None) -> str:
    """Return in which added line the value is, in words; empty if in none.

    An ordinary word counts only where it stands more often than before.
    """
    added = [*more(after, before)]
    removed = b"\n".join(line for _, line in more(before, after)) if value.is_word else b""
    if value.count(b"\n".join(line for _, line in added)) > value.count(removed):
        return next((f"in line {number}" for number, line in added if value.count(line)), "over several added lines")
    return ""


def beside_value(text: str, edits: Sequence[Edit], value: Sought) -> list[Edit]:
    """Return those of the `edits`, which are ordered, after which the value still stands on their lines."""
    if value.is_word:
        return []
    after = applied(text, edits)
    found = []
    for edit, back in zip(edits, undoing(text, edits), strict=True):
        low, high = after.rfind("\n", 0, back.start) + 1, after.find("\n", back.end)
        line = after[low : high if high >= 0 else len(after)]
        if value.count(line.encode("utf-8", "surrogatepass")):
            found.append(edit)
    return found
