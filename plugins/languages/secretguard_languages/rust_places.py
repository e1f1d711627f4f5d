"""Rust: where a String can stand for a literal, which is a `&'static str`; what is not certain is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from secretguard.rewriting import Document
from secretguard_languages.rust_callees import AS_STR, BORROWED, OWNED, taken_by
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_FORMATS = frozenset(
    (
        *("format", "print", "println", "eprint", "eprintln", "write", "writeln", "panic", "todo", "unimplemented"),
        *("trace", "debug", "info", "warn", "error", "anyhow", "bail"),
    )
)
_LOGS = frozenset(("trace", "debug", "info", "warn", "error"))
_OWNING = ("to_string", "to_owned")
_OF_ITSELF = frozenset(
    (
        *("into", "parse", "len", "is_empty", "to_uppercase", "to_lowercase", "replace", "repeat", "contains"),
        *("starts_with", "ends_with", "eq", "to_string", "to_owned"),
    )
)
"""Methods of a string that say the same of a String, and return nothing that borrows from it."""
_READER = re.compile(r'(?:(?:std::)?env|dotenvy?)::var\(\s*"(\w+)"\s*\)\s*(?:\.ok\(\)\s*)?\.unwrap_or(?:_else)?\(')
_STRING_FROM = re.compile(r"(?:std::string::)?String::from")
_READ = 'Read std::env::var("…") where the program starts.'
_LAZY = 'Make it a `static` of type LazyLock<String> that reads std::env::var("…").'


class Place(NamedTuple):
    """What a String is put in the place of, and what is written around it."""

    node: SgNode
    before: str = ""
    after: str = ""


_WRITTEN = {OWNED: ("", ""), BORROWED: ("&", ""), AS_STR: ("", ".as_str()")}


def place_of(node: SgNode) -> Place | None:
    """Return where the String goes for a literal; None where that is not certain to compile."""
    parent = node.parent()
    if parent is None:
        return None
    kind, outer = parent.kind(), parent.parent()
    if kind == "field_expression":
        return _of_method(node, parent)
    if kind == "arguments" and outer is not None:
        function = outer.field("function")
        if function is not None and _STRING_FROM.fullmatch(function.text()):
            return Place(outer)
        way = taken_by(outer, _number(parent, node))
        return Place(node, *_WRITTEN[way]) if way else None
    if kind == "binary_expression":
        operator = parent.field("operator")
        if operator is not None and operator.text() in ("==", "!="):
            return Place(node, "", ".as_str()")
        right = parent.field("right")
        is_added = operator is not None and operator.text() == "+" and right is not None and span(right) == span(node)
        return Place(node, "&") if is_added else None
    if kind == "let_declaration":
        return Place(node, "&") if _is_only_lent(parent, node) else None
    if kind == "token_tree" and _macro(parent) in _FORMATS and _is_argument(parent, node):
        return Place(node)
    return None


def formatted(node: SgNode) -> list[int] | None:
    """Return where each positional argument of the format that a literal is ends; None if it is no format."""
    tree = node.parent()
    if tree is None or tree.kind() != "token_tree" or _macro(tree) not in _FORMATS:
        return None
    arguments = list(_arguments(tree))
    at = next((number for number, one in enumerate(arguments) if [span(each) for each in one] == [span(node)]), None)
    first = int(_macro(tree) in ("write", "writeln"))
    if at is None or (at != first and not (_macro(tree) in _LOGS and at > first)):
        return None
    return [span(one[-1])[1] for one in arguments[at + 1 :] if one and not _is_named(one)]


def reader_around(node: SgNode) -> tuple[SgNode, str] | None:
    """Find `env::var("NAME").unwrap_or_else(|_| <node>)`."""
    for one in list(upwards(node))[1:4]:
        head, tail = one.text()[: span(node)[0] - span(one)[0]], one.text()[span(node)[1] - span(one)[0] :]
        found = _READER.match(head)
        if found and tail.strip() == ")" and re.fullmatch(r"\s*(?:\|\w*\|\s*)?", head[found.end() :]):
            return one, found[1]
    return None


def why_not(node: SgNode, document: Document) -> tuple[str, str] | None:
    """Return why a literal has to stay, and what to do; None if a String can be read in its place."""
    if node.text()[:1] in "bc":
        return "a byte string takes no call", f"{_READ} Its bytes are in as_bytes()."
    for one in upwards(node):
        kind = one.kind()
        if kind in ("attribute_item", "inner_attribute_item"):
            return "an attribute takes no call", "Take the value out of the attribute."
        if kind in ("match_pattern", "tuple_struct_pattern", "let_condition"):
            return "a pattern takes no call", "Compare in a guard: `value if value == …`."
        if kind in ("const_item", "static_item"):
            return f"a {str(kind).removesuffix('_item')} takes no call", _LAZY
        if kind == "function_item" and re.match(r"[^({]*\bconst\b", one.text()):
            return "a const fn takes no call", _READ
        if kind in ("closure_expression", "function_item"):
            break
    if "#![no_std]" in document.text:
        return "there is no environment without std", "Pass the value in."
    if place_of(node) is not None:
        return None
    parent = node.parent()
    if parent is not None and parent.kind() == "token_tree":
        return f"the macro {_macro(parent) or ''}! may take it as it is written", _READ
    return "whether a borrowed or an owned string does there is not certain", _READ


def _of_method(node: SgNode, field: SgNode) -> Place | None:
    call, name = field.parent(), field.field("field")
    if call is None or call.kind() != "call_expression" or name is None:
        return None
    if name.text() in _OWNING:
        return Place(call)
    return Place(node) if name.text() in _OF_ITSELF else None


def _is_only_lent(declaration: SgNode, literal: SgNode) -> bool:
    """Whether every use of the name that a `let` gives takes a borrowed String that ends with the block."""
    pattern, wanted, block = declaration.field("pattern"), declaration.field("type"), declaration.parent()
    value = declaration.field("value")
    if pattern is None or pattern.kind() != "identifier" or block is None or value is None:
        return False
    if span(value) != span(literal) or (wanted is not None and wanted.text() != "&str"):
        return False
    uses = [one for one in block.find_all(kind="identifier") if one.text() == pattern.text()]
    return all(span(one) == span(pattern) or _is_lent(one, block) for one in uses)


def _is_lent(use: SgNode, block: SgNode) -> bool:
    for one in upwards(use):
        if span(one) == span(block):
            break
        if one.kind() in ("closure_expression", "async_block"):
            return False
    parent = use.parent()
    if parent is None:
        return False
    if parent.kind() == "token_tree":
        return _macro(parent) in _FORMATS and _is_argument(parent, use)
    if parent.kind() == "field_expression":
        name, call = parent.field("field"), parent.parent()
        is_called = call is not None and call.kind() == "call_expression"
        return is_called and name is not None and name.text() in _OF_ITSELF - {"into", "eq"}
    call = parent.parent() if parent.kind() == "arguments" else None
    if call is None:
        return False
    function = call.field("function")
    if function is not None and _STRING_FROM.fullmatch(function.text()):
        return True
    return taken_by(call, _number(parent, use)) == BORROWED


def _macro(tree: SgNode) -> str:
    """Return the last part of the name of the macro whose arguments these tokens are."""
    parent = tree.parent()
    name = parent.field("macro") if parent is not None and parent.kind() == "macro_invocation" else None
    if name is None and (mark := tree.prev()) is not None and mark.text() == "!":  # inside the tokens of another one
        name = mark.prev()
    return name.text().rpartition("::")[2] if name is not None else ""


def _arguments(tree: SgNode) -> Iterator[list[SgNode]]:
    """Yield the tokens of each argument of a macro."""
    tokens: list[SgNode] = []
    for one in tree.children()[1:-1]:
        if one.kind() == ",":
            yield tokens
            tokens = []
        else:
            tokens.append(one)
    if tokens:
        yield tokens


def _is_argument(tree: SgNode, node: SgNode) -> bool:
    """Whether a token is a whole argument, a named one too."""
    for tokens in _arguments(tree):
        value = tokens[2:] if _is_named(tokens) else tokens
        if [span(one) for one in value] == [span(node)]:
            return True
    return False


def _is_named(tokens: list[SgNode]) -> bool:
    return len(tokens) > 2 and tokens[0].kind() == "identifier" and tokens[1].text() == "="


def _number(arguments: SgNode, node: SgNode) -> int:
    """Return which argument a node is, from 0."""
    given = [one for one in arguments.children() if one.is_named() and not str(one.kind()).endswith("comment")]
    return next(number for number, one in enumerate(given) if span(one) == span(node))
