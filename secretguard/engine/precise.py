"""Blob -> matches: the exact judgement around each prefilter hit, or over everything without a prefilter."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from secretguard.engine import generic, values
from secretguard.engine.checksums import checksum_holds
from secretguard.engine.forms import FORMS
from secretguard.engine.marks import marks_near
from secretguard.engine.forms.pem import MAX_BODY
from secretguard.engine.parts import Found, Parts, moved
from secretguard.engine.redaction import redact
from secretguard.engine.text import REACH, caseless, decoded, enclosing_lines, merge, neighbourhood, position
from secretguard.model import Blob, Confidence, Match, Rule, Severity
from secretguard.patterns import pattern_width
from secretguard.secret import Secret

# A letter that belongs to an escape (`\n`, `%3D`) does not stand before a token.
_EDGE = r"(?:(?<!{before})|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
_SECRET_NAME = re.compile(rb"(?i)key|token|secret|passw|pwd|auth|bearer|credential|\bpat\b|license|licence")
_DIGEST_NAME = re.compile(
    rb"(?i)(?:sha-?(?:1|224|256|384|512)|md5|commit|hash|digest|checksum|etag|\brev\b|revision|fingerprint|integrity|blob|tree|parent|uuid)[\w\"' \t]{0,12}[:=@ ][\"' \t]*$"
)
_MEMO_SIZE = 20_000
_HEAD = 160
"""How far back on its line a value's name may stand."""


Memo = dict[tuple[str, int, bytes], tuple[Parts, ...]]
"""Judged neighbourhoods: (rule, offset of the region, all bytes a judgement can depend on) -> what was found."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule compiled for the precise pass."""

    rule: Rule
    pattern: re.Pattern[bytes]
    context: tuple[re.Pattern[bytes], ...]
    companion: re.Pattern[bytes] | None
    width: int


def compile_judge(rule: Rule) -> Judge:
    """Compile one rule."""
    before = _EDGE.format(before=rule.before) if rule.before else ""
    after = f"(?!{rule.after})" if rule.after else ""
    pattern = re.compile(f"{before}(?:{rule.pattern}){after}".encode(), re.MULTILINE)
    companion = (
        re.compile(b"(?<![A-Za-z0-9])(?:" + rule.companion.encode() + b")(?![A-Za-z0-9])") if rule.companion else None
    )
    return Judge(rule, pattern, tuple(map(caseless, rule.context)), companion, pattern_width(rule.pattern) + 64)


def judge_text(
    data: bytes, judges: Iterable[tuple[Judge, Iterable[int] | None]], memo: Memo | None = None
) -> Iterator[tuple[Judge, Parts]]:
    """Yield what each rule finds in `data`: around its hits (end offsets), or anywhere if these are None.

    With `memo` a neighbourhood that was judged before, in another version of the file say, is not judged again.
    """
    for judge, hits in judges:
        regions = [(0, len(data))] if hits is None else _regions(data, judge, hits)
        for low, high in regions:
            if memo is None:
                yield from ((judge, parts) for parts in _judge_region(judge, data, low, high))
            else:
                yield from ((judge, parts) for parts in _judge_known(judge, data, low, high, memo))


def _judge_region(judge: Judge, data: bytes, low: int, high: int) -> Iterator[Parts]:
    at = low
    while match := judge.pattern.search(data, at, high):
        yield from _judge_one(judge, data, match)
        at = match.end() if match.end() > match.start() else match.end() + 1


def _judge_known(judge: Judge, data: bytes, low: int, high: int, memo: Memo) -> Iterator[Parts]:
    begin = max(0, low - REACH)
    seen = data[begin : high + (MAX_BODY + REACH if judge.rule.form == "pem" else REACH)]
    key = (judge.rule.id, low - begin, seen)
    if key not in memo:
        if len(memo) >= _MEMO_SIZE:
            memo.clear()
        memo[key] = tuple(moved(parts, -begin) for parts in _judge_region(judge, data, low, high))
    return (moved(parts, begin) for parts in memo[key])


def _regions(data: bytes, judge: Judge, ends: Iterable[int]) -> list[tuple[int, int]]:
    spans = []
    last = -1
    for end in sorted(ends):
        at = max(0, end - 1)
        if at < last:
            continue  # inside the region of the hit before
        low, high = enclosing_lines(data, at, end, judge.width + 512)
        if judge.context:
            low, high = neighbourhood(data, low, high)
            low, high = enclosing_lines(data, low, high, judge.width)
        spans.append((low, high))
        if high - low <= 65536 and not judge.context:
            last = high
    return merge(spans)


def _judge_one(judge: Judge, data: bytes, match: re.Match[bytes]) -> Iterator[Parts]:
    rule = judge.rule
    for parts in FORMS[rule.form](Found(rule, data, match)):
        if values.is_reference(parts.secret) or values.is_hash(parts.secret):
            continue
        if rule.entropy and values.entropy(parts.secret) < rule.entropy and not values.placeholder(parts.secret):
            continue
        if judge.context and not _in_context(judge, data, parts):
            continue
        if rule.generic and not generic.is_likely_secret(data, parts):
            continue
        if judge.companion is not None and not parts.user:
            parts = replace(parts, user=_companion(judge.companion, data, parts))
        yield parts


def _in_context(judge: Judge, data: bytes, parts: Parts) -> bool:
    """Whether the rule's context is near, and the value stands where a value stands."""
    low, high = neighbourhood(data, parts.start, parts.end)
    if not any(word.search(data, low, high) for word in judge.context):
        return False
    if judge.rule.form not in ("token", "lines") or judge.rule.anchors:
        return True  # a shape of its own: the context only says whose it is
    head = _head(data, parts.start)
    if _DIGEST_NAME.search(head):
        return False
    return any(word.search(head) for word in judge.context) or _SECRET_NAME.search(head) is not None


def _head(data: bytes, start: int) -> bytes:
    return data[max(data.rfind(b"\n", 0, start) + 1, start - _HEAD) : start]


def _companion(pattern: re.Pattern[bytes], data: bytes, parts: Parts) -> str:
    low, high = neighbourhood(data, parts.start, parts.end)
    nearest = min(pattern.finditer(data, low, high), key=lambda m: abs(m.start() - parts.start), default=None)
    return decoded(nearest[0]) if nearest else ""


def to_match(
    judge: Judge, parts: Parts, blob: Blob, data: bytes, encoding: tuple[str, ...] = (), inner: str | None = None
) -> Match:
    """Make the match of `parts`, found in `data` (the blob's own, or decoded from it)."""
    line, column = position(data, parts.start)
    end_line, end_column = position(data, parts.end)
    rule = judge.rule
    window = blob if inner is None else Blob(blob.id, data)
    return Match(
        rule=rule,
        blob=blob.id,
        start=window.offset + parts.start,
        end=window.offset + parts.end,
        line=line + window.line - 1,
        column=column,
        end_line=end_line + window.line - 1,
        end_column=end_column,
        family=parts.family or rule.family,
        user=parts.user,
        secret=Secret(parts.secret),
        text=Secret(decoded(data[parts.start : parts.end])),
        redacted=redact(rule, parts),
        endpoints=parts.endpoints,
        form=parts.form or rule.form,
        encoding=(*encoding, *parts.encoding),
        inner=inner,
        severity=_severity(rule, parts),
        confidence=_confidence(judge, data, parts),
        placeholder=_placeholder(rule, parts),
        marks=marks_near(data, parts.start, parts.end),
    )


def _placeholder(rule: Rule, parts: Parts) -> str:
    reason = values.placeholder(parts.secret)
    if reason or not _is_login(rule, parts):
        return reason
    if len(parts.secret) < values.MIN_PASSWORD:
        return "too short for a password"
    if parts.endpoints and values.is_weak(parts.secret) and all(values.is_reserved(at.host) for at in parts.endpoints):
        return "a documentation address"
    return ""


_DATABASES = ("postgres", "mysql", "mongodb", "mssql", "oracle", "snowflake")


def _is_login(rule: Rule, parts: Parts) -> bool:
    """Whether a person may have chosen the secret: a password for a server, not an issued key."""
    return (parts.family or rule.family) not in ("token", "private-key", "aws", "twilio", "azure", "sentry")


def _severity(rule: Rule, parts: Parts) -> Severity:
    if parts.form == "encrypted-pem":
        return Severity.LOW
    if not _is_login(rule, parts):
        return rule.severity
    hosts = [endpoint.host for endpoint in parts.endpoints]
    if hosts and all(values.is_local(host) or values.is_reserved(host) for host in hosts):
        return Severity.LOW
    if values.is_weak(parts.secret) or parts.secret == parts.user:
        # A default password opens what stands on the same machine or composition, hardly more.
        return Severity.MEDIUM if any("." in host for host in hosts) and rule.family != "password" else Severity.LOW
    return Severity.CRITICAL if rule.family == "password" and parts.family in _DATABASES else rule.severity


def _confidence(judge: Judge, data: bytes, parts: Parts) -> Confidence:
    rule = judge.rule
    if rule.checksum:
        holds = checksum_holds(rule.checksum, parts.secret)
        if holds is not None:
            return Confidence.HIGH if holds else Confidence.LOW
    if rule.generic:
        return Confidence.LOW
    if rule.form in ("uri", "jdbc", "keyword", "ado"):
        return Confidence.HIGH if parts.endpoints and not values.is_weak(parts.secret) else Confidence.MEDIUM
    if rule.form == "split":
        if values.is_weak(parts.secret) or parts.family == "password":
            return Confidence.LOW
        return Confidence.HIGH if parts.user and parts.endpoints else Confidence.MEDIUM
    if judge.context and not rule.anchors:
        named = any(word.search(_head(data, parts.start)) for word in judge.context)
        return Confidence.HIGH if named else Confidence.LOW
    return Confidence.HIGH


def most_specific(matches: Iterable[Match]) -> list[Match]:
    """Keep one match where several rules claim the same place, in order of place.

    A generic rule yields to any other that overlaps it; among the rest the surer one with the richer parts
    wins, so that the user of a login is not lost.
    """

    def strength(match: Match) -> tuple[int, int, int, int, int, int, str]:
        return (
            not match.rule.generic,
            not match.rule.foreign,
            not match.placeholder,
            bool(match.user) + bool(match.endpoints) + (match.family not in ("token", "url", "database", "password")),
            match.confidence.rank,
            match.end - match.start,
            match.rule.id,
        )

    kept: list[Match] = []
    for match in sorted(matches, key=strength, reverse=True):
        if not any(_same_place(match, other) for other in kept):
            kept.append(match)
    return sorted(kept, key=lambda m: (m.inner or "", m.start, m.end))


def _same_place(weak: Match, strong: Match) -> bool:
    if weak.inner != strong.inner or not (weak.start < strong.end and strong.start < weak.end):
        return False
    if weak.rule.generic or weak.secret.same_as(strong.secret):
        return True
    # One within the other says the same thing with fewer words: a login in a longer connection string.
    inside = strong.start <= weak.start and weak.end <= strong.end
    return inside and (weak.secret.reveal() in strong.text.reveal()) and weak.encoding == strong.encoding
