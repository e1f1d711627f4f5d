"""Scala: `sys.env("NAME")`, which throws where the variable is not set."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import unclear
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_OPENING = re.compile(r"(s|f|raw|)(\"\"\"|\")")  # any other interpolator may make what it likes of the text
_CALL = f'sys.env("{NAME}")'
_READERS = (
    re.compile(r'sys\.env\.getOrElse\(\s*"(\w+)"\s*,\s*'),
    re.compile(r'sys\.env\.get\(\s*"(\w+)"\s*\)\s*\.getOrElse\(\s*'),
    re.compile(r'(?:scala\.)?Option\(\s*System\.getenv\(\s*"(\w+)"\s*\)\s*\)\s*\.getOrElse\(\s*'),
    re.compile(r'scala\.util\.Properties\.envOrElse\(\s*"(\w+)"\s*,\s*'),
)
_BINDS_SYS = re.compile(r"\b(?:val|var|def|object|package)[ \t]+sys\b|[(,][ \t]*sys[ \t]*:")


def _quote(text: str) -> Quote | None:
    found = _OPENING.match(text)
    if found is None:
        return None
    return Quote(found[0], found[2], is_raw=found[2] == '"""' or found[1] == "raw")


def _expression(_: SgNode, __: Literal) -> str:
    return _CALL


def _obstacle(node: SgNode, document: Document, _: Surroundings) -> code.Refusal | None:
    below = node
    for one in upwards(node):
        kind = one.kind()
        if kind == "annotation":
            return "an annotation takes no call", "Set it in code."
        if kind == "case_clause" and (pattern := one.field("pattern")) is not None and span(pattern) == span(below):
            return "a case pattern takes no call", "Compare in a guard: `case value if value == …`."
        if kind == "val_definition" and re.match(r"[^=]*\binline\b", one.text()):
            return "an inline val takes no call", "Make it a plain `val`."
        if kind in ("block", "template_body"):
            break
        below = one
    if node.kind() == "interpolated_string_expression" and _OPENING.match(node.text()) is None:
        return "its interpolator is not one of Scala's own", "Read it from the environment by hand."
    if _BINDS_SYS.search(document.text):
        return "`sys` is another name in this file", 'Read scala.sys.env("…").'
    return None


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find a read of the environment that has the literal as its default."""
    arguments = node.parent()
    call = arguments.parent() if arguments is not None and arguments.kind() == "arguments" else None
    if call is None:
        return None
    head = call.text()[: span(node)[0] - span(call)[0]]
    return next(((call, found[1]) for one in _READERS if (found := one.fullmatch(head))), None)


def _template(top: SgNode, *_: object) -> code.Template | None:
    """Find `"…".format(…)`."""
    parent = top.parent()
    field = parent.field("field") if parent is not None and parent.kind() == "field_expression" else None
    return unclear() if field is not None and field.text() in ("format", "formatted") else None


LANGUAGE = code.Language(
    grammar="scala",
    suffixes=(".scala", ".sc", ".sbt"),
    strings=frozenset(("string", "interpolated_string_expression")),
    comments=frozenset(("comment", "block_comment")),
    holes=frozenset(("interpolation",)),
    sums=frozenset(("infix_expression",)),
    quote=_quote,
    expression=_expression,
    obstacle=_obstacle,
    lookup=_lookup,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)
