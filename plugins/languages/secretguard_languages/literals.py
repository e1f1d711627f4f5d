"""String literals: what a program gets, and at which character of the file each of its characters is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

HOLE = "\ufffc"
"""Stands for what is put in at run time."""
_ESCAPE = re.compile(
    r"\\(?:u\{(?P<braced>[0-9a-fA-F]{1,6})\}|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})"
    r"|x(?P<two>[0-9a-fA-F]{2})|(?P<octal>[0-7]{1,3})|(?P<line>\r?\n[ \t]*)|(?P<one>.))",
    re.DOTALL,
)
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}


class Quote(NamedTuple):
    """How a literal begins and ends, and what a backslash means in it."""

    opening: str
    closing: str
    is_raw: bool = False
    """Whether a backslash is a character like any other."""
    interpolates: bool = False
    """Whether an expression can stand in it."""
    escapable: str = ""
    """The only characters that a backslash changes, where it does not change all: `$` and others in a shell."""
    doubled: str = ""
    """A character that is written twice: `''` in SQL."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One literal, or several that are joined to one text."""

    start: int
    end: int
    text: str
    """What the program gets, HOLE for each part that is put in at run time."""
    places: tuple[int, ...]
    """Where each character of `text` is written; one more for the end."""
    quote: Quote
    parts: tuple[Literal, ...] = ()

    @property
    def body(self) -> tuple[int, int]:
        """The characters between the quotes."""
        return self.start + len(self.quote.opening), self.end - len(self.quote.closing)

    def inside(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of `text` that are written at [start, end) of the file."""
        last = len(self.text)
        low = next((at for at in range(last) if self.places[at + 1] > start), last)
        high = next((at for at in range(last, low, -1) if self.places[at - 1] < end), low)
        return low, high


def read_literal(source: str, start: int, end: int, quote: Quote, holes: Iterable[tuple[int, int]] = ()) -> Literal:
    """Return the literal that is written at [start, end) of `source`."""
    low, high = start + len(quote.opening), end - len(quote.closing)
    characters, places, at = [], [], low
    for hole_start, hole_end in sorted(one for one in holes if low <= one[0] and one[1] <= high):
        for character, place in _read(source, at, hole_start, quote):
            characters.append(character)
            places.append(place)
        characters.append(HOLE)
        places.append(hole_start)
        at = hole_end
    for character, place in _read(source, at, high, quote):
        characters.append(character)
        places.append(place)
    return Literal(start, end, "".join(characters), (*places, high), quote)


def joined(start: int, end: int, parts: Iterable[Literal | None]) -> Literal:
    """Return the text of parts one behind the other; None is one that is not known before the program runs."""
    text, places, known = "", [], []
    for part in parts:
        if part is None:
            text += HOLE
            places.append(known[-1].places[-1] if known else start)
            continue
        text += part.text
        places += part.places[:-1]
        known.append(part)
    return Literal(start, end, text, (*places, end), known[0].quote, tuple(known))


def _read(source: str, start: int, end: int, quote: Quote) -> Iterator[tuple[str, int]]:
    at = start
    while at < end:
        character = source[at]
        if quote.doubled and character == quote.doubled and source[at + 1 : at + 2] == character:
            yield character, at
            at += 2
        elif character == "\\" and quote.escapable:
            escapes = source[at + 1 : at + 2] in quote.escapable and at + 1 < end
            yield source[at + escapes], at
            at += 1 + escapes
        elif character == "\\" and not quote.is_raw and (found := _ESCAPE.match(source, at, end)):
            for one in _unescaped(found):
                yield one, at
            at = found.end()
        else:
            yield character, at
            at += 1


def _unescaped(found: re.Match[str]) -> str:
    if digits := found["braced"] or found["four"] or found["eight"] or found["two"]:
        number = int(digits, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if found["octal"]:
        return chr(int(found["octal"], 8))
    return "" if found["line"] else _NAMED.get(found["one"], found["one"])
