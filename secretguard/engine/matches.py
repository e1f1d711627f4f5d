"""Parts -> `Match`: the place, and the offline judgement of severity, confidence and placeholders."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from secretguard.engine import values
from secretguard.engine.checksums import checksum_holds
from secretguard.engine.marks import marks_near
from secretguard.engine.parts import Parts
from secretguard.engine.precise import Judge, names_context
from secretguard.engine.redaction import redact
from secretguard.engine.text import Positions, decoded
from secretguard.model import ANONYMOUS_FAMILIES, Blob, Confidence, Match, Rule, Severity
from secretguard.secret import Secret

_BUCKET = 512
"""Bytes: matches of one place are looked for among those that stand so near."""


@dataclass(frozen=True, slots=True)
class View:
    """A text of a blob: the blob's own, one decoded from it, or a member of the archive that it is."""

    blob: Blob
    data: bytes
    encoding: tuple[str, ...] = ()
    inner: str | None = None
    depth: int = 0
    positions: Positions = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", Positions(self.data))

    @property
    def origin(self) -> tuple[int, int]:
        """Offset and lines before the text: a window of a large blob begins in its middle."""
        return (self.blob.offset, self.blob.line - 1) if self.inner is None else (0, 0)


def to_match(judge: Judge, parts: Parts, view: View) -> Match:
    """Make the match of `parts`, found in `view`."""
    rule = judge.rule
    match = Match(
        rule=rule,
        blob=view.blob.id,
        start=0,
        end=0,
        line=0,
        column=0,
        end_line=0,
        end_column=0,
        family=parts.family or rule.family,
        user=parts.user,
        secret=Secret(parts.secret),
        text=Secret(decoded(view.data[parts.start : parts.end])),
        redacted=redact(rule, parts),
        endpoints=parts.endpoints,
        form=parts.form or rule.form,
        encoding=(*view.encoding, *parts.encoding),
        inner=view.inner,
        severity=_severity(rule, parts),
        confidence=_confidence(judge, view.data, parts),
        placeholder=_placeholder(rule, parts),
        marks=marks_near(view.data, parts.start, parts.end),
    )
    return placed(match, view, parts.start, parts.end)


def placed(match: Match, view: View, start: int, end: int) -> Match:
    """Return `match` at `start:end` of `view`: where it was found, or where the run it was decoded from stands."""
    offset, lines = view.origin
    line, column = view.positions.of(start)
    end_line, end_column = view.positions.of(end)
    return match._replace(
        start=offset + start,
        end=offset + end,
        line=lines + line,
        column=column,
        end_line=lines + end_line,
        end_column=end_column,
    )


def _placeholder(rule: Rule, parts: Parts) -> str:
    reason = values.placeholder(parts.secret)
    if reason or not _is_login(rule, parts):
        return reason
    # In settings it may be the login of a composition: `POSTGRES_USER: user`.
    if (parts.form or rule.form) != "split" and values.stands_for_a_login(parts.user, parts.secret):
        return "a placeholder"
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
    if judge.context and not names_context(judge, data, parts):
        return Confidence.MEDIUM if rule.anchors else Confidence.LOW
    return Confidence.HIGH


def most_specific(matches: Iterable[Match]) -> list[Match]:
    """Keep one match where several rules claim the same place, in order of place.

    A generic rule yields to any other that overlaps it; among the rest the surer one with the richer parts
    wins, so that the user of a login is not lost.
    """

    def strength(match: Match) -> tuple[int, int, int, int, int, int, int, int, int, str]:
        return (
            not match.rule.generic,
            not match.rule.foreign,
            not match.placeholder,
            match.family not in ANONYMOUS_FAMILIES,
            bool(match.user) + bool(match.endpoints),
            max(map(len, match.rule.anchors), default=0),
            bool(match.rule.context),
            match.confidence.rank,
            match.end - match.start,
            match.rule.id,
        )

    kept: list[Match] = []
    near: dict[tuple[str | None, int], list[Match]] = defaultdict(list)
    for match in sorted(matches, key=strength, reverse=True):
        buckets = [(match.inner, at) for at in range(match.start // _BUCKET, match.end // _BUCKET + 1)]
        if not any(_same_place(match, other) for bucket in buckets for other in near.get(bucket, ())):
            kept.append(match)
            for bucket in buckets:
                near[bucket].append(match)
    return sorted(kept, key=lambda m: (m.inner or "", m.start, m.end))


def _same_place(weak: Match, strong: Match) -> bool:
    if weak.inner != strong.inner or not (weak.start < strong.end and strong.start < weak.end):
        return False
    if weak.rule.generic or weak.secret.same_as(strong.secret):
        return True
    # One within the other says the same thing with fewer words: a login in a longer connection string.
    inside = strong.start <= weak.start and weak.end <= strong.end
    return inside and (weak.secret.reveal() in strong.text.reveal()) and weak.encoding == strong.encoding
