"""Rust: `std::env::var("NAME").expect("NAME is not set")`, a String; borrowed where a `&str` is certain to do."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import UNCLEAR
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.rust_places import Place, formatted, place_of, reader_around, why_not
from secretguard_languages.syntax import span

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_OPENING = re.compile(r"(?:r(#*)\"|\")")
_CALL = f'std::env::var("{NAME}").expect("{NAME} is not set")'
_PLACES = re.compile(r"\{\{|\}\}|\{(?P<inside>[^{}]*)\}|[{}]")


def _quote(text: str) -> Quote | None:
    found = _OPENING.match(text)
    if found is None:
        return None
    return Quote(found[0], '"' + (found[1] or ""), is_raw=found[1] is not None)


def _written(place: Place, expression: str) -> str:
    return f"{place.before}{expression}{place.after}"


def _expression(node: SgNode, _: Literal) -> str:
    place = place_of(node) if node.kind() in LANGUAGE.strings else None
    return _written(place, _CALL) if place is not None else _CALL


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement | None:
    """Make the literal a format, whose argument is the value."""
    low, high = literal.body
    place = place_of(node)
    if place is None:
        return None
    before, after = (
        part.replace("{", "{{").replace("}", "}}") for part in (document.text[low:start], document.text[end:high])
    )
    text = _CALL
    if before or after:
        text = f"format!({literal.quote.opening}{before}{{}}{after}{literal.quote.closing}, {_CALL})"
    return (*span(place.node), _written(place, text))


def _obstacle(node: SgNode, document: Document, _: Surroundings) -> code.Refusal | None:
    if formatted(node) is not None:
        return None
    return why_not(node, document)


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find what is made of the literal, and the read of the environment that has it as its default."""
    place = place_of(node)
    if place is None:
        return None
    found = reader_around(place.node)
    return found or (place.node, "")


def _keeps(_: SgNode, name: str, *__: object) -> str:
    return f'std::env::var("{name}").unwrap_or_else(|_| {_CALL})'


def _template(top: SgNode, document: Document) -> code.Template | None:
    """Find `format!("…", …)`: positional arguments stand before the named ones."""
    arguments = formatted(top)
    if arguments is None:
        return None

    def replaced(literal: Literal, start: int, end: int) -> code.Replacement | code.Refusal:
        low, high = literal.body
        ahead, all_of = _positional(document.text[low:start]), _positional(document.text[low:high])
        if ahead is None or all_of is None or ahead > len(arguments):
            return UNCLEAR
        point = arguments[ahead - 1] if ahead else literal.end
        return start, point, f"{{}}{document.text[end:point]}, {_CALL}"

    return code.Template("{}", replaced)


def _positional(text: str) -> int | None:
    """Count the arguments that a format takes in order; None if it numbers them, or takes widths from them."""
    count = 0
    for one in _PLACES.finditer(text):
        if one["inside"] is None:
            if one[0] in "{}":
                return None
            continue
        argument, _, style = one["inside"].partition(":")
        if argument.strip().isdigit() or "*" in style or re.search(r"\d\$", style):
            return None
        count += not argument.strip()
    return count


LANGUAGE = code.Language(
    grammar="rust",
    suffixes=(".rs",),
    strings=frozenset(("string_literal", "raw_string_literal")),
    comments=frozenset(("line_comment", "block_comment")),
    quote=_quote,
    expression=_expression,
    split=_split,
    obstacle=_obstacle,
    lookup=_lookup,
    keeps=_keeps,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)
