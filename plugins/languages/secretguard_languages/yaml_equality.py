"""Whether two YAML texts say the same but for what was edited. PyYAML reads their events; nothing is constructed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml
from yaml.resolver import Resolver

from secretguard_languages.literals import HOLE
from secretguard_languages.syntax import errors, parsed
from secretguard_languages.yaml_scalars import covered

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = "tag:yaml.org,2002:str"
_BECOMES = {"value": ("valueFrom", "sync")}
"""Keys that an edit replaces by another one, value and all."""
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class _Said(NamedTuple):
    """One event of a text: a scalar, an alias, or the beginning or end of something."""

    kind: str
    tag: str = ""
    value: str = ""
    anchor: str = ""
    written: str = ""
    """The characters of a scalar, quotes included."""

    def is_same(self, other: _Said) -> bool:
        return self[:4] == other[:4]


def why_different(before: str, after: str) -> str:
    """Return what else changed between two texts besides what an edit makes; empty if nothing."""
    old, new = covered(before), covered(after)
    if errors(parsed(new, "yaml")) > errors(parsed(old, "yaml")):
        return "it would not parse any more"
    said = _said(old)
    if said is None:
        return ""  # a template that is YAML only when it is filled in
    now = _said(new)
    if now is None:
        return "it would be no YAML any more"
    if _dangling(now) > _dangling(said):
        return "an alias would have no anchor"
    if _repeated(now) > _repeated(said):
        return "it would have one key twice"
    return _difference(said, now)


def _difference(before: Sequence[_Said], after: Sequence[_Said]) -> str:
    at = there = 0
    while at < len(before) and there < len(after):
        old, new = before[at], after[there]
        if old.is_same(new):
            at, there = at + 1, there + 1
        elif new.value in _BECOMES.get(old.value, ()):
            at, there = _behind(before, at + 1), _behind(after, there + 1)
        elif _is_added(after, there):
            there = _behind(after, there + 1)
        elif _is_edited(old, new) or _is_from_secret(old, after, there):
            at, there = at + 1, _behind(after, there)
        else:
            return "something else in it would change"
    return "" if (at, there) == (len(before), len(after)) else "something else in it would change"


def _is_edited(old: _Said, new: _Said) -> bool:
    return (
        old.kind == new.kind == "scalar"
        and old.written != new.written
        and old.anchor == new.anchor
        and new.tag in (old.tag, _TEXT)
    )


def _is_from_secret(old: _Said, after: Sequence[_Said], at: int) -> bool:
    return old.kind == "scalar" and after[at].kind == "mapping" and after[at + 1].value == "from_secret"


def _is_added(after: Sequence[_Said], at: int) -> bool:
    """Whether an `env:` begins here, or a variable in one, which only says where its value is."""
    key, held = after[at], after[at + 1 : at + 2]
    if key.kind != "scalar" or not held:
        return False
    if key.value == "env":
        return held[0].kind == "mapping"
    is_reference = set(held[0].value) == {HOLE} or held[0].value == f"$({key.value})"
    return bool(_VARIABLE.fullmatch(key.value)) and is_reference


def _repeated(events: Sequence[_Said]) -> int:
    """Return how many keys stand in a mapping that has them already."""
    found, open_, counted = 0, list[tuple[set[str], int]](), Counter[int]()
    for at, one in enumerate(events):
        if one.kind == "end":
            open_.pop()
            continue
        if open_ and open_[-1][1] >= 0:
            keys, number = open_[-1]
            counted[number] += 1
            if counted[number] % 2 and one.kind == "scalar":
                found += one.value in keys
                keys.add(one.value)
        if one.kind in ("mapping", "sequence"):
            open_.append((set(), at if one.kind == "mapping" else -1))
    return found


def _dangling(events: Sequence[_Said]) -> int:
    """Return how many aliases stand for an anchor that is not above them in their document."""
    found, anchors = 0, set[str]()
    for one in events:
        if one.kind == "document":
            anchors = set()
        elif one.kind == "alias":
            found += one.anchor not in anchors
        elif one.anchor:
            anchors.add(one.anchor)
    return found


def _behind(events: Sequence[_Said], at: int) -> int:
    """Return the place behind the node that begins at `at`."""
    depth = 0
    while at < len(events):
        kind = events[at].kind
        depth += (kind in ("mapping", "sequence")) - (kind == "end")
        at += 1
        if depth <= 0:
            break
    return at


def _said(text: str) -> list[_Said] | None:
    try:
        return list(_events(text))
    except (yaml.YAMLError, ValueError):
        return None


def _events(text: str) -> Iterator[_Said]:
    resolver = Resolver()
    for one in yaml.parse(text, Loader=_LOADER):
        if isinstance(one, yaml.ScalarEvent):
            tag = one.tag or resolver.resolve(yaml.ScalarNode, one.value, one.implicit)  # type: ignore[no-untyped-call]
            written = text[one.start_mark.index : one.end_mark.index] if one.start_mark and one.end_mark else ""
            yield _Said("scalar", tag, one.value, one.anchor or "", written)
        elif isinstance(one, yaml.AliasEvent):
            yield _Said("alias", anchor=one.anchor or "")
        elif isinstance(one, yaml.MappingStartEvent):
            yield _Said("mapping", one.tag or "", anchor=one.anchor or "")
        elif isinstance(one, yaml.SequenceStartEvent):
            yield _Said("sequence", one.tag or "", anchor=one.anchor or "")
        elif isinstance(one, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            yield _Said("end")
        elif isinstance(one, yaml.DocumentStartEvent):
            yield _Said("document")
