"""JavaScript and TypeScript: `process.env.NAME || missing("NAME")`, which fails at once where it is not set.

`process.env.NAME` alone is undefined there, and goes on as "Bearer undefined". `missing` is a function of three lines
at the end of the file; `||` and not `??`, as an empty variable is a missing one, too (as in `${NAME:?}`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable
from secretguard_languages import code
from secretguard_languages.browsers import is_for_deno, is_public_name, why_exposed, why_public
from secretguard_languages.javascript_places import fallback, is_destructured, is_key, obstacle
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_GRAMMARS = {
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    ".tsx": "tsx",
}
_LOOSER = frozenset(
    (
        *("arguments", "array", "arrow_function", "assignment_expression", "assignment_pattern", "export_statement"),
        *("augmented_assignment_expression", "computed_property_name", "expression_statement", "field_definition"),
        *("jsx_expression", "object_assignment_pattern", "optional_parameter", "pair", "parenthesized_expression"),
        *("public_field_definition", "required_parameter", "return_statement", "spread_element", "switch_case"),
        *("template_substitution", "ternary_expression", "throw_statement", "variable_declarator", "yield_expression"),
    )
)
"""Kinds of node around an expression that bind less than `||`."""
_DECLARED = re.compile(
    r"^function missing\(name(?:: string)?\)(?:: never)? \{\s+throw new Error\(`\$\{name\} is not set`\)", re.MULTILINE
)
_IN_TEMPLATE = re.compile(r"(\\.)|(`|\$\{)", re.DOTALL)
_OCTAL = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|0[0-9])")
_UNENDED = re.compile(r"^[ \t]*(?:import|const|let|var|return)\b.*[^\s;,{(\[=]\r?$", re.MULTILINE)
"""A statement that ends with its line."""
_IS_MODULE = re.compile(r"^(?:import|export)\b", re.MULTILINE)


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(_suffix(document) in _GRAMMARS)


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    found = code.survey(_language(document, around), document, spots, around)
    return [_unless_public(document, one) for one in found]


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: the function that fails."""
    if any("missing(" in site.text for site, _ in chosen) and not _DECLARED.search(document.text):
        return [Edit(len(document.text), len(document.text), _declaration(document))]
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`."""
    return code.fault(replace(LANGUAGE, grammar=_GRAMMARS[_suffix(before)]), before, after)


def _language(document: Document, around: Surroundings) -> code.Language:
    reader = _reader(document, around)
    value = partial(_value, reader, _is_free(document))
    return replace(
        LANGUAGE,
        grammar=_GRAMMARS[_suffix(document)],
        expression=partial(_expression, value),
        interpolation=partial(_interpolation, value),
        split=partial(_split, value),
        keeps=partial(_keeps, reader, value),
    )


def _suffix(document: Document) -> str:
    return document.name[document.name.rfind(".") :].lower()


def _reader(document: Document, around: Surroundings) -> str:
    if re.search(r"from\s+[\"']k6(?:/|[\"'])", document.text):
        return f"__ENV.{NAME}"
    quote = "'" if document.text.count("'") > document.text.count('"') else '"'
    return f"Deno.env.get({quote}{NAME}{quote})" if is_for_deno(document, around) else f"process.env.{NAME}"


def _is_free(document: Document) -> bool:
    """Whether the file can have a function `missing`: the names of a TypeScript file that is no module are global."""
    if _DECLARED.search(document.text):
        return True
    if re.search(r"\bmissing\b", document.text):
        return False
    return _GRAMMARS[_suffix(document)] == "javascript" or bool(_IS_MODULE.search(document.text))


def _value(reader: str, is_free: bool, node: SgNode, quote: Quote) -> str:
    mark = "'" if quote.opening == "'" else '"'
    failing = f"missing({mark}{NAME}{mark})"
    if not is_free:
        failing = f"(() => {{ throw new Error({mark}{NAME} is not set{mark}); }})()"
    return failing if is_destructured(node) else f"{reader} || {failing}"


def _keeps(reader: str, value: partial[str], node: SgNode, name: str, literal: Literal, _: Document) -> str:
    """Read the other one only where it is needed: not as an argument of a call, nor instead of what a pattern reads."""
    if is_destructured(node):
        return f"{reader} || {value(node, literal.quote)}"
    if node.kind() != "call_expression":
        return ""
    text = f"{reader.replace(NAME, name)} ?? ({value(node, literal.quote)})"
    parent = node.parent()
    return text if parent is not None and parent.kind() in _LOOSER else f"({text})"


def _expression(value: partial[str], node: SgNode, literal: Literal) -> str:
    text = value(node, literal.quote)
    parent = node.parent()
    if parent is None or node.kind() == "jsx_text" or parent.kind() == "jsx_attribute":
        return f"{{{text}}}"
    if is_key(node):
        return f"[{text}]"
    is_last_choice = parent.kind() == "binary_expression" and any(one.text() == "||" for one in parent.children())
    return text if parent.kind() in _LOOSER or (is_last_choice and _is_right(parent, node)) else f"({text})"


def _is_right(parent: SgNode, node: SgNode) -> bool:
    right = parent.field("right")
    return right is not None and span(right) == span(node)


def _interpolation(value: partial[str], node: SgNode, literal: Literal) -> str:
    text = value(node, literal.quote)
    return f"{{{text}}}" if node.kind() == "jsx_text" else f"${{{text}}}"


def _split(
    value: partial[str], node: SgNode, literal: Literal, start: int, end: int, document: Document
) -> code.Replacement | None:
    """Make the string a template."""
    low, high = literal.body
    before, after = document.text[low:start], document.text[end:high]
    if not before and not after:
        return literal.start, literal.end, _expression(value, node, literal)
    if _OCTAL.search(before) or _OCTAL.search(after):
        return None
    parts = [_IN_TEMPLATE.sub(lambda found: found[1] or "\\" + found[2], one) for one in (before, after)]
    text = f"`{parts[0]}${{{value(node, literal.quote)}}}{parts[1]}`"
    parent = node.parent()
    if parent is not None and parent.kind() == "jsx_attribute":
        text = f"{{{text}}}"
    return literal.start, literal.end, f"[{text}]" if is_key(node) else text


def _quote(text: str) -> Quote | None:
    if text[:1] == "`":
        return Quote("`", "`", interpolates=True)
    return Quote(text[0], text[0]) if text[:1] in ("'", '"') else Quote("", "", is_raw=True, interpolates=True)


def _obstacle(node: SgNode, document: Document, around: Surroundings) -> tuple[str, str] | None:
    return why_exposed(document, around, span(node)[0]) or obstacle(node, document)


def _unless_public(document: Document, found: Site | ManualItem) -> Site | ManualItem:
    if isinstance(found, ManualItem) or found.is_placeholder or not any(map(is_public_name, found.names[:1])):
        return found
    return code.manual(document, found.start, *why_public(found.names[0]))


def _declaration(document: Document) -> str:
    """Return the function that fails, as the rest of the file is written."""
    text, line = document.text, document.newline
    indent = "\t" if re.search(r"^\t", text, re.MULTILINE) else "  "
    end = "" if _UNENDED.search(text) and not re.search(r";[ \t]*(?://.*)?\r?$", text, re.MULTILINE) else ";"
    argument, result = ("name", "") if _GRAMMARS[_suffix(document)] == "javascript" else ("name: string", ": never")
    lines = (
        "",
        f"function missing({argument}){result} {{",
        f"{indent}throw new Error(`${{name}} is not set`){end}",
        "}",
        "",
    )
    return ("" if text.endswith("\n") else line) + line.join(lines)


LANGUAGE = code.Language(
    grammar="javascript",
    suffixes=tuple(_GRAMMARS),
    strings=frozenset(("string", "template_string", "jsx_text")),
    comments=frozenset(("comment", "hash_bang_line", "html_comment")),
    holes=frozenset(("template_substitution",)),
    sums=frozenset(("binary_expression",)),
    quote=_quote,
    expression=lambda *_: "",
    obstacle=_obstacle,
    lookup=fallback,
)
