"""Jupyter: a code cell is Python inside JSON. Its text is rewritten as a module is, and its outputs are cleared.

Only the characters of strings change, and a list of lines stays one; see nbformat 4 for what a notebook holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from secretguard.rewriting import Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard.rotation import Spelling
from secretguard_languages import python
from secretguard_languages.code import manual, tree
from secretguard_languages.notebook_cells import Cell, cells_of
from secretguard_languages.python_names import is_imported

_BY_HAND = "Take the value out by hand."


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return 2 * int(document.name.lower().endswith(".ipynb"))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    notebook = _notebook(document)
    cells = cells_of(document) if notebook is not None else None
    if notebook is None or cells is None:
        return [manual(document, spot.start, "it is no notebook of nbformat 4", _BY_HAND) for spot in spots]
    found: list[Site | ManualItem] = []
    for spot in sorted(spots, key=lambda one: not any(cell.in_source(one) for cell in cells)):  # before outputs
        if any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            continue
        cell = next((one for one in cells if one.start <= spot.start and spot.end <= one.end), None)
        found += _at(document, spot, cell, _is_python(notebook), around)
    return found


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: os is imported in the first cell that needs it."""
    for cell in cells_of(document) or ():
        inside = [one for one in chosen if cell.start <= one[0].start and one[0].end <= cell.end]
        if inside:
            there = [(replace(site, start=cell.position(site.start)), variable) for site, variable in inside]
            return [cell.edit(one.start, one.end, one.text) for one in python.additions(cell.code(document), there)]
        if cell.kind == "code" and not cell.is_magic(0) and _imports_os(cell.code(document)):
            return ()
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same notebook, but for sources and outputs, and sound Python."""
    books = [_notebook(one) for one in (before, after)]
    cells = [cells_of(one) for one in (before, after)]
    if books[0] is None or books[1] is None or not cells[0] or not cells[1]:
        return "it would be no notebook any more"
    if _frame(books[0]) != _frame(books[1]):
        return "more than sources and outputs would change"
    for old, new in zip(*cells, strict=True):
        is_code = old.kind == "code" and old.text != new.text and _is_python(books[0])
        if is_code and (why := python.fault(old.code(before), new.code(after))):
            return why
    return ""


def _at(
    document: Document, spot: Spot, cell: Cell | None, is_python: bool, around: Surroundings
) -> Iterator[Site | ManualItem]:
    if cell is not None and cell.in_outputs(spot):
        yield placeholder(spot)
    elif cell is None or not cell.in_source(spot):
        yield manual(document, spot.start, "it stands in metadata", _BY_HAND)
    elif cell.kind != "code":
        yield placeholder(spot)
    elif not is_python:
        yield manual(document, spot.start, "its kernel is no Python", "Read it from the environment by hand.")
    else:
        yield from _in_code(document, spot, cell, around)


def _in_code(document: Document, spot: Spot, cell: Cell, around: Surroundings) -> Iterator[Site | ManualItem]:
    start, end = cell.inside(spot)
    if cell.is_magic(start):
        yield manual(
            document, spot.start, "a magic or a shell command of IPython", "Start the kernel with the variable set."
        )
        return
    for one in python.survey(cell.code(document), [replace(spot, start=start, end=end)], around):
        if isinstance(one, ManualItem):
            yield replace(one, line=document.line(spot.start))
            continue
        edit = cell.edit(one.start, one.end, one.text)
        kept = one.lookup
        if kept is not None:
            there = cell.edit(kept.start, kept.end, kept.text)
            kept = replace(kept, start=there.start, end=there.end, text=there.text)
        yield replace(one, start=edit.start, end=edit.end, text=edit.text, lookup=kept)
        if cell.outputs is not None and not one.is_placeholder:
            yield Site(*cell.outputs, "[]", Spelling("password", spot.secret), is_placeholder=True)


def _imports_os(module: Document) -> bool:
    return is_imported(tree(python.LANGUAGE, module), len(module.text))


def _notebook(document: Document) -> dict[str, Any] | None:
    try:
        content = json.loads(document.text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.get("nbformat") == 4 else None


def _is_python(notebook: dict[str, Any]) -> bool:
    metadata = notebook.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    kernel, language = (one if isinstance(one, dict) else {} for one in map(said.get, ("kernelspec", "language_info")))
    names = (kernel.get("language"), language.get("name"), kernel.get("name"))
    return any(isinstance(one, str) and re.fullmatch(r"i?python[23]?", one) for one in names)


def _frame(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without the sources and outputs of its cells."""
    kept = (
        {key: value for key, value in cell.items() if key not in ("source", "outputs")} for cell in notebook["cells"]
    )
    return {**notebook, "cells": list(kept)}
