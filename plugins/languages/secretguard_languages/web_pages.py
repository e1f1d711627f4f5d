"""HTML, and components that are built into pages: text gets a placeholder, what runs in a browser goes to a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.browsers import BACKEND
from secretguard_languages.code import manual
from secretguard_languages.syntax import deepest, errors, parsed, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_PAGES = (".html", ".htm", ".xhtml")
_COMPONENTS = (".vue", ".svelte", ".astro")
_FOR_READERS = frozenset(("alt", "cite", "href", "placeholder", "summary", "title"))
"""Attributes that nothing but a reader uses."""
_TEMPLATE = (("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("<?", "?>"))


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith((*_PAGES, *_COMPONENTS)))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    root = parsed(document.text, "html")
    return [_at(document, spot, deepest(root, spot.start, spot.end)) for spot in spots]


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`."""
    more = errors(parsed(after.text, "html")) - errors(parsed(before.text, "html"))
    return "it would not parse any more" if more > 0 else ""


def _at(document: Document, spot: Spot, node: SgNode) -> Site | ManualItem:
    above = list(upwards(node))
    kinds = {one.kind() for one in above}
    if "comment" in kinds and not _is_in_template(document.text, spot.start):
        return placeholder(spot)
    if "script_element" in kinds or document.name.lower().endswith(_COMPONENTS):
        return manual(document, spot.start, "it runs in a browser", BACKEND)
    if _is_in_template(document.text, spot.start) or "ERROR" in kinds:
        return manual(document, spot.start, "it is code of a template", "Give the value to the template.")
    attribute = next((one for one in above if one.kind() == "attribute"), None)
    if attribute is not None and re.split(r"\s*=", attribute.text().lower())[0] not in _FOR_READERS:
        return manual(document, spot.start, "a page may use the attribute that it stands in", BACKEND)
    return placeholder(spot)


def _is_in_template(text: str, at: int) -> bool:
    return any(text.rfind(opening, 0, at) > text.rfind(closing, 0, at) for opening, closing in _TEMPLATE)
