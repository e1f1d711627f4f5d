"""Documentation and recorded data: a placeholder, as nobody runs them. pip's requirement files take variables."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around as widest
from secretguard_languages.code import manual

_SUFFIXES = (
    *(".adoc", ".asciidoc", ".csv", ".jsonl", ".log", ".markdown", ".md", ".mdx", ".mkd", ".ndjson", ".org", ".rst"),
    *(".tex", ".text", ".textile", ".tsv", ".txt"),
)
_NAMES = frozenset(("AUTHORS", "CHANGELOG", "CHANGES", "CONTRIBUTING", "HISTORY", "INSTALL", "NOTES", "README", "TODO"))
_REQUIREMENTS = re.compile(
    r"(?:.*/)?(?:[\w.-]*requirements|constraints)[\w.-]*\.(?:txt|in)|(?:.*/)?requirements/[\w./-]+\.(?:txt|in)"
)
_READ_BY_A_PROGRAM = re.compile(r"(?:.*/)?CMakeLists\.txt|(?:.*/)?(?:secrets?|run/secrets)/[^/]+")
_CODE_OF_MDX = re.compile(r"[ \t]*(?:import|export)\b|[^`]*[<{]")


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    is_prose = document.name.lower().endswith(_SUFFIXES) or document.name in _NAMES
    return 2 if _REQUIREMENTS.fullmatch(document.path) else int(is_prose)


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    found: list[Site | ManualItem] = []
    for spot in spots:
        if not any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            found.append(_at(document, spot))
    return found


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(_: Document, __: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: any text is sound."""
    return ""


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    low = document.text.rfind("\n", 0, spot.start) + 1
    line = document.text[low:].partition("\n")[0].rstrip("\r")
    if _REQUIREMENTS.fullmatch(document.path) and not re.match(r"\s*#", line):
        return _in_requirements(document, spot, low, line)
    if document.text.strip() == document.text[spot.start : spot.end] or _READ_BY_A_PROGRAM.fullmatch(document.path):
        return manual(document, spot.start, "a program may read this file", "Take it out of git, and mount it there.")
    if document.name.endswith(".mdx") and _CODE_OF_MDX.match(line[: spot.start - low]):
        return manual(document, spot.start, "it may be code of the page", "Keep the value out of what is built.")
    return placeholder(spot)


def _in_requirements(document: Document, spot: Spot, low: int, line: str) -> Site | ManualItem:
    """Return a variable as pip puts it in: `${NAME}`."""
    if spot.encoding:
        return manual(document, spot.start, f"it stands there in {spot.encoding[0]}", "Write it plain, as a variable.")
    found = widest(line, spot.start - low, spot.end - low, Login(spot.user, spot.secret))
    form = "quoted" if found.form == "password" and "://" in line[: found.start] else found.form
    text = Secret(line[found.start : found.end])
    return Site(low + found.start, low + found.end, f"${{{NAME}}}", Spelling(form, text))
