"""Text -> parts: the exact judgement around each prefilter hit, or over everything without a prefilter."""

import re
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from secretguard.engine import generic, values
from secretguard.engine.forms import FORMS
from secretguard.engine.forms.pem import MAX_BODY
from secretguard.engine.parts import Found, Parts
from secretguard.engine.text import (
    LONG_LINE,
    REACH,
    caseless,
    decoded,
    enclosing_lines,
    is_crowded,
    line_end,
    line_start,
    merge,
    neighbourhood,
    shared_neighbourhood,
)
from secretguard.model import Rule
from secretguard.patterns import pattern_width

# What ends an escape (`\n`, `%3D`) or begins a default (`${KEY:-…}`) does not stand before a token.
_EDGE = r"(?:(?<!{before})|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\w:-))"
_SECRET_NAME = re.compile(rb"(?i)key|token|secret|passw|pwd|auth|bearer|credential|\bpat\b|license|licence")
_DIGEST_NAME = re.compile(
    rb"(?i)(?:sha-?(?:1|224|256|384|512)|md5|commit|hash|digest|checksum|etag|\brev\b|revision|fingerprint|integrity|blob"
    rb"|tree|parent|uuid)[\w\"' \t]{0,12}[:=@ ][\"' \t]*$"
)
_VALUE_KEY = re.compile(rb"[ \t]*[\"']?(?:value|Value|default|content|text)[\"']?[ \t]*[:=]")
_EDGE_LINE = 1024
_HEAD = 160
"""How far back on its line a value's name may stand."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule compiled for the precise pass."""

    rule: Rule
    pattern: re.Pattern[bytes]
    context: tuple[re.Pattern[bytes], ...]
    companion: re.Pattern[bytes] | None
    width: int

    def contexts(self, data: bytes, low: int, high: int) -> list[tuple[int, int]]:
        """Return where the words of its context stand in `data[low:high]`."""
        return sorted(match.span() for word in self.context for match in word.finditer(data, low, high))


def compile_judge(rule: Rule) -> Judge:
    """Compile one rule."""
    before = _EDGE.format(before=rule.before) if rule.before else ""
    after = f"(?!{rule.after})" if rule.after else ""
    pattern = re.compile(f"{before}(?:{rule.pattern}){after}".encode(), re.MULTILINE)
    companion = (
        re.compile(b"(?<![A-Za-z0-9])(?:" + rule.companion.encode() + b")(?![A-Za-z0-9])") if rule.companion else None
    )
    return Judge(rule, pattern, tuple(map(caseless, rule.context)), companion, pattern_width(rule.pattern) + 64)


def regions(data: bytes, judge: Judge, hits: Iterable[int] | None) -> list[tuple[int, int]]:
    """Return where to judge a rule: around its hits (end offsets), or everywhere if these are None."""
    return [(0, len(data))] if hits is None else _regions(data, judge, hits)


def judge_region(
    judge: Judge, data: bytes, low: int, high: int, matched: frozenset[tuple[int, int]] | None = None
) -> Iterator[Parts]:
    """Yield what a rule finds in `data[low:high]`; where all that `matched` stands may be known."""
    already_read: dict[Hashable, tuple[tuple[int, int], object]] = {}
    at = low
    while match := judge.pattern.search(data, at, high):
        yield from _judge_one(judge, Found(judge.rule, data, match, already_read), matched)
        at = match.end() if match.end() > match.start() else match.end() + 1


def horizon(judge: Judge, data: bytes, low: int, high: int) -> tuple[int, int]:
    """Return the span that a judgement of the region `low:high` can depend on.

    A form looks eight lines around what it finds, and then eight lines around one of the settings there; a setting in a
    Kubernetes manifest looks for the head of that.
    """
    begin, end = low, high
    for _ in range(2):
        begin, end = neighbourhood(data, begin, end)
    begin, end = enclosing_lines(data, begin, end, _EDGE_LINE)
    if judge.rule.form == "split" and b"Secret" in data[max(0, low - REACH) : begin]:
        begin = max(0, low - REACH)
    return begin, max(end, high + MAX_BODY + REACH if judge.rule.form == "pem" else 0)


def _regions(data: bytes, judge: Judge, ends: Iterable[int]) -> list[tuple[int, int]]:
    spans = []
    last = -1
    for start, end in _close_together(data, ends, judge.width):
        if end <= last:
            continue  # inside the region of the hit before
        low, high = enclosing_lines(data, start, end, judge.width + 512)
        if judge.context:
            low, high = neighbourhood(data, low, high)
            low, high = enclosing_lines(data, low, high, judge.width)
        spans.append((low, high))
        if high - low <= LONG_LINE and not judge.context:
            last = high
    return merge(spans)


def _close_together(data: bytes, ends: Iterable[int], width: int) -> Iterator[tuple[int, int]]:
    """Yield the spans from the last byte of one hit to the end of another; in a very long line of many together."""
    begin = finish = start = last = -1
    for end in sorted(ends):
        at = max(0, end - 1)
        if start >= 0 and at < finish and finish - begin > LONG_LINE and at - last <= width:
            last = end
            continue
        if start >= 0:
            yield start, last
        if not begin <= at < finish:
            begin, finish = line_start(data, at), line_end(data, at)
        start, last = at, end
    if start >= 0:
        yield start, last


def _judge_one(judge: Judge, found: Found, matched: frozenset[tuple[int, int]] | None) -> Iterator[Parts]:
    rule, data = judge.rule, found.data
    for parts in FORMS[rule.form](found):
        if matched is not None and (parts.start, parts.end) not in matched:
            continue
        if values.is_reference(_as_written(data, parts)) or values.is_hash(parts.secret):
            continue
        if rule.entropy and values.entropy(parts.secret) < rule.entropy and not values.placeholder(parts.secret):
            continue
        if judge.context and not _in_context(judge, found, parts):
            continue
        vouched = parts.user or parts.endpoints  # a login vouches for its password
        if rule.generic and not vouched and matched is None and not generic.is_likely_secret(data, parts):
            continue
        user = parts.user or (_companion(judge.companion, data, parts) if judge.companion else "")
        yield replace(parts, user=user)


def _as_written(data: bytes, parts: Parts) -> str:
    """Return the secret before percent-decoding: a `%24%7B` in a URL is a character of the password, no template."""
    if "percent" not in parts.encoding or parts.secret_start < 0:
        return parts.secret
    return decoded(data[parts.secret_start : parts.secret_end])


def _is_spoken_of(judge: Judge, found: Found, parts: Parts) -> bool:
    """Whether a word of the rule's context stands in the neighbourhood."""
    low, high = neighbourhood(found.data, parts.start, parts.end)
    if not is_crowded(low, high):
        return any(word.search(found.data, low, high) for word in judge.context)
    words = found.once(judge.contexts, shared_neighbourhood(found.data, parts.start, parts.end))
    at = bisect_left(words, (low, low))
    while at < len(words) and words[at][0] < high:
        if words[at][1] <= high:
            return True
        at += 1
    return False


def _in_context(judge: Judge, found: Found, parts: Parts) -> bool:
    """Whether the rule's context is near, and the value stands where a value stands."""
    data = found.data
    if judge.rule.form == "uri":
        # Whose server it is, say the URL and the name before it; not the URL on the next line.
        own = _head(data, parts.start) + data[parts.start : parts.end]
        return any(word.search(own) for word in judge.context)
    if not _is_spoken_of(judge, found, parts):
        return False
    if judge.rule.form not in ("token", "lines") or judge.rule.anchors:
        return True  # a shape of its own: the context only says whose it is
    head = _head(data, parts.start)
    if _DIGEST_NAME.search(head):
        return False
    return names_context(judge, data, parts) or _SECRET_NAME.search(head) is not None


def names_context(judge: Judge, data: bytes, parts: Parts) -> bool:
    """Whether the rule's context stands before the value on its own line."""
    head = _head(data, parts.start)
    return any(word.search(head) for word in judge.context)


def _head(data: bytes, start: int) -> bytes:
    """Return what stands before a value: its line, and the line above where that holds the name.

    `- name: ACME_KEY` / `value: …` in manifests, `variable "acme_key" {` / `default = …` in Terraform.
    """
    line = max(data.rfind(b"\n", 0, start) + 1, start - _HEAD)
    if not _VALUE_KEY.match(data, line, start):
        return data[line:start]
    return data[max(data.rfind(b"\n", 0, max(0, line - 1)) + 1, line - _HEAD) : start]


def _companion(pattern: re.Pattern[bytes], data: bytes, parts: Parts) -> str:
    low, high = neighbourhood(data, parts.start, parts.end)
    nearest = min(pattern.finditer(data, low, high), key=lambda m: abs(m.start() - parts.start), default=None)
    if nearest is None:
        return ""
    return decoded(nearest["user"] if "user" in pattern.groupindex else nearest[0])
