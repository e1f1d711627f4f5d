"""`.env` files: a value becomes a reference, which vals and `secretguard run` resolve; an example gets an empty one."""

import re
from collections.abc import Sequence

from secretguard.rewriting import REFERENCE, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around as widest
from secretguard.spelling import place_of
from secretguard_languages.literals import Quote, read_literal

_NAME = re.compile(r"[.]env(?:[.][\w.-]+)?|[\w.-]+[.]env|env")
_EXAMPLE = re.compile(r"(?:^|[._-])(?:example|sample|template|dist|defaults?|schema)(?:[._-]|$)", re.IGNORECASE)
_SETTING = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?P<value>.*)", re.DOTALL)
_COMMENT = re.compile(r"[ \t]#")
_NO_REFERENCE = (
    "its value holds more than the credential",
    "Give the rest a variable of its own, and this one the reference.",
)


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return 2 if _NAME.fullmatch(document.name) else 0


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:  # noqa: ARG001
    """See `secretguard.interfaces.Rewriter`."""
    return [_at(document, spot) for spot in spots]


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:  # noqa: ARG001
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same names, line for line."""
    return "" if _names(before.text) == _names(after.text) else "it would set other variables"


def _names(text: str) -> list[str]:
    found = (_SETTING.match(line) for line in text.split("\n"))
    return [one["name"] if one else "" for one in found]


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    start = document.text.rfind("\n", 0, spot.start) + 1
    end = document.text.find("\n", spot.end)
    line = document.text[start : end if end >= 0 else len(document.text)]
    setting = _SETTING.match(line)
    if line.lstrip().startswith("#"):
        return placeholder(spot)
    if setting is None or spot.start < start + setting.start("value"):
        return ManualItem(document.path, document.line(spot.start), "it is no NAME=value", "Take it out by hand.")
    low, high, quote = _value(document, start, line, setting)
    if _EXAMPLE.search(document.name):
        return Site(low, high, "", Spelling("password", spot.secret), is_placeholder=True)
    text = read_literal(document.text, low, high, quote)
    content = text.text
    at = text.inside(spot.start, spot.end)
    if spot.encoding:
        content = spot.text.reveal()
        at = place_of(content, spot.secret)
    stretch = widest(content, *at, Login(spot.user, spot.secret))
    if (stretch.start, stretch.end) != (0, len(content)):
        return ManualItem(document.path, document.line(spot.start), *_NO_REFERENCE)
    name = setting["name"]
    spelling = Spelling(stretch.form, Secret(content), encoding=spot.encoding)
    return Site(low, high, REFERENCE, spelling, (name,), defines=name)


def _value(document: Document, start: int, line: str, setting: re.Match[str]) -> tuple[int, int, Quote]:
    """Return the characters of a value, quotes included, and how it is quoted."""
    low = start + setting.start("value")
    mark = document.text[low : low + 1]
    if mark and mark in "\"'":
        end = low + 1
        while end < len(document.text) and document.text[end] != mark:
            end += 2 if document.text[end] == "\\" and mark == '"' else 1
        if end < len(document.text):
            return low, end + 1, Quote(mark, mark, is_raw=mark == "'")
    comment = _COMMENT.search(line, setting.start("value"))
    bare = line[: comment.start() if comment else len(line)].rstrip(" \t\r")
    return low, max(low, start + len(bare)), Quote("", "", is_raw=True)
