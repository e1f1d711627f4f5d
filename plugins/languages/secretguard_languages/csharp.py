"""C#: `Environment.GetEnvironmentVariable("NAME") ?? throw …`, with the whole name, so that no import is needed."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import UNCLEAR, inserted
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_READ = f'System.Environment.GetEnvironmentVariable("{NAME}")'
_CALL = f'{_READ} ?? throw new System.InvalidOperationException("{NAME} is not set")'
_OPENING = re.compile(r"(?P<sign>\$*@?\$?)(?P<quotes>\"{3,}(?:[ \t]*\r?\n[ \t]*)?|\")")
_CLOSING = re.compile(r"(?:\r?\n[ \t]*)?\"{3,}$")
_READER = re.compile(r'(?:System\.)?Environment\s*\.GetEnvironmentVariable\(\s*"(\w+)"\s*\)\s*\?\?=?\s*')
_BINDS_SYSTEM = re.compile(r"\bnamespace[ \t]+[\w.]+\.System\b|\b(?:class|struct|record|interface|enum)[ \t]+System\b")
_PLACE = re.compile(r"\{(?P<open>\{)|\}\}|\{(?P<number>\d+)[^{}]*\}|[{}]")
_CONST = ("a const takes no call", "Make it `static readonly`, or read it where it is used.")
_OBSTACLES = {
    "attribute": ("an attribute takes no call", "Set it in code."),
    "parameter": ("the default of a parameter takes no call", "Make the default null, and read it inside."),
    "constant_pattern": ("a pattern takes no call", "Compare in a `when`."),
    "case_switch_label": ("a case takes no call", "Compare in an `if`."),
}
_KEEPS_PARTS = re.compile(r"\w*(?:Interpolated|FormattableString)\w*")


def _quote(text: str) -> Quote | None:
    found = _OPENING.match(text)
    if found is None:
        return None
    is_raw, closing = found["quotes"].startswith('"""'), '"'
    if is_raw:
        ending = _CLOSING.search(text, found.end())
        if ending is None or ("\n" in found["quotes"]) != ("\n" in ending[0]):
            return None
        closing = ending[0]
    verbatim = "@" in found["sign"] and not is_raw
    return Quote(
        found[0],
        closing,
        is_raw=is_raw or verbatim,
        interpolates=is_raw and "$" in found["sign"],
        doubled='"' if verbatim else "",
    )


def _expression(_: SgNode, __: Literal) -> str:
    return _CALL


def _interpolation(_: SgNode, literal: Literal) -> str:
    many = literal.quote.opening.count("$")
    return "{" * many + f"({_CALL})" + "}" * many


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement | None:
    """Make it a sum, an interpolated string too: before C# 11 no quote may stand in its expressions."""
    if "\n" in literal.quote.opening:
        return None
    whole = (start, end) == literal.body
    if whole and code.stands_alone(document, node):
        return literal.start, literal.end, _CALL
    low, high, text = code.concatenated(document, node, literal, start, end, f"({_CALL})", " + ")
    return low, high, f"({_CALL})" if whole else text


def _obstacle(node: SgNode, document: Document, _: Surroundings) -> code.Refusal | None:
    if node.kind() == "string_literal" and node.text().lower().endswith("u8"):
        return "a UTF-8 literal takes no call", "Encode it with System.Text.Encoding.UTF8.GetBytes."
    for one in upwards(node):
        kind = str(one.kind())
        if found := _OBSTACLES.get(kind):
            return found
        if kind in ("field_declaration", "local_declaration_statement") and any(
            each.kind() == "modifier" and each.text() == "const" for each in one.children()
        ):
            return _CONST
        if kind == "invocation_expression" and node.kind() == "interpolated_string_expression":
            function = one.field("function")
            if function is not None and _KEEPS_PARTS.fullmatch(function.text().rpartition(".")[2]):
                return "its parts become parameters", "Pass the value as a parameter."
        if kind in ("block", "declaration_list"):
            break
    if node.kind() == "interpolated_string_expression" and re.search(
        r"\b(?:FormattableString|IFormattable)\b", document.text
    ):
        return (
            "a FormattableString is no sum of strings",
            "Put the value into a variable, and the variable into the string.",
        )
    if _BINDS_SYSTEM.search(document.text):
        return "`System` is another name in this file", 'Read global::System.Environment.GetEnvironmentVariable("…").'
    return None


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find `Environment.GetEnvironmentVariable("NAME") ?? <node>`."""
    parent = node.parent()
    if parent is None or not parent.text().endswith(node.text()):
        return None
    found = _READER.fullmatch(parent.text()[: -len(node.text())])
    return (parent, found[1]) if found else None


def _template(top: SgNode, document: Document) -> code.Template | None:
    """Find a composite format with `{0}`: string.Format, Console.WriteLine."""
    argument = top.parent()
    arguments = argument.parent() if argument is not None and argument.kind() == "argument" else None
    call = arguments.parent() if arguments is not None else None
    function = call.field("function") if call is not None else None
    if argument is None or arguments is None or function is None:
        return None
    given = [one for one in arguments.children() if one.is_named()]
    if not re.fullmatch(r"\w+\.(?:Format|AppendFormat|WriteLine|Write)", function.text()) or span(given[0]) != span(
        argument
    ):
        return None
    if len(given) == 1:
        return None
    literals, number = span(top), len(given) - 1
    places = list(_PLACE.finditer(document.text[slice(*literals)]))
    numbers = [int(one["number"]) for one in places if one["number"]]

    def replaced(literal: Literal, start: int, end: int) -> code.Replacement | code.Refusal:
        if literal.parts or any(one[0] in "{}" for one in places) or max(numbers, default=-1) + 1 != number:
            return UNCLEAR
        return inserted(document, literal, (start, end), given[1:], (f"{{{number}}}", _CALL))

    return code.Template("{}", replaced)


LANGUAGE = code.Language(
    grammar="csharp",
    suffixes=(".cs", ".csx"),
    strings=frozenset(
        ("string_literal", "verbatim_string_literal", "interpolated_string_expression", "raw_string_literal")
    ),
    comments=frozenset(("comment",)),
    holes=frozenset(("interpolation",)),
    sums=frozenset(("binary_expression",)),
    quote=_quote,
    expression=_expression,
    interpolation=_interpolation,
    split=_split,
    obstacle=_obstacle,
    lookup=_lookup,
    template=_template,
    is_loose=True,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)
