"""The cells of a notebook: their text, and at which character of the file each of its characters is written."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, Edit, Spot
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.syntax import errors, parsed, span

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_QUOTE = Quote('"', '"')
_MAGIC = re.compile(r"^([ \t]*)(?:[%!?]|[\w., \t]+=[ \t]*[%!]|[\w.]+\?\??[ \t]*$)(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
"""A line that IPython takes for itself, and the lines that it is continued on."""
_MAGIC_CELL = re.compile(r"\s*%%(?!(?:time|timeit|capture|prun)\b)")
"""A cell that is no Python below its first line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a notebook."""

    kind: str
    start: int
    end: int
    text: str
    starts: tuple[int, ...]
    """Where each character of `text` begins in the file."""
    ends: tuple[int, ...]
    outputs: tuple[int, int] | None = None
    """The list of outputs in the file, unless it is empty."""
    separator: str | None = None
    """What stands between two lines of the source in the file; None where it is one string."""

    def in_source(self, spot: Spot) -> bool:
        """Whether a spot of the file is in the cell's text."""
        return bool(self.starts) and self.starts[0] <= spot.start and spot.end <= self.ends[-1]

    def in_outputs(self, spot: Spot) -> bool:
        """Whether a spot of the file is in the cell's outputs."""
        return self.outputs is not None and self.outputs[0] <= spot.start and spot.end <= self.outputs[1]

    def inside(self, spot: Spot) -> tuple[int, int]:
        """Return the characters of the cell's text that a spot of the file covers."""
        return self.position(spot.start), bisect_left(self.starts, spot.end)

    def position(self, at: int) -> int:
        """Return which character of the cell's text is written at a character of the file."""
        return bisect_left(self.ends, at + 1)

    def is_magic(self, at: int) -> bool:
        """Whether a character of the text is in a magic or a shell command of IPython."""
        return bool(_MAGIC_CELL.match(self.text)) or any(low <= at < high for low, high in self._magics())

    def code(self, document: Document) -> Document:
        """Return the text as a module, with comments in the place of IPython's own lines, as long as they are."""
        text = list(self.text)
        for low, high in self._magics():
            for at in range(low, high):
                if text[at] != "\n" and (at == low or text[at - 1] == "\n"):
                    text[at] = "#"
        return Document(document.path, "".join(text))

    def edit(self, start: int, end: int, text: str) -> Edit:
        """Return an edit of the cell's text as one of the file; each line stays a string of its own in a list."""
        written = json.dumps(text, ensure_ascii=False)[1:-1]
        if self.separator is not None:
            written = written.replace("\\n", f'\\n"{self.separator}"')
        low = self.starts[start] if start < len(self.starts) else self.ends[-1]
        return Edit(low, self.ends[end - 1] if end > start else low, written)

    def _magics(self) -> Iterator[tuple[int, int]]:
        return ((one.end(1), one.end()) for one in _MAGIC.finditer(self.text))


def cells_of(document: Document) -> list[Cell] | None:
    """Return the cells of a notebook, first to last; None if the file is not understood."""
    root = parsed(document.text, "json")
    top = next((one for one in root.children() if one.kind() == "object"), None)
    cells = _member(top, "cells") if top is not None and not errors(root) else None
    if cells is None or cells.kind() != "array":
        return None
    found = [_cell(document, one) for one in cells.children() if one.kind() == "object"]
    return [one for one in found if one is not None] if None not in found else None


def _cell(document: Document, node: SgNode) -> Cell | None:
    kind, source, outputs = (_member(node, key) for key in ("cell_type", "source", "outputs"))
    if kind is None or source is None or source.kind() not in ("string", "array"):
        return None
    lines = [source] if source.kind() == "string" else [one for one in source.children() if one.kind() == "string"]
    characters = [one for line in lines for one in _characters(document, line)]
    full = outputs if outputs is not None and any(one.is_named() for one in outputs.children()) else None
    return Cell(
        kind.text().strip('"'),
        *span(node),
        "".join(one[0] for one in characters),
        tuple(one[1] for one in characters),
        tuple(one[2] for one in characters),
        span(full) if full is not None else None,
        None if source.kind() == "string" else _separator(document, lines),
    )


def _characters(document: Document, line: SgNode) -> Iterator[tuple[str, int, int]]:
    """Yield each character of a string with its place in the file; a pair of surrogates is one character."""
    literal = read_literal(document.text, *span(line), _QUOTE)
    at = 0
    while at < len(literal.text):
        pair = literal.text[at : at + 2]
        width = 2 if re.fullmatch("[\ud800-\udbff][\udc00-\udfff]", pair) else 1
        character = pair.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if width == 2 else pair[0]
        if "\ud800" <= character <= "\udfff":
            character = "\ufffd"
        yield character, literal.places[at], literal.places[at + width]
        at += width


def _separator(document: Document, lines: list[SgNode]) -> str:
    """Return what stands between two strings of a list."""
    if len(lines) > 1:
        return document.text[span(lines[0])[1] : span(lines[1])[0]]
    start = span(lines[0])[0] if lines else 0
    return "," + document.text[len(document.text[:start].rstrip()) : start]


def _member(node: SgNode, key: str) -> SgNode | None:
    for pair in node.children():
        name = pair.field("key") if pair.kind() == "pair" else None
        if name is not None and name.text() == f'"{key}"':
            return pair.field("value")
    return None
