"""Go: `os.Getenv("NAME")`, which is empty where the variable is not set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Edit, Site, Surroundings, Variable
from secretguard_languages import code
from secretguard_languages.format_strings import printf
from secretguard_languages.go_constants import constant_around, why_constant
from secretguard_languages.go_types import is_untold, named, wanted_type
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import deepest, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_STRINGS = frozenset(("interpreted_string_literal", "raw_string_literal"))
_PRINTF = re.compile(r"(?:\w+\.)*(?:[A-Z]\w*[a-z]f|Logf|Wrapf)")
_PLAIN_TYPES = ("string", "any", "interface{}")
_FITTING = "Read it with os.Getenv where the program starts."


def _quote(text: str) -> Quote:
    return Quote("`", "`", is_raw=True) if text.startswith("`") else Quote('"', '"')


def _expression(node: SgNode, _: Literal) -> str:
    call = f'os.Getenv("{NAME}")'
    wanted = wanted_type(node)
    return call if wanted in _PLAIN_TYPES else f"{wanted}({call})"


def _obstacle(node: SgNode, document: Document, around: Surroundings) -> code.Refusal | None:
    for one in upwards(node):
        kind = one.kind()
        if kind == "field_declaration":
            return "a struct tag takes no expression", "Take the value out of the tag."
        if kind == "import_spec":
            return "an import path takes no expression", "Take the value out of the path."
        if kind in ("expression_case", "block", "func_literal"):
            break
        if kind == "const_spec":
            return why_constant(one, document, around)
    if (case := _case_of(node)) is not None and case:
        return "a case of a switch is compared with it", "Compare with os.Getenv in an `if` before the switch."
    if is_untold(node, document, around):
        return "whether a type of its own is wanted there is not certain", f"Convert it to that type. {_FITTING}"
    if _has_another_os(list(upwards(node))[-1]):
        return "`os` is another name in this file", f"Import the package under a free name. {_FITTING}"
    return None


def _has_another_os(root: SgNode) -> bool:
    """Whether `os` is anything but the package: a package stands before a dot only."""
    for one in root.find_all(kind="import_spec"):
        name = one.field("name")
        called = name.text() if name is not None else _path(one).rpartition("/")[2]
        if called == "os" and _path(one) != "os":
            return True
    words = (one for kind in ("identifier", "type_identifier") for one in root.find_all(kind=kind))
    above = (one.parent() for one in words if one.text() == "os")
    return any(one is not None and one.kind() not in ("selector_expression", "literal_element") for one in above)


def _case_of(node: SgNode) -> bool:
    """Whether a literal is a value of a `case`, not of what is done there."""
    for one in upwards(node):
        parent = one.parent()
        if parent is not None and parent.kind() == "expression_case":
            value = parent.field("value")
            return value is not None and span(value) == span(one)
        if one.kind() in ("block", "statement_list"):
            return False
    return False


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement:
    """Cut it into a sum, with the blanks that gofmt leaves: none among several arguments of a call."""
    plus = " + "
    for one in upwards(node):
        if one.kind() == "argument_list" and len(named(one)) > 1:
            plus = "+"
        if one.kind() in ("block", "func_literal", "literal_value"):
            break
    return code.concatenated(document, node, literal, start, end, _expression(node, literal), plus)


def _template(top: SgNode, document: Document) -> code.Template | None:
    arguments = top.parent()
    call = arguments.parent() if arguments is not None and arguments.kind() == "argument_list" else None
    function = call.field("function") if call is not None else None
    if arguments is None or function is None or not _PRINTF.fullmatch(function.text()):
        return None
    given = named(arguments)
    at = next((number for number, one in enumerate(given) if span(one) == span(top)), 0)
    if any(one.kind() in _STRINGS for one in given[:at]):
        return None
    return printf(document, given[at + 1 :], f'os.Getenv("{NAME}")')


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find `cmp.Or(os.Getenv("NAME"), <node>)`."""
    arguments = node.parent()
    call = arguments.parent() if arguments is not None and arguments.kind() == "argument_list" else None
    found = (
        re.fullmatch(r"cmp\.Or\(\s*os\.Getenv\(\"(\w+)\"\),\s*", call.text()[: -len(node.text()) - 1]) if call else None
    )
    return (call, found[1]) if call is not None and found else None


def _imports(root: SgNode, document: Document) -> Sequence[Edit]:
    """Import os in the first group of imports, where gofmt would put it."""
    paths = {spec.text(): spec for spec in root.find_all(kind="import_spec")}
    if '"os"' in paths:
        return ()
    newline = document.newline
    for declaration in (one for one in root.children() if one.kind() == "import_declaration"):
        block = next((one for one in declaration.children() if one.kind() == "import_spec_list"), None)
        if block is not None:
            return (_in_block(block, newline),)
        if '"C"' not in declaration.text():
            end = span(declaration)[1]
            return (Edit(end, end, f'{newline}import "os"'),)
    package = next((one for one in root.children() if one.kind() == "package_clause"), None)
    end = span(package)[1] if package is not None else 0
    return (Edit(end, end, f'{newline}{newline}import "os"'),)


def _in_block(block: SgNode, newline: str) -> Edit:
    before = None
    for spec in _first_group(block):
        if spec.kind() == "import_spec" and _path(spec) > "os":
            start = span(spec)[0]
            return Edit(start, start, f'"os"{newline}\t')
        before = spec
    at = span(before)[1] if before is not None else span(block)[0] + 1
    return Edit(at, at, f'{newline}\t"os"' + ("" if before is not None or newline in block.text() else newline))


def _first_group(block: SgNode) -> Iterator[SgNode]:
    line = None
    for spec in named(block):
        row = spec.range().start.line
        if line is not None and row > line + 1:
            return
        if spec.kind() == "import_spec":
            yield spec
        line = spec.range().end.line


def _path(spec: SgNode) -> str:
    path = spec.field("path")
    return path.text().strip('"`') if path is not None else ""


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: the import, and `var` for a constant that is read at run time."""
    if not chosen:
        return ()
    root = code.tree(LANGUAGE, document)
    constants = (constant_around(deepest(root, site.start, site.end)) for site, _ in chosen)
    words = [Edit(*span(one.children()[0]), "var") for one in constants if one is not None]
    return (*code.additions(LANGUAGE, document, chosen), *words)


LANGUAGE = code.Language(
    grammar="go",
    suffixes=(".go",),
    strings=_STRINGS,
    comments=frozenset(("comment",)),
    sums=frozenset(("binary_expression",)),
    quote=_quote,
    expression=_expression,
    obstacle=_obstacle,
    split=_split,
    lookup=_lookup,
    template=_template,
    imports=_imports,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
fault = partial(code.fault, LANGUAGE)
