"""Batch files of Windows: `set "NAME=%NAME%"` behind a line that ends the script where the variable is not set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.settings import Reader, at_value, each_once

_REMARK = re.compile(r"\s*@?(?:rem\b|::)", re.IGNORECASE)
_SET = re.compile(
    r"(?P<head>\s*@?set\s+)(?:\"(?P<name>[^=\"\r\n]+)=(?P<value>[^\"\r\n]*)\"[ \t]*"
    r"|(?P<bare_name>[\w.-]+)=(?P<bare>[^\r\n]*))\r?",
    re.IGNORECASE,
)
_READER = Reader(reference=f"%{NAME}%", runs=r"%[^%\r\n]+%|%\d|%\*|![^!\r\n]+!", doubled="%")
_ADVICE = 'Write `set "NAME=%NAME%"` on a line of its own, and use the variable.'


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith((".bat", ".cmd")))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    return each_once(spots, lambda spot: _at(document, spot))


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: a check of each variable, before its first use."""
    first: dict[str, int] = {}
    for site, variable in sorted(chosen, key=lambda one: one[0].start):
        first.setdefault(variable.name, document.text.rfind("\n", 0, site.start) + 1)
    places: dict[int, str] = {}
    for name, at in first.items():
        line = f"if not defined {name} (echo {name} is not set>&2 & exit /b 1){document.newline}"
        places[at] = places.get(at, "") + line
    return [Edit(at, at, text) for at, text in places.items()]


def fault(_: Document, __: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: only whole `set` lines are edited."""
    return ""


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    start = document.text.rfind("\n", 0, spot.start) + 1
    line = document.text[start:].partition("\n")[0]
    if _REMARK.match(line):
        return placeholder(spot)
    found = _SET.fullmatch(line)
    if found is None or document.text[:start].rstrip("\r\n").endswith("^"):
        return manual(document, spot.start, "characters of a value can end a command here", _ADVICE)
    if re.search(r"enabledelayedexpansion", document.text, re.IGNORECASE):
        return manual(document, spot.start, "a `!` in the value would be lost here", "Use `!NAME!` where it is used.")
    part = "value" if found["name"] else "bare"
    if re.search(r"[\^&|<>\"]", found[part]):
        return manual(document, spot.start, "characters of it mean something else here", _ADVICE)
    low, high = (start + at for at in found.span(part))
    value = read_literal(document.text, low, high, Quote("", "", is_raw=True))
    site = at_value(document, value, spot, _READER, found["name"] or found["bare_name"])
    if found["name"] or isinstance(site, ManualItem):
        return site
    low, before, after = start + found.end("head"), document.text[low : site.start], document.text[site.end : high]
    text = f'"{found["bare_name"]}={before}{site.text}{after}"'
    return Site(low, high, text, site.spelling, site.names)
