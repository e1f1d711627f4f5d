"""Files of settings: who reads one, and what becomes of a value in it.

A program that puts in variables of the environment gets one; all others leave the value to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from secretguard.rewriting import NAME, Document, Lookup, ManualItem, Site, Spot
from secretguard_languages.code import manual, names_before
from secretguard_languages.literals import HOLE, Literal
from secretguard_languages.readings import Reading, reading

BY_HAND = "Have its program read the value from the environment, or from a file that is not committed."


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that reads a file."""

    path: str = ".*"
    """A regular expression for the whole path, which begins with `/`; case says nothing."""
    contents: str = ""
    """One that is found in the text, where the path alone does not tell."""
    reference: str = ""
    """How the file says a variable, with NAME; empty: it has no way to."""
    runs: str = "(?!)"
    """What else is put in at run time."""
    doubled: str = ""
    """A character that is written twice to stand for itself."""
    fallback: str = "(?!)"
    """A lookup of the variable `name` that has `value` as fallback."""
    kept: str = ""
    """The same with another variable as its fallback, for Match.expand; empty: a person has to do it."""
    keys: str = ".*"
    """The names of the settings, with what they stand in, that take variables; case says nothing."""
    is_whole: bool = False
    """Whether the reference has to be the whole value."""
    reason: str = ""
    advice: str = BY_HAND
    """What a person has to do; `{key}` is the setting's name, `{path}` the same as an environment writes it."""

    def is_of(self, document: Document) -> bool:
        """Whether it reads this file."""
        return bool(
            re.fullmatch(self.path, "/" + document.path, re.IGNORECASE)
            and (not self.contents or re.search(self.contents, document.text, re.MULTILINE))
        )


SPRING_DEFAULT = r"\$\{(?P<name>[A-Za-z_][\w.-]*):(?P<value>[^{}]*)\}"
SPRING_KEPT = rf"${{\g<name>:${{{NAME}}}}}"
ANY_DEFAULT = r"\$\{(?P<name>[A-Za-z_](?:[\w.]|-(?=[\w.-]*:))*)(?::?-|:(?![-=?+]))(?P<value>[^{}]*)\}"
"""Whoever reads a file that has one puts in variables."""
_SOMEBODY = Reader(reference=f"${{{NAME}}}", fallback=ANY_DEFAULT)
NOBODY = Reader(reason="it is not known what reads this file, and whether that puts in variables")


def reader_of(document: Document, readers: Iterable[Reader]) -> Reader:
    """Return the first of `readers` that reads a file; NOBODY if it is not known who does."""
    return next((one for one in readers if one.is_of(document)), NOBODY)


def each_once(spots: Sequence[Spot], at: Callable[[Spot], Site | ManualItem]) -> list[Site | ManualItem]:
    """Return what becomes of each spot, the second copy in one value left out."""
    found: list[Site | ManualItem] = []
    for spot in spots:
        if not any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            found.append(at(spot))
    return found


def left(document: Document, spot: Spot, reader: Reader, key: str) -> ManualItem:
    """Return the item of a value whose reader takes no variable there."""
    reason = reader.reason or "no variable is put in at this place"
    path = re.sub(r"[^A-Za-z0-9]+", "_", key).upper()
    return manual(document, spot.start, reason, reader.advice.replace("{key}", key).replace("{path}", path))


def at_value(document: Document, value: Literal, spot: Spot, reader: Reader, key: str) -> Site | ManualItem:
    """Return what becomes of a secret inside the `value` of the setting `key`."""
    if reader is NOBODY and (site := _of_fallback(document, value, spot, _SOMEBODY)):
        return site
    if not reader.reference or not re.fullmatch(reader.keys, key, re.IGNORECASE):
        return left(document, spot, reader, key)
    if site := _of_fallback(document, value, spot, reader):
        return site
    text = _put_in(value, reader)
    found = reading(text.text, *text.inside(spot.start, spot.end), spot)
    if isinstance(found, str):
        return manual(document, spot.start, found, "Encode it where it is used.")
    if reader.is_whole and (found.start, found.end) != (0, len(text.text)):
        return manual(document, spot.start, "only a whole value can be a variable here", reader.advice)
    start, end = text.places[found.start], text.places[found.end]
    is_all = (found.start, found.end) == (0, len(text.text))
    return Site(start, end, reader.reference, found.spelling, names_before(document, value.start) if is_all else ())


def _of_fallback(document: Document, value: Literal, spot: Spot, reader: Reader) -> Site | None:
    """Return the site of a fallback, which goes together with its lookup."""
    for one in re.finditer(reader.fallback, document.text[value.start : value.end]):
        low, high = (value.start + at for at in one.span("value"))
        if low <= spot.start and spot.end <= high:
            inner = value.inside(low, high)
            found = reading(value.text[slice(*inner)], *(at - inner[0] for at in value.inside(*_span(spot))), spot)
            if isinstance(found, Reading) and (found.start, found.end) == (0, inner[1] - inner[0]):
                start, end = (value.start + at for at in one.span())
                kept = Lookup(one["name"], start, end, one.expand(reader.kept))
                return Site(start, end, reader.reference, found.spelling, (one["name"],), lookup=kept)
    return None


def _span(spot: Spot) -> tuple[int, int]:
    return spot.start, spot.end


def _put_in(value: Literal, reader: Reader) -> Literal:
    """Return a value as its program gets it, HOLE for what is put in at run time."""
    double = re.escape(reader.doubled * 2) if reader.doubled else "(?!)"
    text, places, at = "", [], 0
    for one in re.finditer(f"(?P<double>{double})|{reader.runs}", value.text):
        text += value.text[at : one.start()] + (reader.doubled if one["double"] else HOLE)
        places += [*value.places[at : one.start()], value.places[one.start()]]
        at = one.end()
    return Literal(value.start, value.end, text + value.text[at:], (*places, *value.places[at:]), value.quote)
