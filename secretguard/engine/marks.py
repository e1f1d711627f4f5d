"""Inline allow marks: which credentials a line says it holds on purpose.

Our own mark names ids, so it cannot hide the next secret that somebody puts on the line:

    password = "…"  # secretguard:allow sg_3f9a1c27b04d, sg_0b5e77d1a2c4 reason in your own words

It stands on the line of the match, or alone (comment signs aside) on the line above. The bare marks of other tools
count for their line, as they do there, so that a repository can switch without touching its files.
"""

import re

from secretguard.engine.lazily import compiled

ANY = "*"
"""A foreign bare mark: it hides whatever stands on its line."""
BARE = "?"
"""Our own mark without an id: it hides nothing, and the report says what to write."""
REACH = 4096
"""How far from a match a mark is looked for, so that a line of five megabytes stays cheap."""

_OWN = compiled(rb"secretguard:[ \t]?allow(?![A-Za-z0-9_-])((?:[ \t,]{1,8}sg_[0-9a-f]{12}(?![0-9A-Za-z_-])){0,64})")
_ID = compiled(rb"sg_[0-9a-f]{12}")
_FOREIGN = compiled(
    rb"(?:gitleaks|betterleaks):allow(?![A-Za-z0-9_-])"
    rb"|trufflehog:ignore(?![A-Za-z0-9_-])"
    rb"|pragma: ?(?:allow|white)list[ -]secret"
)
_FOREIGN_NEXT = compiled(rb"pragma: ?allowlist[ -]nextline[ -]secret")
_ALONE = compiled(rb"[^A-Za-z0-9]{0,80}(?:rem[ \t]{1,8})?", re.IGNORECASE)
"""What may stand before a mark that speaks for the next line: comment signs and blanks, no code."""


def marks_on(line: bytes) -> tuple[str, ...]:
    """Return the marks of one line that count for the line itself: ids, ANY, BARE; sorted, each once."""
    if not _may_hold_a_mark(line):
        return ()
    found = {name for mark in _OWN.finditer(line) for name in _names(mark)}
    if _FOREIGN.search(line):
        found.add(ANY)
    return tuple(sorted(found))


def marks_for_next(line: bytes) -> tuple[str, ...]:
    """Return the marks of one line that count for the line below: those that stand alone in a comment."""
    if not _may_hold_a_mark(line):
        return ()
    found: set[str] = set()
    if (mark := _OWN.search(line)) and _ALONE.fullmatch(line, 0, mark.start()):
        found.update(_names(mark))
    if (pragma := _FOREIGN_NEXT.search(line)) and _ALONE.fullmatch(line, 0, pragma.start()):
        found.add(ANY)
    return tuple(sorted(found))


def marks_near(data: bytes, start: int, end: int) -> tuple[str, ...]:
    """Return the marks that count for a match at `start:end`: on its lines, and on the comment line above.

    At most REACH bytes on each side of either edge are looked at.
    """
    low, above_end = _line_begin(data, start)
    high = _line_finish(data, end)
    if high - low <= 4 * REACH:
        windows = [data[low:high]]
    else:  # a match of many lines, or a very long line: both its edges
        windows = [data[low : start + REACH], data[max(low, end - REACH) : high]]
    found = {mark for window in windows for mark in marks_on(window)}
    if above_end is not None:
        above, _ = _line_begin(data, above_end)
        if above == 0 or data[above - 1 : above] == b"\n":  # all of it: what is cut off may be code
            found.update(marks_for_next(data[above:above_end]))
    return tuple(sorted(found))


def _line_begin(data: bytes, at: int) -> tuple[int, int | None]:
    """Return where the text before `at` on its line begins, and where the line above ends, if both are in reach."""
    floor = max(0, at - REACH)
    newline = data.rfind(b"\n", floor, at)
    if newline < 0:
        return floor, None
    return newline + 1, newline


def _line_finish(data: bytes, end: int) -> int:
    # A match that ends with its newline does not reach into the line below.
    last = end - 1 if data[end - 1 : end] == b"\n" else end
    ceiling = min(len(data), last + REACH)
    newline = data.find(b"\n", last, ceiling)
    return ceiling if newline < 0 else newline


def _names(mark: re.Match[bytes]) -> tuple[str, ...]:
    return tuple(name.decode() for name in _ID.findall(mark[1])) or (BARE,)


def _may_hold_a_mark(text: bytes) -> bool:
    # Plain searches are many times faster than the expressions, and nearly every line stops here.
    return b"allow" in text or b"trufflehog:ignore" in text or b"whitelist" in text
