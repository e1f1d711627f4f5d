"""Path globs of `ignore.paths` and CODEOWNERS, matched in time linear in both, for the repository chooses both.

The rules are those of a `.gitignore` line, without negation and escapes:

- `*` is any run of characters but `/`, `?` one of them, `[a-z]` and `[!a-z]` one of a set;
- `**` as a whole part is any number of folders, none included;
- a pattern without a `/`, or with one only at its end, matches at any depth; any other starts at the root;
- a `/` at the end matches folders only; what lies in a matched folder is matched.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

Pattern = TypeVar("Pattern")
Text = TypeVar("Text")

_ANY_FOLDERS = "**"
_TOKEN = re.compile(r"\[!?\]?[^\]/]*\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Glob:
    """One glob, taken apart."""

    text: str
    parts: tuple[str, ...]
    folders_only: bool


def glob(text: str) -> Glob:
    """Take a glob apart; raises ValueError that says what is wrong with it."""
    if text.startswith("!"):
        raise ValueError("a path glob cannot be negated with !")
    body = text.strip("/")
    parts = tuple(part for part in body.split("/") if part not in ("", "."))
    if not parts:
        raise ValueError("a path glob names a file or folder")
    if ".." in parts:
        raise ValueError("a path glob does not leave the repository")
    # As in .gitignore, a slash in front or in the middle ties the pattern to the root.
    anchored = text.startswith("/") or len(parts) > 1
    return Glob(text, parts if anchored else (_ANY_FOLDERS, *parts), text.endswith("/"))


def matches(pattern: Glob, path: str, *, below: bool = True) -> bool:
    """Whether `path` (relative to the root, with `/`) or, if `below`, a folder above it matches."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    folders = parts[:-1] if pattern.folders_only else parts
    if not below:
        return _wild(pattern.parts, folders, _ANY_FOLDERS, _part_matches)
    # A trailing `**` wants something below the folder; any other pattern is satisfied by a prefix of the path.
    if pattern.parts[-1] == _ANY_FOLDERS:
        return _wild((*pattern.parts, "*"), folders, _ANY_FOLDERS, _part_matches)
    return _wild((*pattern.parts, _ANY_FOLDERS), folders, _ANY_FOLDERS, _part_matches)


def _part_matches(pattern: str, part: str) -> bool:
    return _wild(_tokens(pattern), part, "*", _character_matches)


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(re.sub(r"\*+", "*", pattern)))


def _character_matches(token: str, character: str) -> bool:
    if len(token) == 1:
        return token in ("?", character)
    negated = token[1] == "!"
    members = token[2 if negated else 1 : -1]
    ranges = re.findall(r"(.)-(.)", members, re.DOTALL)
    singles = re.sub(r".-.", "", members, flags=re.DOTALL)
    inside = character in singles or any(low <= character <= high for low, high in ranges)
    return inside != negated


def _wild(
    pattern: Sequence[Pattern], text: Sequence[Text], star: Pattern, same: Callable[[Pattern, Text], bool]
) -> bool:
    """Whether the whole of `text` matches; only the last star is ever taken back, so there is nothing to explode."""
    at = into = 0
    star_at, star_into = -1, 0
    while into < len(text):
        if at < len(pattern) and pattern[at] == star:
            star_at, star_into = at, into
            at += 1
        elif at < len(pattern) and same(pattern[at], text[into]):
            at, into = at + 1, into + 1
        elif star_at >= 0:
            star_into += 1
            at, into = star_at + 1, star_into
        else:
            return False
    return all(item == star for item in pattern[at:])
