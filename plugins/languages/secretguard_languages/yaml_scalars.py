"""Scalars of YAML: where each stands, what a program gets from it, and how a part of it is written again.

The tree is ast-grep's. Expressions of template languages (`{{ … }}`, `${{ … }}`, `<% … %>`) are no YAML: before a file
is parsed they are covered with as many other characters, so that all positions stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretguard.rewriting import AWS_REFERENCE, Document
from secretguard_languages.literals import HOLE, Literal, Quote
from secretguard_languages.syntax import deepest, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

Replacement = tuple[int, int, str]
"""Characters of a file, and what goes there."""
_EXPRESSION = re.compile(r"\$?\{\{(?:(?!\}\}).){0,4000}?\}\}|<%(?:(?!%>).){0,4000}?%>", re.DOTALL)
_ONLY_EXPRESSIONS = re.compile(rf"^([ \t]*)({HOLE}[{HOLE} \t]*)$", re.MULTILINE)
_SCALARS = frozenset(("plain_scalar", "single_quote_scalar", "double_quote_scalar", "block_scalar"))
_PAIRS = ("block_mapping_pair", "flow_pair")
_ITEMS = ("block_sequence_item", "flow_sequence")
_FOLD = re.compile(r"[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*")
_ESCAPE = re.compile(
    r"\\(?:x(?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})"
    r"|(?P<line>[ \t]*\r?\n[ \t]*)|(?P<one>.))",
    re.DOTALL,
)
_NAMED = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b"}
_HEADER = re.compile(r"(?P<style>[|>])(?P<hint>[0-9+-]*)[^\n]*\n")
_NOT_PLAIN = re.compile(
    r"""[\[\]{},#&*!|>'"%@`]|[-?:](?:[ \t]|$)|(?:null|true|false|yes|no|on|off|~)$""", re.IGNORECASE
)
_PLAIN_ENDS = re.compile(r":(?:[ \t\r\n]|$)|[ \t]#")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar of a document, and where in the tree it is."""

    node: SgNode
    literal: Literal
    """Its text; the quote's opening is `'`, `"`, `|`, `>` or, for a plain one, empty."""
    path: tuple[str, ...]
    """The keys that lead to it, the outermost first; empty for an item of a sequence."""
    is_key: bool = False
    in_flow: bool = False

    @property
    def text(self) -> str:
        """What a program gets."""
        return self.literal.text


def covered(text: str) -> str:
    """Return `text` with template expressions covered by HOLE, and lines of nothing else empty; as long as before."""
    hidden = _EXPRESSION.sub(lambda one: re.sub(r"[^\r\n]", HOLE, one[0]), text)
    return _ONLY_EXPRESSIONS.sub(lambda one: one[1] + " " * len(one[2]), hidden)


def expression_at(text: str, position: int) -> tuple[int, int] | None:
    """Return the template expression of `text` that holds a position."""
    for one in _EXPRESSION.finditer(text):
        if one.start() <= position < one.end():
            return one.span()
    return None


def scalar_at(root: SgNode, source: str, start: int, end: int) -> Scalar | None:
    """Return the scalar that holds [start, end) of `source`, which `root` is the tree of."""
    above = list(upwards(deepest(root, start, end)))
    node = next((one for one in above if one.kind() in _SCALARS), None)
    if node is None or any(one.kind() == "ERROR" for one in above):
        return None
    pair = next((one for one in above if one.kind() in _PAIRS), None)
    key = pair.field("key") if pair is not None else None
    is_key = key is not None and span(key)[0] <= start and end <= span(key)[1]
    in_flow = any(one.kind() in ("flow_mapping", "flow_sequence") for one in above)
    literal = read_scalar(source, *span(node))
    return Scalar(node, literal, path_of(above, source), is_key, in_flow) if literal is not None else None


def path_of(above: list[SgNode], source: str) -> tuple[str, ...]:
    """Return the keys on the way from the root to the innermost of `above`."""
    path: list[str] = []
    below = above[0]
    for one in above:
        if one.kind() in _PAIRS:
            path.append(key_of(one, source))
        elif one.kind() in _ITEMS and one is not below:
            path.append("")
        below = one
    return tuple(reversed(path))


def key_of(pair: SgNode, source: str) -> str:
    """Return the key of a pair, as a program gets it."""
    return text_of(pair.field("key"), source)


def text_of(node: SgNode | None, source: str) -> str:
    """Return the text of a node that is one scalar; empty if it is anything else."""
    node = _inner(node)
    if node is None or node.kind() not in _SCALARS:
        return ""
    literal = read_scalar(source, *span(node))
    return literal.text if literal else ""


def pairs_of(node: SgNode | None, source: str) -> dict[str, SgNode]:
    """Return the pairs of a node that is a mapping, by key; the first of two that have the same."""
    node = _inner(node)
    if node is None or node.kind() not in ("block_mapping", "flow_mapping"):
        return {}
    found: dict[str, SgNode] = {}
    for one in node.children():
        if one.kind() in _PAIRS:
            found.setdefault(key_of(one, source), one)
    return found


def items_of(node: SgNode | None) -> Iterator[SgNode]:
    """Yield the items of a node that is a sequence."""
    node = _inner(node)
    if node is None or node.kind() not in ("block_sequence", "flow_sequence"):
        return
    for one in node.children():
        if one.kind() == "block_sequence_item":
            yield from (child for child in one.children() if child.kind() in ("block_node", "flow_node"))
        elif one.kind() in ("flow_node", "flow_pair"):
            yield one


def value_at(node: SgNode | None, source: str, *keys: str) -> SgNode | None:
    """Return what stands under `keys`, one mapping inside the other."""
    for key in keys:
        pair = pairs_of(node, source).get(key)
        node = pair.field("value") if pair is not None else None
    return node


def pair_above(node: SgNode) -> SgNode | None:
    """Return the pair that holds a node."""
    return next((one for one in upwards(node) if one.kind() in _PAIRS), None)


def mapping_above(node: SgNode) -> SgNode | None:
    """Return the mapping that holds the pair that holds a node."""
    pair = pair_above(node)
    return pair.parent() if pair is not None else None


def contents(root: SgNode) -> list[SgNode]:
    """Return what each document of a file holds."""
    return [
        child
        for document in root.children()
        if document.kind() == "document"
        for child in document.children()
        if child.kind() in ("block_node", "flow_node")
    ]


def read_scalar(source: str, start: int, end: int) -> Literal | None:
    """Return the scalar that is written at [start, end) of `source`."""
    opening = source[start : start + 1]
    if opening in ("|", ">"):
        return _block(source, start, end)
    quote = Quote(opening, opening) if opening in ("'", '"') else Quote("", "")
    low, high = start + len(quote.opening), end - len(quote.closing)
    pieces = list(_flow(source, low, high, quote.opening))
    places = (*(place for _, place in pieces), high)
    return Literal(start, end, "".join(character for character, _ in pieces), places, quote)


def written(document: Document, scalar: Scalar, low: int, high: int, text: str) -> Replacement | None:
    """Return how [low, high) of the text of a scalar becomes `text`; None where that takes more than one line."""
    literal, source = scalar.literal, document.text
    start, end = literal.places[low], literal.places[high]
    opening = literal.quote.opening
    if opening in ("|", ">"):
        return None if "\n" in source[start:end] else (start, end, text)
    if opening == "'":
        return start, end, text.replace("'", "''")
    if opening == '"':
        return start, end, _escaped(text)
    before, after = source[literal.start : start], source[end : literal.end]
    whole = before + text + after
    if _is_plain(whole, in_flow=scalar.in_flow):
        return start, end, text
    quoted = None if "\n" in before + after else _quoted(whole)
    return (literal.start, literal.end, quoted) if quoted else None


def is_plain(text: str) -> bool:
    """Whether `text` can stand without quotes in a block mapping, and is a text there."""
    return _is_plain(text, in_flow=False)


def _is_plain(text: str, *, in_flow: bool) -> bool:
    text = text.replace(AWS_REFERENCE, "{{}}")  # as it will begin, and end
    return bool(
        text
        and text == text.strip()
        and not _NOT_PLAIN.match(text)
        and not _PLAIN_ENDS.search(text)
        and not (in_flow and any(one in text for one in ",[]{}"))
    )


def _quoted(text: str) -> str | None:
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f"'{text}'" if "'" not in text else None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _inner(node: SgNode | None) -> SgNode | None:
    """Return what a node holds beside its tag and anchor."""
    while node is not None and node.kind() in ("block_node", "flow_node"):
        held = [one for one in node.children() if one.kind() not in ("tag", "anchor", "comment")]
        node = held[-1] if held else None
    return node


def _flow(source: str, start: int, end: int, opening: str) -> Iterator[tuple[str, int]]:
    at = start
    while at < end:
        if fold := _FOLD.match(source, at, end):
            lines = fold[0].count("\n")
            yield from ((one, at) for one in ("\n" * (lines - 1) or " "))
            at = fold.end()
        elif opening == "'" and source.startswith("''", at):
            yield "'", at
            at += 2
        elif opening == '"' and (escape := _ESCAPE.match(source, at, end)):
            yield from ((one, at) for one in _unescaped(escape))
            at = escape.end()
        else:
            yield source[at], at
            at += 1


def _unescaped(found: re.Match[str]) -> str:
    if digits := found["two"] or found["four"] or found["eight"]:
        number = int(digits, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    return "" if found["line"] else _NAMED.get(found["one"], found["one"])


def _block(source: str, start: int, end: int) -> Literal | None:
    header = _HEADER.match(source, start, end)
    if header is None:
        return None
    hint = re.search(r"[1-9]", header["hint"])
    margin = _key_column(source, start) + int(hint[0]) if hint else _margin(source, header.end(), end)
    pieces: list[tuple[str, int]] = []
    at = header.end()
    while at < end:
        stop = source.find("\n", at, end)
        stop = end if stop < 0 else stop + 1
        line = source[at:stop]
        skipped = min(margin, len(line) - len(line.lstrip(" ")))
        for number, character in enumerate(line[skipped:].rstrip("\r\n"), at + skipped):
            pieces.append((character, number))
        if stop < end or line.endswith("\n"):
            pieces.append(("\n" if header["style"] == "|" else " ", stop - len(line) + len(line.rstrip("\r\n"))))
        at = stop
    if pieces and source.endswith("\n", start, end):
        pieces[-1] = ("\n", pieces[-1][1])
    text = "".join(character for character, _ in pieces)
    return Literal(start, end, text, (*(place for _, place in pieces), end), Quote(header["style"], ""))


def _key_column(source: str, position: int) -> int:
    """Return the column of the key on the line of a position, behind the dashes of sequences."""
    line = source[source.rfind("\n", 0, position) + 1 : position]
    found = re.match(r"[ ]*(?:-[ ]+)*", line)
    return found.end() if found else 0


def _margin(source: str, start: int, end: int) -> int:
    """Return how far the first line of a block that is not empty is indented."""
    found = re.compile(r"^( *)[^ \r\n]", re.MULTILINE).search(source, start, end)
    return len(found[1]) if found else 0
