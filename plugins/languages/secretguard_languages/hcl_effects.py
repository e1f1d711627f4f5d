"""What else of a Terraform module fails once a value in it is a sensitive variable: its callers, and outputs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, ManualItem, Surroundings
from secretguard_languages.code import manual
from secretguard_languages.syntax import deepest, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_SOURCE = re.compile(r"^[ \t]*source[ \t]*=[ \t]*\"(\.{1,2}(?:/[^\"]*)?)\"", re.MULTILINE)
_SENSITIVE = re.compile(r"^\s*sensitive\s*=\s*true\b", re.MULTILINE)


def callers(folder: str, around: Surroundings) -> Iterator[ManualItem]:
    """Yield what a person has to do at each call of the module in a folder that gets a variable without a value."""
    for path in sorted(around.paths):
        text = (around.read(path) or "") if path.endswith((".tf", ".tofu")) else ""
        if not re.search(r"\bmodule\b", text):
            continue
        for block in parsed(text, "hcl").find_all(kind="block"):
            source = _SOURCE.search(block.text()) if kind_of(block) == "module" else None
            if source and _joined(path.rpartition("/")[0], source[1]) == (folder or "."):
                yield manual(
                    Document(path, text),
                    span(block)[0],
                    "the module that is called here gets a variable that has no value",
                    "Declare it here as well, and pass it: `database_url = var.database_url`, and likewise for others.",
                )


def outputs(files: Sequence[Document], document: Document, starts: Iterable[int]) -> Iterator[ManualItem]:
    """Yield what a person has to do about each output of a module that shows what is edited at `starts`."""
    blocks = [(file, one) for file in files for one in parsed(file.text, "hcl").find_all(kind="block")]
    root = parsed(document.text, "hcl")
    names = {name for at in starts if (name := _address(deepest(root, at, at + 1)))}
    settings = [one for _, block in blocks if kind_of(block) == "locals" for one in _attributes(block)]
    for _ in settings:
        more = {f"local.{_name(one)}" for one in settings if _reads(one, names)} - names
        if not more:
            break
        names |= more
    for file, block in blocks:
        shown = [one for one in _attributes(block) if _name(one) == "value"] if kind_of(block) == "output" else []
        if any(_reads(one, names) for one in shown) and not _SENSITIVE.search(block.text()):
            advice = "Add `sensitive = true` to it, or take it out."
            yield manual(file, span(block)[0], "the output shows a value that is sensitive now", advice)


def kind_of(block: SgNode) -> str:
    """Return the word with which a block begins."""
    return block.children()[0].text()


def _joined(folder: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(folder, source))


def _address(node: SgNode) -> str:
    """Return how the other parts of a module call the setting that a node is in."""
    attribute = ""
    for one in upwards(node):
        if one.kind() == "attribute":
            attribute = _name(one)
        if one.kind() == "block" and kind_of(one) in ("locals", "variable", "resource", "data"):
            labels = [label.text().strip('"') for label in one.children() if label.kind() == "string_lit"]
            if kind_of(one) == "locals":
                return f"local.{attribute}"
            return f"var.{labels[0]}" if kind_of(one) == "variable" and labels else ".".join((*labels, attribute))
    return ""


def _attributes(block: SgNode) -> list[SgNode]:
    body = next((one for one in block.children() if one.kind() == "body"), None)
    return [one for one in body.children() if one.kind() == "attribute"] if body is not None else []


def _name(attribute: SgNode) -> str:
    return attribute.children()[0].text()


def _reads(attribute: SgNode, names: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w.]){re.escape(one)}(?![\w-])", attribute.text()) for one in names)
