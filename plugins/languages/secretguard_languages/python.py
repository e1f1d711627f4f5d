"""Python: `os.environ["NAME"]`, which fails at once where the variable is not set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Edit, Site, Surroundings, Variable
from secretguard_languages import code
from secretguard_languages.format_strings import unclear
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.python_names import ast_of, is_imported, why_no_os
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_OPENING = re.compile(r"([A-Za-z]{0,3})(\"\"\"|'''|\"|')")
_READERS = re.compile(r"(?:os\.)?(?:getenv|environ\.get|environ\.setdefault)")


def _quote(text: str) -> Quote | None:
    found = _OPENING.match(text)
    if found is None:
        return None
    prefix = found[1].lower()
    return Quote(found[0], found[2], is_raw="r" in prefix, interpolates="f" in prefix)


def _expression(_: SgNode, literal: Literal) -> str:
    return f'os.environ["{NAME}"]' + (".encode()" if _is_bytes(literal) else "")


def _interpolation(_: SgNode, literal: Literal) -> str:
    other = '"' if "'" in literal.quote.closing else "'"  # before Python 3.12 the same quote ends the string
    return f"{{os.environ[{other}{NAME}{other}]}}"


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> tuple[int, int, str] | None:
    """Make the literal an f-string; bytes, which cannot be one, become a sum."""
    low, high = literal.body
    before, after = document.text[low:start], document.text[end:high]
    if _is_bytes(literal):
        parent = node.parent()
        if parent is not None and parent.kind() == "concatenated_string":
            return None
        return code.concatenated(document, node, literal, start, end, _expression(node, literal), " + ")
    if literal.quote.opening.lower().startswith("u"):
        return None
    braced = [part.replace("{", "{{").replace("}", "}}") for part in (before, after)]
    value = _interpolation(node, literal)
    return literal.start, literal.end, f"f{literal.quote.opening}{braced[0]}{value}{braced[1]}{literal.quote.closing}"


def _template(top: SgNode, document: Document) -> code.Template | None:
    """Find `"…" % …`, whose right side may be a tuple, and `"…".format(…)`: a value may hold what they read."""
    parent = top.parent()
    rest = document.text[span(top)[1] :].lstrip()
    if parent is not None and parent.kind() == "binary_operator" and rest.startswith("%"):
        return unclear()
    return unclear("{}") if parent is not None and re.match(r"\.format(?:_map)?\(", rest) else None


def _is_bytes(literal: Literal) -> bool:
    return "b" in literal.quote.opening.lower()


def _is_documentation(node: SgNode) -> bool:
    """Whether a string is a statement by itself: a docstring, or the description of what stands above it."""
    parent = node.parent()
    return parent is not None and parent.kind() == "expression_statement"


def _obstacle(node: SgNode, document: Document, _: Surroundings) -> tuple[str, str] | None:
    for one in upwards(node):
        kind = one.kind()
        if kind == "case_pattern":
            return "a case pattern takes no expression", "Compare in a guard: `case value if value == …`."
        if kind == "type" and "Literal[" in one.text():
            return "a type takes no expression", "Take the value out of the type."
        if kind in ("block", "module"):
            break
    return why_no_os(node, document.text)


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find `os.getenv("NAME", <node>)`: a fallback that would never be missed."""
    arguments = node.parent()
    call = arguments.parent() if arguments is not None and arguments.kind() == "argument_list" else None
    function = call.field("function") if call is not None else None
    if call is None or arguments is None or function is None or not _READERS.fullmatch(function.text()):
        return None
    given = [one for one in arguments.children() if one.is_named()]
    name = re.fullmatch(r"[\"']([A-Za-z_][A-Za-z0-9_]*)[\"']", given[0].text()) if len(given) == 2 else None
    return (call, name[1]) if name and span(given[1]) == span(node) else None


def _keeps(call: SgNode, name: str, _: Literal, document: Document) -> str:
    """Choose by whether it is set: the default of a call is read always, and `or` would pass over an empty one."""
    function = call.field("function")
    if function is None or function.text().endswith("setdefault"):
        return ""
    text = f'os.environ["{name}"] if "{name}" in os.environ else os.environ["{NAME}"]'
    return text if code.stands_alone(document, call) else f"({text})"


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: the import of os, unless the module has it above all of `chosen`."""
    root = code.tree(LANGUAGE, document)
    first = min((site.start for site, _ in chosen), default=0)
    return _import(root, document) if chosen and not is_imported(root, first) else ()


def _import(root: SgNode, document: Document) -> Sequence[Edit]:
    """Import os below the docstring and `__future__`, above everything else that is imported."""
    after = document.text.startswith("#!") or re.match(r"(?:#[^\n]*\n)?#.*coding[:=]", document.text)
    place = document.text.find("\n") + 1 if after else 0
    for number, statement in enumerate(one for one in root.children() if one.is_named()):
        kind, end = statement.kind(), _line_end(document.text, span(statement)[1])
        if (number == 0 and kind == "expression_statement" and statement.child(0).kind() == "string") or (
            kind == "future_import_statement"
        ):
            place = end
        elif kind in ("import_statement", "import_from_statement"):
            return (Edit(span(statement)[0], span(statement)[0], f"import os{document.newline}"),)
        elif kind != "comment":
            start = span(statement)[0]
            return (Edit(start, start, f"import os{document.newline}{document.newline}"),)
    return (Edit(place, place, f"import os{document.newline}"),)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: ast.parse where it took the file before."""
    return (
        "it would be no Python any more"
        if ast_of(before.text) and not ast_of(after.text)
        else (code.fault(LANGUAGE, before, after))
    )


LANGUAGE = code.Language(
    grammar="python",
    suffixes=(".py", ".pyi", ".pyw"),
    names=("SConstruct", "SConscript", "wscript"),
    strings=frozenset(("string",)),
    comments=frozenset(("comment",)),
    holes=frozenset(("interpolation",)),
    joins=frozenset(("concatenated_string",)),
    sums=frozenset(("binary_operator",)),
    quote=_quote,
    expression=_expression,
    interpolation=_interpolation,
    split=_split,
    obstacle=_obstacle,
    is_documentation=_is_documentation,
    lookup=_lookup,
    keeps=_keeps,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
