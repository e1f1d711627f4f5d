"""Every way in which the text of a file may write a value: each character as it is, or escaped as any language does.

A password with a quote and a backslash needs two escapes at once, other ones in each language; here every character has
all of its ways, whatever its neighbours have.
"""

import re
from html.entities import codepoint2name
from itertools import groupby

from secretguard.secret import Secret

_DOUBLED = "'\"`$%{}"
"""Characters that some language writes twice to mean one."""
_IN_SHELL = (r"'\''", "'\"'\"'")
"""A quote inside quotes of its own kind."""
_JOINT = r"(?:[\"'`]\s{0,200}[+.&\\]?\s{0,200}[\"'`])?"
"""Between two literals that are one text."""
_AFTER_ESCAPE = re.compile(
    r"(?:(?<!\\)(?:\\\\)*\\(?:[a-zA-Z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[0-7]{1,3})|%[0-9A-Fa-f]{2})\Z"
)
_LONGEST_ESCAPE = 32


def written_as(secret: Secret, *, in_pieces: bool = False) -> re.Pattern[str]:
    """Return what finds the value however it is escaped; `in_pieces`: also as several literals side by side."""
    between = _JOINT if in_pieces else ""
    runs = [(char, len(list(run))) for char, run in groupby(secret.reveal())]
    return re.compile(between.join(_run(char, length, between) for char, length in runs))


def follows_escape(text: str, at: int) -> bool:
    r"""Whether an escape ends at a position: the `n` of `\n` is no letter of the word behind it."""
    return _AFTER_ESCAPE.search(text[max(0, at - _LONGEST_ESCAPE) : at]) is not None


def _run(char: str, length: int, between: str) -> str:
    if char == "\\":
        return rf"(?:\\{{{length},{4 * length}}}|{_times(_coded(char), length, between)})"
    plain = re.escape(char)
    marked = () if char.isalnum() or char.isspace() else (rf"\\{{1,3}}{plain}",)
    shell = tuple(re.escape(one) for one in _IN_SHELL) if char == "'" else ()
    once = _times("|".join((*shell, *marked, _coded(char), plain)), length, between)
    return f"(?:{_times(re.escape(char * 2), length, between)}|{once})" if char in _DOUBLED else once


def _times(ways: str, length: int, between: str) -> str:
    one = f"(?:{ways})"
    return one + (f"(?:{between}{one}){{{length - 1}}}" if length > 1 else "")


def _coded(char: str) -> str:
    """Return how a character is written by its number or its name."""
    point = ord(char)
    number = f"{point:x}"
    ways = [rf"\\{{1,2}}u\{{0{{0,4}}(?i:{number})\}}", rf"&#0{{0,4}}{point};?", rf"&#[xX]0{{0,4}}(?i:{number});?"]
    if point < 0x100:
        ways += [rf"\\{{1,2}}(?:x(?i:{point:02x})|{point:03o})"]
    if point < 0x10000:
        ways += [rf"\\{{1,2}}u(?i:{point:04x})"]
    if not 0xD800 <= point < 0xE000:
        ways += ["".join(f"%(?:25)?(?i:{byte:02x})" for byte in char.encode())]
    elif point >= 0xDC80:
        ways += [f"%(?i:{point - 0xDC00:02x})"]
    if name := ("apos" if char == "'" else codepoint2name.get(point)):
        ways += [f"&(?:amp;)?{name};"]
    return "|".join(ways)
