"""INI files and their like: lines of `name = value` in sections, whose reader decides what a value can be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.ini_readers import NAMES, READERS
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.settings import at_value, each_once, reader_of

_SUFFIXES = (".ini", ".cfg", ".conf", ".cnf", ".cf", ".config", ".service", ".desktop", ".reg", ".inf")
_SECTION = re.compile(r"[ \t]*\[(?P<name>[^\]\r\n]+)\]")
_SETTING = re.compile(r"[ \t]*(?P<name>[^\s=:#;\[][^=:\r\n]*)[=:][ \t]*(?P<value>.*)", re.DOTALL)
_PAIR = re.compile(r"[ \t]*(?P<name>[^\s=]+)[ \t]*=[ \t]*(?P<value>.*)", re.DOTALL)
_INLINE_COMMENT = re.compile(r"[ \t][#;]")
_PART = re.compile(r"\"[^\"]*\"|'[^']*'|[^,\"']+")
"""One piece of a list with commas."""


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`: XML that is called .config is none."""
    if document.text.lstrip().startswith("<?xml"):
        return 0
    return int(document.name.lower().endswith(_SUFFIXES) or bool(re.fullmatch(NAMES, document.name)))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    return each_once(spots, lambda spot: _at(document, spot))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same sections and names, line for line."""
    return "" if _outline(before.text) == _outline(after.text) else "another setting would change"


def _outline(text: str) -> list[str]:
    found = ((_SECTION.match(line) or _SETTING.match(line)) for line in text.split("\n"))
    return [one["name"] if one else "" for one in found]


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    start, end = _line(document.text, spot.start, spot.end)
    line = document.text[start:end]
    if line.lstrip().startswith(("#", ";")):
        return placeholder(spot)
    reader = reader_of(document, READERS)
    setting = _SETTING.match(line)
    if setting and reader.reference:
        setting = _PAIR.match(line) or setting
    if setting is None or spot.start < start + setting.start("value") or line[:1] in " \t":
        key, low = _key_above(document.text, start), start + len(line) - len(line.lstrip())
    else:
        key, low = setting["name"].strip(), start + setting.start("value")
    key = f"{_section(document.text, start)}.{key}".lstrip(".")
    if reader.reference and _INLINE_COMMENT.search(document.text[low : spot.start]):
        return manual(document, spot.start, "it may be a comment, and may be none", "Take it out by hand.")
    high = start + len(line.rstrip())
    if key.endswith(".environment"):
        low, high = _piece(document.text, low, high, spot)
    low, high, quote = _unquoted(document.text, low, high, spot)
    if reader.reference and quote.opening == "'" and reader.runs.startswith(r"\$\{"):
        return manual(document, spot.start, "nothing is put into single quotes", "Use double quotes.")
    return at_value(document, read_literal(document.text, low, high, quote), spot, reader, key)


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    low, high = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return low, high if high >= 0 else len(text)


def _section(text: str, before: int) -> str:
    found = [one for line in text[:before].split("\n") if (one := _SECTION.match(line))]
    return found[-1]["name"].strip() if found else ""


def _key_above(text: str, before: int) -> str:
    """Return the setting that an indented line goes on with."""
    for line in reversed(text[:before].split("\n")):
        if line[:1] not in ("", " ", "\t", "\r") and (found := _SETTING.match(line)):
            return found["name"].strip()
    return ""


def _piece(text: str, low: int, high: int, spot: Spot) -> tuple[int, int]:
    """Return the value of one `NAME=value` of a list with commas."""
    for one in _PART.finditer(text, low, high):
        if one.start() <= spot.start and spot.end <= one.end():
            skipped = re.match(r"\s*\w+\s*=", one[0])
            return one.start() + (skipped.end() if skipped else 0), one.end()
    return low, high


def _unquoted(text: str, low: int, high: int, spot: Spot) -> tuple[int, int, Quote]:
    mark = text[low : low + 1]
    if mark and mark in "\"'" and text.find(mark, low + 1, high) == high - 1 and low < spot.start:
        return low, high, Quote(mark, mark, is_raw=True)
    return low, high, Quote("", "", is_raw=True)
