"""PowerShell: `$env:NAME`, with a `throw` where it is not set, for an unset one is silently $null."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from secretguard.rewriting import (
    NAME,
    USER,
    Document,
    Edit,
    Lookup,
    ManualItem,
    Site,
    Spot,
    Surroundings,
    Variable,
    placeholder,
)
from secretguard.rotation import Spelling
from secretguard_languages.code import manual, names_before
from secretguard_languages.literals import Literal, joined
from secretguard_languages.powershell_strings import CURLY, NotUnderstoodError, Token, read_token, tokens_of
from secretguard_languages.readings import reading
from secretguard_languages.settings import each_once

_SUFFIXES = (".ps1", ".psm1", ".psd1")
_INNER = f"if ($env:{NAME}) {{ $env:{NAME} }} else {{ throw '{NAME} is not set' }}"
_EXPRESSION = f"$({_INNER})"
_PLUS = re.compile(r"\s*\+\s*")
_COALESCED = re.compile(r"\$env:(?P<name>[A-Za-z_]\w*)\s*\?\?\s*$", re.IGNORECASE)
_OTHERWISE = re.compile(
    r"if\s*\(\s*\$env:(?P<name>[A-Za-z_]\w*)\s*\)\s*\{\s*\$env:(?P=name)\s*\}\s*else\s*\{\s*$", re.IGNORECASE
)
_PATTERN = re.compile(r"-[ci]?(?:replace|match|notmatch|split|like|notlike)\s*\(?$", re.IGNORECASE)
_BY_HAND = "Read `$env:NAME` by hand."


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith(_SUFFIXES))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    try:
        tokens = tokens_of(document.text)
    except NotUnderstoodError:
        return [manual(document, one.start, "the script is not understood", _BY_HAND) for one in spots]
    return each_once(spots, lambda spot: _at(document, spot, tokens))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(_: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`."""
    try:
        tokens_of(after.text)
    except NotUnderstoodError:
        return "it would not be understood any more"
    return ""


def _at(document: Document, spot: Spot, tokens: Sequence[Token]) -> Site | ManualItem:
    around = [one for one in tokens if one.start <= spot.start and spot.end <= one.end]
    token = min(around, key=lambda one: one.end - one.start, default=None)
    if token is not None and token.kind == "#":
        return placeholder(spot)
    if document.name.lower().endswith(".psd1"):
        return manual(document, spot.start, "a data file takes no expression", "Read `$env:NAME` in the module.")
    if token is None or any(low <= spot.start < high for low, high in token.holes):
        return manual(document, spot.start, "it is no string", _BY_HAND)
    if why := _obstacle(document.text, token):
        return manual(document, spot.start, why, _BY_HAND)
    return _in_string(document, spot, token, tokens)


def _obstacle(text: str, token: Token) -> str:
    before, after = text[: token.start].rstrip(" \t")[-200:], text[token.end : token.end + 80]
    if CURLY.search(text[token.start : token.end]):
        return "a curly quotation mark ends a string too"
    if token.in_attribute:
        return "an attribute takes constants only"
    if re.match(r"\s*\{", after):
        return "a case takes a constant"
    if re.match(r"[ \t]*=(?!=)", after):
        return "it is a key"
    if before.endswith((".", "::")):
        return "it is the name of a member"
    if _PATTERN.search(before):
        return "it is a pattern, where characters of the value mean something else"
    if re.search(r"(?:^|[\s;{])data\b[^\n{]*\{[^{}]*$", text[: token.start], re.IGNORECASE):
        return "a data section takes no expression"
    return "" if re.match(r"[\s),;}\]|&.+:]|$", after) or token.kind == '"' else "something is joined to it"


def _in_string(document: Document, spot: Spot, token: Token, tokens: Sequence[Token]) -> Site | ManualItem:
    own = read_token(document.text, token)
    text = _chain(document.text, token, own, tokens)
    found = reading(text.text, *text.inside(spot.start, spot.end), spot)
    if isinstance(found, str):
        return manual(document, spot.start, found, "Encode it at run time.")
    names = names_before(document, text.start)
    if (found.start, found.end) == (0, len(text.text)):
        if (site := _fallback(document.text, text, found.spelling)) is None:
            return Site(text.start, text.end, _EXPRESSION, found.spelling, names)
        return placeholder(spot) if spot.form == USER else replace(site, names=(*site.names, *names))
    start, end = text.places[found.start], text.places[found.end - 1] + 1
    low, high = own.places[0], own.places[-1]
    if not (low <= start < end <= high):
        return manual(document, spot.start, "it is put together from several literals", _BY_HAND)
    end = own.places[own.places.index(start) + found.end - found.start]
    if token.kind[-1] == '"':
        return Site(start, end, _EXPRESSION, found.spelling, names)
    if token.kind == "@'":
        return manual(document, spot.start, "nothing is put into a here-string of single quotes", 'Make it `@"`.')
    if document.text[token.start - 1 : token.start] not in ("", " ", "\t", "\n", "(", ",", "=", "{", ";", "+"):
        return manual(document, spot.start, "it is joined to something", _BY_HAND)
    before = document.text[token.start : start] + "' + " if start > low else ""
    after = " + '" + document.text[end : token.end] if end < high else ""
    if not before and not after:
        return Site(token.start, token.end, _EXPRESSION, found.spelling, names)
    return Site(token.start, token.end, f"({before}{_EXPRESSION}{after})", found.spelling, names)


def _fallback(text: str, literal: Literal, spelling: Spelling) -> Site | None:
    """Return the site of a string that is the fallback of a lookup, which goes together with it."""
    before = text[max(0, literal.start - 300) : literal.start]
    one, end, text_there = _COALESCED.search(before), literal.end, _EXPRESSION
    closed = re.match(r"\s*\}", text[literal.end :])
    if one is None and closed:
        one, end, text_there = _OTHERWISE.search(before), literal.end + closed.end(), _INNER
    if one is None:
        return None
    start = literal.start - len(before) + one.start()
    kept = Lookup(one["name"], literal.start, literal.end, text_there)
    return Site(start, end, text_there, spelling, (one["name"],), lookup=kept)


def _chain(text: str, token: Token, own: Literal, tokens: Sequence[Token]) -> Literal:
    """Return a string with all that is added to it by `+`, HOLE for what is no string."""
    by_start = {one.start: one for one in tokens if one.kind != "#"}
    by_end = {one.end: one for one in by_start.values()}
    parts: list[Literal | None] = [own]
    start, end = token.start, token.end
    while plus := re.search(r"\s*\+\s*$", text[max(0, start - 200) : start]):
        at = start - len(plus[0])
        one = by_end.get(at)
        parts.insert(0, read_token(text, one) if one else None)
        if one is None:
            break
        start = one.start
    while plus := _PLUS.match(text, end):
        one = by_start.get(plus.end())
        parts.append(read_token(text, one) if one else None)
        if one is None:
            break
        end = one.end
    return joined(start, end, parts) if len(parts) > 1 else own
