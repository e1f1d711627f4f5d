"""Format strings: a secret in one becomes an argument more, for a `%` or a brace in its value would be a directive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from secretguard.rewriting import Document
from secretguard_languages.code import Refusal, Replacement, Template
from secretguard_languages.literals import Literal
from secretguard_languages.syntax import span

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_DIRECTIVE = re.compile(r"%(?:(?P<plain>[-+ #0']*\d*(?:\.\d+)?[A-Za-mo-z])|(?P<alone>[%n]))?")
UNCLEAR = ("its place among the arguments of a format string is not clear", "Pass it as an argument of its own.")


def unclear(special: str = "%") -> Template:
    """Return the template of a format whose arguments are not seen."""
    return Template(special, lambda *_: UNCLEAR)


def printf(document: Document, arguments: Sequence[SgNode], expression: str) -> Template:
    """Return the template of a printf-like format: `%s`, and `expression` among the `arguments` that follow it."""

    def replaced(literal: Literal, start: int, end: int) -> Replacement | Refusal:
        low, high = literal.body
        ahead, behind = _directives(document.text[low:start]), _directives(document.text[end:high])
        if literal.parts or ahead is None or behind is None or ahead + behind > len(arguments):
            return UNCLEAR
        return inserted(document, literal, (start, end), arguments[:ahead], ("%s", expression))

    return Template("%", replaced)


def inserted(
    document: Document, literal: Literal, place: tuple[int, int], ahead: Sequence[SgNode], texts: tuple[str, str]
) -> Replacement:
    """Return a replacement of `place` by a directive, and its argument behind those `ahead`."""
    directive, argument = texts
    point = span(ahead[-1])[1] if ahead else literal.end
    return place[0], point, f"{directive}{document.text[place[1] : point]}, {argument}"


def _directives(text: str) -> int | None:
    """Count the arguments that the directives of a format take; None if one says which, or how wide it is."""
    count = 0
    for one in _DIRECTIVE.finditer(text):
        if one["plain"] is None and one["alone"] is None:
            return None
        count += one["plain"] is not None
    return count
