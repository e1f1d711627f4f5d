"""Kotlin, its scripts too: `System.getenv("NAME")`; in a `@Value` of Spring, `${NAME}`."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import printf, unclear
from secretguard_languages.java import PHONE, is_on_phones
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_CALL = f'System.getenv("{NAME}")'
_READERS = (
    re.compile(r'System\.getenv\(\s*"(\w+)"\s*\)\s*\?:\s*'),
    re.compile(r'System\.getenv\(\)\s*\[\s*"(\w+)"\s*\]\s*\?:\s*'),
    re.compile(r'System\.getenv\(\)\s*\.getOrDefault\(\s*"(\w+)"\s*,\s*'),
    re.compile(r'System\.getenv\(\)\s*\.getOrElse\(\s*"(\w+)"\s*\)\s*\{\s*'),
)
_BUILT_IN = ("buildConfigField", "resValue", "manifestPlaceholders")
_BINDS_SYSTEM = re.compile(r"\b(?:class|interface|object|typealias)[ \t]+System\b|^import[ \t]+[\w.]+\.System\b", re.M)


def _quote(text: str) -> Quote:
    if text.startswith('"""'):
        return Quote('"""', '"""', is_raw=True, interpolates=True)
    return Quote('"', '"', interpolates=True)


def _expression(node: SgNode, _: Literal) -> str:
    return f'"\\${{{NAME}}}"' if _annotation(node) else _CALL


def _interpolation(node: SgNode, _: Literal) -> str:
    return f"\\${{{NAME}}}" if _annotation(node) else f"${{{_CALL}}}"


def _annotation(node: SgNode) -> str:
    """Return the text of the annotation that a literal is in, empty if in none."""
    for one in upwards(node):
        if one.kind() == "annotation":
            return one.text()
        if one.kind() in ("statements", "class_body", "lambda_literal"):
            break
    return ""


def _obstacle(node: SgNode, document: Document, around: Surroundings) -> code.Refusal | None:
    if annotation := _annotation(node):
        spring = "org.springframework" in document.text and re.match(r"@(?:\w+:)?\[?[\w.]*\bValue\(", annotation)
        if not spring or "#{" in annotation or node.text().startswith('"""'):
            return "an annotation takes no call", "Set it in code, or from a property that reads the environment."
        return None
    for one in upwards(node):
        if one.kind() == "property_declaration":
            if re.search(r"\bconst\b", one.text().partition("=")[0]):
                return "a const val takes no call", "Make it a `val`, or read System.getenv where it is used."
            break
        if one.kind() == "call_expression" and one.text().startswith(_BUILT_IN):
            return PHONE
    if is_on_phones(document, around):
        return PHONE
    if _BINDS_SYSTEM.search(document.text):
        return "`System` is another name in this file", 'Read java.lang.System.getenv("…").'
    return None


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find a read of the environment that has the literal as its default."""
    for one in list(upwards(node))[1:6]:
        head, tail = one.text()[: span(node)[0] - span(one)[0]], one.text()[span(node)[1] - span(one)[0] :]
        if head and tail.strip() in ("", ")", "}"):
            for reader in _READERS:
                if found := reader.fullmatch(head):
                    return one, found[1]
    return None


def _template(top: SgNode, document: Document) -> code.Template | None:
    """Find `"…".format(…)` and `String.format("…", …)`."""
    parent = top.parent()
    if parent is None:
        return None
    if parent.kind() == "navigation_expression":
        return unclear() if re.match(r"\s*\.\s*format\b", document.text[span(top)[1] :]) else None
    arguments = parent.parent() if parent.kind() == "value_argument" else None
    suffix = arguments.parent() if arguments is not None else None
    call = suffix.parent() if suffix is not None else None
    if arguments is None or call is None or not call.text().startswith("String.format("):
        return None
    given = [one for one in arguments.children() if one.is_named()]
    at = next(number for number, one in enumerate(given) if span(one) == span(parent))
    if any(one.text().startswith('"') for one in given[:at]):
        return None
    return printf(document, given[at + 1 :], _CALL)


LANGUAGE = code.Language(
    grammar="kotlin",
    suffixes=(".kt", ".kts"),
    strings=frozenset(("string_literal",)),
    comments=frozenset(("line_comment", "multiline_comment", "shebang_line")),
    holes=frozenset(
        (
            *("interpolation_identifier_start", "interpolated_identifier", "interpolation_expression_start"),
            *("interpolated_expression", "interpolation_expression_end"),
        )
    ),
    sums=frozenset(("additive_expression",)),
    quote=_quote,
    expression=_expression,
    interpolation=_interpolation,
    obstacle=_obstacle,
    lookup=_lookup,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)
