"""Lines of a POSIX shell inside another file: `"${NAME:?}"`, which ends the script where the variable is not set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Spot
from secretguard.rotation import Spelling
from secretguard.secret import Secret
from secretguard_languages.literals import HOLE
from secretguard_languages.readings import Reading, reading
from secretguard_languages.syntax import deepest, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

VARIABLE = f"${{{NAME}:?}}"
_WORDS = frozenset(("word", "string", "raw_string", "concatenation"))
_ASSIGNED = re.compile(r"(?:--?)?[A-Za-z_][\w.-]*=")
_RUN = re.compile(r"\$\{[^}]*\}|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|\$[A-Za-z_0-9@*#?!$-]")
_NAME_BEFORE = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=[\"']?$")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command line, as the command gets it."""

    text: str
    places: tuple[int, ...]
    """Where in the script each character is written; one more for the end."""
    quotes: str
    """Of each character what is around it: a quote, or a space for none."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of characters of a script; without a spelling it is a comment, where nobody reads the value."""

    start: int
    end: int
    text: str = ""
    spelling: Spelling | None = None
    names: tuple[str, ...] = ()


def changed(script: str, start: int, end: int, spot: Spot, value: str = VARIABLE) -> Change | str:
    """Return what becomes of the secret at [start, end) of `script`, or why it stays. `value`: what says it there."""
    above = list(upwards(deepest(parsed(script, "bash"), start, end)))
    kinds = [one.kind() for one in above]
    if "comment" in kinds:
        return Change(start, end)
    if "ERROR" in kinds:
        return "the script around it is not understood"
    if "heredoc_body" in kinds:
        return _in_heredoc(script, start, end, spot, above, value)
    if "ansi_c_string" in kinds or "regex" in kinds or "case_item" in kinds[:3]:
        return "the shell puts in no variables there"
    word = _whole_word(above)
    if word is None:
        return "it is no word of a command"
    read = read_word(script, *span(word))
    return _in_word(script, read, start, end, spot, value)


def read_word(script: str, start: int, end: int) -> Word:
    """Return the word that is written at [start, end) of a script, HOLE for what the shell puts in."""
    text, places, quotes = [], [], []
    at, inside = start, ""
    while at < end:
        character = script[at]
        if character in "'\"" and inside in ("", character):
            inside = "" if inside else character
            at += 1
            continue
        found = _RUN.match(script, at, end) if inside != "'" else None
        skipped = character == "\\" and (not inside or (inside == '"' and script[at + 1 : at + 2] in '$`"\\\n'))
        at_end = found.end() if found else at + 1 + skipped
        said = HOLE if found else script[at_end - 1 : at_end]
        text.append(said)
        places.append(at)
        quotes.append(inside or " ")
        at = at_end
    return Word("".join(text), (*places, end), "".join(quotes))


def _in_word(script: str, word: Word, start: int, end: int, spot: Spot, value: str) -> Change | str:
    low = next((at for at, place in enumerate(word.places) if place >= start), 0)
    high = next((at for at, place in enumerate(word.places) if place >= end), len(word.text))
    first = _ASSIGNED.match(word.text)
    skipped = first.end() if first and first.end() <= low else 0
    if skipped and re.search(r"\s\w+=", word.text[skipped:]):
        skipped = 0  # settings of one connection: host=… password=…
    read = reading(word.text[skipped:], low - skipped, high - skipped, spot)
    if isinstance(read, str):
        return read
    if len(set(word.quotes[read.start + skipped : read.end + skipped])) != 1 and not spot.encoding:
        form = "quoted" if read.spelling.form == "uri" else "password"
        read = Reading(low - skipped, high - skipped, Spelling(form, Secret(word.text[low:high])))
    low, high = read.start + skipped, read.end + skipped
    around = set(word.quotes[low:high])
    if len(around) != 1:
        return "several kinds of quotes are around it"
    begin, stop = word.places[low], _end_in(script, word, high)
    names = _NAME_BEFORE.search(script[max(0, begin - 200) : begin])
    return Change(*_quoted(script, begin, stop, around.pop(), value), read.spelling, (names[1],) if names else ())


def _quoted(script: str, start: int, end: int, quote: str, value: str) -> tuple[int, int, str]:
    if quote == '"':
        return start, end, value
    if quote == " ":
        return start, end, f'"{value}"'
    opens, closes = script[start - 1 : start] == "'", script[end : end + 1] == "'"
    return start - opens, end + closes, ("" if opens else "'") + f'"{value}"' + ("" if closes else "'")


def _end_in(script: str, word: Word, high: int) -> int:
    """Return where the character before `high` ends; a quote behind it is no part of it."""
    last = word.places[high - 1]
    return last + 2 if script[last] == "\\" and word.text[high - 1] != "\\" else last + 1


def _in_heredoc(script: str, start: int, end: int, spot: Spot, above: list[SgNode], value: str) -> Change | str:
    redirect = next((one for one in above if one.kind() == "heredoc_redirect"), None)
    begin = next((one for one in redirect.children() if one.kind() == "heredoc_start"), None) if redirect else None
    if begin is None or not re.fullmatch(r"\w+", begin.text()):
        return "a quoted heredoc puts in no variables"
    low, high = script.rfind("\n", 0, start) + 1, script.find("\n", end)
    line = script[low : high if high >= 0 else len(script)]
    text = _RUN.sub(lambda one: HOLE * len(one[0]), line)
    read = reading(text, start - low, end - low, spot)
    if isinstance(read, str):
        return read
    return Change(low + read.start, low + read.end, value, read.spelling)


def _whole_word(above: list[SgNode]) -> SgNode | None:
    """Return the outermost part of one word, below the command or the assignment."""
    word = None
    for one in above:
        if one.kind() in _WORDS:
            word = one
        elif word is not None or one.kind() in ("command_substitution", "program"):
            break
    parent = word.parent() if word is not None else None
    return None if parent is None or parent.kind() == "command_name" else word
