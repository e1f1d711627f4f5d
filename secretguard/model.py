"""The words of the domain, as named tuples: what matched is kept apart from where it lives."""

from enum import StrEnum
from typing import NamedTuple

from secretguard.secret import Secret


class _Ranked(StrEnum):
    """Words from the least to the most."""

    rank: int
    """0 for the first."""

    def __new__(cls, word: str) -> "_Ranked":
        member = str.__new__(cls, word)
        member._value_ = word
        member.rank = len(cls.__members__)  # once: it is asked for each of thousands of places
        return member


class Severity(_Ranked):
    """How bad it is if this credential is in the wrong hands."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Confidence(_Ranked):
    """How sure the offline checks are that this is a credential."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Verdict(StrEnum):
    """What the issuer says about the credential."""

    UNCHECKED = "unchecked"
    LIVE = "live"
    RESTRICTED = "restricted"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """The kind of place an occurrence lives in; `source` in the report."""

    WORKTREE = "worktree"
    STAGED = "staged"
    HISTORY = "history"
    STASH = "stash"
    REFLOG = "reflog"
    UNREACHABLE = "unreachable"
    COMMIT_MESSAGE = "commit-message"
    TAG_MESSAGE = "tag-message"
    NOTE = "note"
    ARCHIVE = "archive"
    STDIN = "stdin"


FAMILIES = (
    "token", "password", "url", "database", "private-key",
    "postgres", "mysql", "mongodb", "redis", "amqp", "mssql", "oracle", "clickhouse", "cassandra",
    "elasticsearch", "snowflake", "nats", "mqtt", "kafka", "smtp", "sentry", "azure", "odbc",
    "aws", "twilio",
)  # fmt: skip
"""The frozen list behind credential ids. Append only: renaming one changes every id made with it.

`database` is a login whose engine is not known, `password` one whose service is not, `url` a login in
the URL of any other scheme, `token` every one-string key, whatever rule found it.
"""

ANONYMOUS_FAMILIES = frozenset({"database", "password", "url"})
"""Families that say little: an occurrence of one joins the credential with the same secret, if one fits."""


class Endpoint(NamedTuple):
    """A server the credential opens."""

    host: str
    port: int | None = None
    database: str = ""


class Rule(NamedTuple):
    """How one part of one kind of credential looks. See `docs/rules.md` for each field."""

    id: str
    kind: str
    title: str
    vendor: str
    plugin: str
    """The entry-point name of the plugin it came from, or the path of a `--rules` file."""
    severity: Severity
    pattern: str
    """Single line, bounded, free of look-around and back references; groups name the parts."""
    family: str = "token"
    form: str = "token"
    before: str = ""
    """A character class that must not stand directly before the match."""
    after: str = ""
    anchors: tuple[str, ...] = ()
    """Literals of which every match contains one; their encoded forms find encoded copies."""
    prefilters: tuple[str, ...] = ()
    """Hyperscan expressions, a safe superset of every place where the rule can match."""
    context: tuple[str, ...] = ()
    """Expressions (caseless) of which one must be found within eight lines of the match."""
    companion: str = ""
    """An expression, searched within eight lines, whose match is the user half of the credential."""
    machine_made: bool = False
    generic: bool = False
    """Yields to any other rule that matches at the same place."""
    foreign: bool = False
    """Read from another tool's configuration; weaker than any of ours at the same place, so that ids stay."""
    entropy: float = 0.0
    """Least Shannon entropy of the secret, in bits a character."""
    checksum: str = ""
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()


class Blob(NamedTuple):
    """An id and bytes; scanned once, however often it occurs.

    Content larger than one window comes as several blobs with the same id; `offset` and `line` say where
    the window starts in the whole.
    """

    id: str
    data: bytes
    offset: int = 0
    line: int = 1


class Match(NamedTuple):
    """Rule x blob x span, after the offline checks, with the parts it was taken apart into."""

    rule: Rule
    blob: str
    start: int
    """Byte offsets in the blob, of the outermost text (the encoded run if it was encoded)."""
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    family: str
    user: str
    secret: Secret
    text: Secret
    """The whole matched text, decoded."""
    redacted: str
    endpoints: tuple[Endpoint, ...] = ()
    form: str = "token"
    encoding: tuple[str, ...] = ()
    inner: str | None = None
    severity: Severity = Severity.HIGH
    confidence: Confidence = Confidence.MEDIUM
    placeholder: str = ""
    """Why this is an example rather than a credential; empty for a real finding."""
    marks: tuple[str, ...] = ()
    """Inline allow marks on the match's lines: credential ids, `*` (a foreign bare mark), `?` (ours without id)."""


class Location(NamedTuple):
    """Where a blob lives: the half of an occurrence that does not depend on what matched."""

    source: Place
    path: str
    blob: str
    commit: str | None = None
    author: str | None = None
    date: str | None = None
    """ISO 8601 in UTC."""
    ref: str | None = None
    """The ref that names the object directly (a tag message, a blob behind a tag)."""
    at_head: bool = False


class Occurrence(NamedTuple):
    """One place where a match lives."""

    match: Match
    location: Location


class Credential(NamedTuple):
    """All occurrences, in every spelling, of one secret; the unit of report, ignore, verdict and rotation."""

    id: str
    rule: Rule
    family: str
    user: str
    secret: Secret
    text: Secret
    redacted: str
    severity: Severity
    confidence: Confidence
    endpoints: tuple[Endpoint, ...]
    occurrences: tuple[Occurrence, ...]
    verdict: Verdict = Verdict.UNCHECKED

    @property
    def in_head(self) -> bool:
        """Whether the value still stands in the working tree, the index or the checked-out commit."""
        return any(o.location.at_head or o.location.source in (Place.WORKTREE, Place.STAGED) for o in self.occurrences)

    @property
    def files(self) -> int:
        """Distinct paths at HEAD, else in history."""
        head = {
            o.location.path
            for o in self.occurrences
            if o.location.at_head or o.location.source in (Place.WORKTREE, Place.STAGED)
        }
        return len(head or {o.location.path for o in self.occurrences if o.location.path})

    @property
    def commits(self) -> int:
        """Commits that add an occurrence."""
        return len({o.location.commit for o in self.occurrences if o.location.commit})

    def _dated(self) -> list[Location]:
        return sorted((o.location for o in self.occurrences if o.location.date), key=lambda at: at.date or "")

    @property
    def first_seen(self) -> str | None:
        """Date of the oldest commit that adds it."""
        dated = self._dated()
        return dated[0].date if dated else None

    @property
    def last_seen(self) -> str | None:
        """Date of the newest commit that adds it."""
        dated = self._dated()
        return dated[-1].date if dated else None

    @property
    def introduced_by(self) -> Location | None:
        """The oldest commit that adds it."""
        dated = self._dated()
        return dated[0] if dated else None


class Ignored(NamedTuple):
    """A credential, or some of its occurrences, that was found and is not reported, and why."""

    id: str
    reason: str
    """baseline, inline, path, config, placeholder, or the tool whose file says so (gitleaks, detect-secrets …)."""
    where: str
    """`path:line` of the place or of the entry that hides it."""
    rule: str = ""
    occurrences: int = 1
    note: str = ""
    added_by_change: bool = False
    """Whether the mark or entry that hides it was added by the very change that was scanned."""


class Problem(NamedTuple):
    """What could not be read; with one of these a scan is not "clean"."""

    where: str
    what: str
    hint: str = ""
    is_note: bool = False
    """A declared limit (a shallow clone, say), told to the user without making the result incomplete."""


class Stats(NamedTuple):
    """How much was looked at; a scan that looked at nothing must not look like a clean one."""

    objects: int = 0
    blobs: int = 0
    bytes: int = 0
    bytes_matched: int = 0
    """Bytes in blobs that held at least one prefilter hit."""
    skipped: int = 0
    seconds: float = 0.0


class Report(NamedTuple):
    """Credentials, what was ignored and why, what could not be read."""

    path: str
    head: str | None
    mode: str
    rules: int
    rules_digest: str
    stats: Stats
    credentials: tuple[Credential, ...]
    ignored: tuple[Ignored, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
