"""Makefiles: a variable of make becomes one of the environment, and an error where it is not set.

By `printenv`, for make would expand a `$` in the value of a variable that it takes from the environment itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.settings import Reader, at_value, each_once

_NAMES = re.compile(r"(?:GNU|BSD)?[Mm]akefile(?:\.\w+)?|.+\.(?:mk|mak|make)")
_SETTING = re.compile(
    r" *(?:(?:export|override)\s+)*(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?:\?|:{1,3})?=[ \t]*(?P<value>[^#\r\n]*)(?:#.*)?\r?"
)
_READER = Reader(
    reference=f"$(or $(shell printenv {NAME}),$(error {NAME} is not set))",
    runs=r"\$\([^()]*\)|\$\{[^{}]*\}|\$[^$(){}\s]",
    doubled="$",
)


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(bool(_NAMES.fullmatch(document.name)))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    return each_once(spots, lambda spot: _at(document, spot))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same variables, line for line."""
    names = [
        [one["name"] if (one := _SETTING.fullmatch(line)) else line for line in document.text.split("\n")]
        for document in (before, after)
    ]
    changed = [was for was, now in zip(*names, strict=False) if was != now]
    is_same = len(names[0]) == len(names[1]) and all(one.lstrip().startswith("#") for one in changed)
    return "" if is_same else "another line would change"


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    start = document.text.rfind("\n", 0, spot.start) + 1
    line = document.text[start:].partition("\n")[0]
    if line.lstrip().startswith("#"):
        return placeholder(spot)
    if line.startswith("\t"):
        return manual(
            document, spot.start, "it is a line of a recipe, which a shell reads",
            'Write `"$${NAME:?}"` there: make turns `$$` into `$`.',
        )  # fmt: skip
    before = document.text[:start]
    goes_on = before.rstrip("\r\n").endswith("\\") or line.rstrip().endswith("\\")
    in_define = len(re.findall(r"^\s*define\b", before, re.MULTILINE)) > len(
        re.findall(r"^\s*endef\b", before, re.MULTILINE)
    )
    found = _SETTING.fullmatch(line)
    if found is None or goes_on or in_define or spot.end > start + found.end("value"):
        return manual(document, spot.start, "it is no variable on one line", "Give it a variable of its own.")
    low, high = start + found.start("value"), start + len(found["value"].rstrip()) + found.start("value")
    value = read_literal(document.text, low, high, Quote("", "", is_raw=True))
    return at_value(document, value, spot, _READER, found["name"])
