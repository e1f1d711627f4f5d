r"""SQL: psql puts variables into its scripts (`\getenv`, `:'name'`); SQL that another program reads has none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from secretguard.rewriting import (
    LOWER_NAME,
    Document,
    Edit,
    ManualItem,
    Site,
    Spot,
    Surroundings,
    Variable,
    placeholder,
)
from secretguard_languages.code import manual
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.readings import reading
from secretguard_languages.settings import each_once

_SUFFIXES = (".sql", ".psql", ".ddl", ".pgsql", ".mysql")
_PSQL = re.compile(r"^\\(?:c|connect|set|i|ir|include|echo|gset|gexec|getenv|pset|timing|if|q|o|x)\b", re.MULTILINE)
_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
_PLAIN = re.compile(r"'(?:[^']|'')*'")
_ESCAPED = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_NAME = re.compile(r'"(?:[^"]|"")*"|`[^`]*`')
_ADVICE = (
    (
        r"\b(?:create|alter)\s+(?:user|role)\b[^;]*\bpassword\b",
        "Set it outside of the script: `\\password` in psql, or from psql's variable: `\\getenv pw NAME`, "
        "`PASSWORD :'pw'`; a migration takes a SCRAM verifier.",
    ),
    (
        r"\bidentified\b[^;]*\b(?:by|as)\b",
        "Make the user outside of the script, or have the tool that runs it put it in.",
    ),
    (r"\bwith\s+password\b", "In sqlcmd write `$(NAME)`, which it takes from the environment."),
    (
        r"\buser\s+mapping\b|\bdblink|\bsubscription\b|\bpostgres_fdw\b",
        "Leave the password out of the script, and set it when it is run, from a variable of the client.",
    ),
    (
        r"\binsert\b|\bupdate\b|\bcopy\b",
        "Take the row out: have the program that needs it write it, from its environment.",
    ),
)


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith(_SUFFIXES))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    readings = [list(_tokens(document.text, string)) for string in (_PLAIN, _ESCAPED)]
    return each_once(spots, lambda spot: _at(document, spot, [_kind(one, spot) for one in readings]))


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    r"""See `secretguard.interfaces.Rewriter`: psql reads each variable at the top."""
    names = dict.fromkeys(variable.name for _, variable in chosen)
    lines = (f"\\getenv {name.lower()} {name}{document.newline}" for name in names)
    missing = [line for line in lines if line.strip() not in document.text]
    return [Edit(0, 0, "".join(missing))] if missing else ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: no string or comment would end elsewhere."""
    ends = [
        [one[0] for one in _tokens(text.text, _PLAIN) if one[0] in ("comment", "dollar")] for text in (before, after)
    ]
    return "" if ends[0] == ends[1] else "another text would change"


def _tokens(text: str, string: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    at = 0
    while one := _next(text, at, string):
        yield one
        at = one[2]


def _next(text: str, at: int, string: re.Pattern[str]) -> tuple[str, int, int] | None:
    found = re.compile(r"--|/\*|['\"`]|\$(?:[A-Za-z_]\w*)?\$").search(text, at)
    if found is None:
        return None
    start, mark = found.start(), found[0]
    if mark == "--":
        end = text.find("\n", start)
        return "comment", start, end if end >= 0 else len(text)
    if mark == "/*":
        return "comment", start, _end_of_comment(text, start)
    if mark[0] == "$":
        end = text.find(mark, found.end())
        return ("dollar", start, end + len(mark)) if end >= 0 else ("dollar", start, len(text))
    closed = (string if mark == "'" else _NAME).match(text, start)
    return ("string" if mark == "'" else "name", start, closed.end() if closed else len(text))


def _end_of_comment(text: str, start: int) -> int:
    depth, at = 0, start
    for one in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if one[0] == "/*" else -1
        at = one.end()
        if not depth:
            return at
    return len(text)


def _kind(tokens: Sequence[tuple[str, int, int]], spot: Spot) -> tuple[str, int, int]:
    return next((one for one in tokens if one[1] <= spot.start and spot.end <= one[2]), ("", 0, 0))


def _at(document: Document, spot: Spot, tokens: Sequence[tuple[str, int, int]]) -> Site | ManualItem:
    (kind, start, end), other = tokens
    text = document.text
    if kind == "comment" and other[0] == "comment":
        return placeholder(spot)
    line = text[text.rfind("\n", 0, spot.start) + 1 : spot.start]
    is_psql = document.name.lower().endswith(".psql") or _PSQL.search(text)
    if is_psql and kind == "string" and tokens[0] == tokens[1] and not line.lstrip().startswith("\\"):
        value = read_literal(text, start, end, Quote("'", "'", is_raw=True, doubled="'"))
        found = reading(value.text, *value.inside(spot.start, spot.end), spot)
        before = text[start - 1 : start]
        if not isinstance(found, str) and (found.start, found.end) == (0, len(value.text)) and not before.isalnum():
            return Site(start, end, f":'{LOWER_NAME}'", found.spelling)
    reason = "it is a part of a text" if is_psql else "SQL has no variables of the environment"
    if is_psql and line.lstrip().startswith("\\"):
        reason = "it is a command of psql"
    return manual(document, spot.start, reason, _advice(text, spot))


def _advice(text: str, spot: Spot) -> str:
    statement = text[text.rfind(";", 0, spot.start) + 1 : spot.start][-2000:]
    for pattern, advice in _ADVICE:
        if re.search(pattern, statement, re.IGNORECASE):
            return advice
    return "Have the program that runs it give the value as a parameter."
