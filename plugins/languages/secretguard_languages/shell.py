"""POSIX shell and its family: `${NAME:?}`, which ends the script with the name where the variable is not set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around as widest
from secretguard_languages.code import manual, names_before
from secretguard_languages.literals import HOLE, Literal, Quote, read_literal
from secretguard_languages.syntax import deepest, errors, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh", ".bats", ".command")
_NAMES = frozenset((".bashrc", ".bash_profile", ".bash_aliases", ".zshrc", ".zshenv", ".profile", ".envrc", ".xinitrc"))
_SHEBANG = re.compile(r"#![^\n]*\b(?:ba|da|a|k|z)?sh\b")
_OPEN, _QUOTED = f"${{{NAME}:?}}", f'"${{{NAME}:?}}"'
_HOLES = frozenset(("expansion", "simple_expansion", "command_substitution", "arithmetic_expansion"))
_PLAIN_WORD = re.compile(r"[^\\'\"$`]*")
_IN_QUOTES = '$`"\\\n'


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    if document.name.lower().endswith(_SUFFIXES) or document.name in _NAMES:
        return 1
    return int("." not in document.name and bool(_SHEBANG.match(document.text)))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:  # noqa: ARG001
    """See `secretguard.interfaces.Rewriter`."""
    root = parsed(document.text, "bash")
    found: list[Site | ManualItem] = []
    for spot in spots:
        if not any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            found.append(_at(document, spot, root))
    return found


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:  # noqa: ARG001
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`."""
    more = errors(parsed(after.text, "bash")) - errors(parsed(before.text, "bash"))
    return "it would not parse any more" if more > 0 else ""


def _at(document: Document, spot: Spot, root: SgNode) -> Site | ManualItem:
    node = deepest(root, spot.start, spot.end)
    chain = list(upwards(node))
    kinds = [one.kind() for one in chain]
    if "comment" in kinds:
        return placeholder(spot)
    if spot.encoding:
        return manual(document, spot.start, f"it stands there in {spot.encoding[0]}", "Encode it when the script runs.")
    if "heredoc_redirect" in kinds:
        return _in_heredoc(document, spot, chain[kinds.index("heredoc_redirect")])
    if (fallback := next((one for one in chain if one.kind() == "expansion"), None)) is not None:
        return _fallback(document, spot, fallback)
    literal = next((one for one in chain if one.kind() in _WRITERS), None)
    if literal is None:
        return manual(document, spot.start, "it is no word or string", "Read it from the environment by hand.")
    read, write = _WRITERS[literal.kind()]
    start, end = span(literal)
    quote = read(document.text[start:end])
    if quote is None:
        return manual(document, spot.start, "the word mixes quotes", "Put all of it into double quotes.")
    text = read_literal(document.text, start, end, quote, _holes(literal))
    low, high, spelling = _stretch(text, spot)
    low, high = text.places[low], text.places[high]
    names = names_before(document, start)
    if kinds[kinds.index(literal.kind()) + 1 :][:1] == ["string"]:  # a word of an expansion inside of quotes
        return Site(low, high, _OPEN, spelling, names)
    return write(text, low, high, spelling, names)


def _stretch(text: Literal, spot: Spot) -> tuple[int, int, Spelling]:
    low, high = text.inside(spot.start, spot.end)
    found = widest(text.text, low, high, Login(spot.user, spot.secret))
    start, end, form = found
    if HOLE in text.text[start:end]:
        start, end, form = low, high, "quoted" if form == "uri" else "password"
    return start, end, Spelling(form, Secret(text.text[start:end]))


def _in_double(_: Literal, low: int, high: int, spelling: Spelling, names: tuple[str, ...]) -> Site:
    return Site(low, high, _OPEN, spelling, names)


def _in_single(text: Literal, low: int, high: int, spelling: Spelling, names: tuple[str, ...]) -> Site:
    """End the quotes before the variable, and begin them again after it, where there is something to quote."""
    body = text.body
    start, before = (text.start, "") if low == body[0] else (low, text.quote.closing)
    end, after = (text.end, "") if high == body[1] else (high, text.quote.opening)
    return Site(start, end, before + _QUOTED + after, spelling, names)


def _in_word(_: Literal, low: int, high: int, spelling: Spelling, names: tuple[str, ...]) -> Site:
    return Site(low, high, _QUOTED, spelling, names)


def _in_heredoc(document: Document, spot: Spot, redirect: SgNode) -> Site | ManualItem:
    start = next((one for one in redirect.children() if one.kind() == "heredoc_start"), None)
    if start is None or re.search(r"['\"\\]", start.text()):
        return manual(
            document, spot.start, "a heredoc with a quoted delimiter expands nothing",
            "Take the quotes from its delimiter if no other `$` stands in it, then use the variable.",
        )  # fmt: skip
    low = document.text.rfind("\n", 0, spot.start) + 1
    high = document.text.find("\n", spot.end)
    line = read_literal(document.text, low, high if high >= 0 else len(document.text), Quote("", "", escapable="$`\\"))
    start_at, end_at, spelling = _stretch(line, spot)
    return Site(line.places[start_at], line.places[end_at], _OPEN, spelling)


def _fallback(document: Document, spot: Spot, node: SgNode) -> Site | ManualItem:
    """`${NAME:-literal}`: the variable is what the script reads already."""
    found = re.fullmatch(r"\$\{([A-Za-z_]\w*)(:?[-=])(.*)\}", node.text(), re.DOTALL)
    if found is None:
        return manual(document, spot.start, "it is part of an expansion", "Read it from the environment by hand.")
    start, end = span(node)
    low = start + found.start(3)
    quote = (_double if found[3][:1] == '"' else _single if found[3][:1] == "'" else _word)(found[3])
    if quote is None:
        return manual(document, spot.start, "it is part of an expansion", "Read it from the environment by hand.")
    text = read_literal(document.text, low, end - 1, quote)
    if spot.form == USER:
        return placeholder(spot)
    first, last, spelling = _stretch(text, spot)
    if (first, last) != (0, len(text.text)):
        return manual(document, spot.start, "the fallback holds more than the credential", "Leave the fallback out.")
    parent = node.parent()
    is_quoted = parent is not None and parent.kind() in ("string", "heredoc_body")
    mark = "" if is_quoted else '"'
    kept = Lookup(found[1], start, end, f"{mark}${{{found[1]}{found[2]}{_OPEN}}}{mark}")
    return Site(start, end, f"{mark}{_OPEN}{mark}", spelling, (found[1],), lookup=kept)


def _holes(node: SgNode) -> list[tuple[int, int]]:
    return [span(one) for one in node.children() if one.kind() in _HOLES]


def _double(text: str) -> Quote | None:
    return Quote('"', '"', escapable=_IN_QUOTES) if text.startswith('"') else None


def _single(text: str) -> Quote | None:
    return Quote("'", "'", is_raw=True) if text.startswith("'") else None


def _ansi(text: str) -> Quote | None:
    return Quote("$'", "'") if text.startswith("$'") else None


def _word(text: str) -> Quote | None:
    return Quote("", "", is_raw=True) if _PLAIN_WORD.fullmatch(text) else None


_WRITERS = {
    "string": (_double, _in_double),
    "raw_string": (_single, _in_single),
    "ansi_c_string": (_ansi, _in_single),
    "word": (_word, _in_word),
}
