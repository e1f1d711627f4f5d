"""The words of rotation: what is rotated, what is proven, what a store holds. Data only, nothing here has effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from secretguard.model import Endpoint
from secretguard.secret import Secret


class Mode(StrEnum):
    """What comes first: that the leaked value dies, or that nobody is interrupted."""

    BREACH = "breach"
    GRACEFUL = "graceful"


class Overlap(StrEnum):
    """How many values of one credential its issuer accepts at a time."""

    NONE = "none"
    """Issuing the new value ends the old one."""
    TWO = "two"
    MANY = "many"


class Found(StrEnum):
    """What `reconcile` sees at the issuer of what this rotation asked for."""

    NOTHING = "nothing"
    ISSUED = "issued"
    """The new value is in force."""
    ORPHAN = "orphan"
    """Something of this rotation is there whose value nobody has; it is to be withdrawn."""


class Answer(StrEnum):
    """What an issuer says to a login. UNKNOWN never advances a rotation."""

    WORKS = "works"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Login:
    """Who one is, and what one says."""

    user: str
    secret: Secret
    id: str = ""
    """What the issuer calls it where that is neither user nor secret (an access key id); not secret."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One distinct way in which the leaked credential was written."""

    form: str
    """uri, jdbc, keyword, ado, password (the value alone), quoted (the same, percent-encoded) …"""
    text: Secret
    """The whole matched text, decoded."""
    endpoints: tuple[Endpoint, ...] = ()
    encoding: tuple[str, ...] = ()
    """How the application gets it wrapped, the outermost first: base64 …"""


@dataclass(frozen=True, slots=True)
class Target:
    """The credential that is rotated, as its rotator sees it."""

    credential: str
    """`sg_…`"""
    kind: str
    family: str
    leaked: Login
    endpoints: tuple[Endpoint, ...]
    """Every server it opens, distinct; it is dead only when each of them refuses it."""
    spellings: tuple[Spelling, ...] = ()
    admin: Secret | None = None
    """What `--admin REF` resolved to: a login of the operator's that may change this one."""


class Unanswered(NamedTuple):
    """A try at putting a new value in force whose reply nobody has: it may have had its effect, or may have it yet."""

    began: str
    """ISO 8601 in UTC, by our clock."""
    ended: str = ""
    """When it was given up; empty: it was cut off, nobody knows when."""


@dataclass(frozen=True, slots=True)
class Context:
    """Whose environment, which rotation, in what mode. Plugins read their surroundings from here, never from os."""

    environ: Mapping[str, str] = field(repr=False)
    rotation: str = ""
    """`rot_` + 16 hex. What we create carries the name `sg-<hex>`, by which an orphan is found."""
    mode: Mode = Mode.BREACH
    timeout: float = 10.0
    """Seconds that one remote call may take."""
    rotated_at: str | None = None
    """ISO 8601 in UTC, since when the new value is certainly in force; None before it was seen to be."""
    unanswered: tuple[Unanswered, ...] = ()
    """What this rotation asked for and got no reply to: only there something of its making can stand unknown."""
    kill_first: bool = False
    """Whether the old value ends before there is a new one."""

    @property
    def name(self) -> str:
        """`sg-` + the rotation's hex: the unique name of what this rotation creates."""
        return "sg-" + self.rotation.removeprefix("rot_")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that preflight saw."""

    what: str
    hint: str = ""
    stops: bool = False
    """Whether the rotation must not begin."""
    grantable: bool = False
    """Whether it stops only for want of a right, without which all could be looked at: a plan needs none."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What will happen, in order, in words; and what is in the way. Made without effects."""

    effects: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Problems, and what the operator has to know or do (a pooler to reload, services that fail until then)."""

    @property
    def stopped(self) -> bool:
        """Whether something is in the way."""
        return any(one.stops for one in self.findings)

    @property
    def broken(self) -> bool:
        """Whether something else than a right is."""
        return any(one.stops and not one.grantable for one in self.findings)


@dataclass(frozen=True, slots=True)
class Proof:
    """What each endpoint says to one login. Evidence is for people and the journal: it never holds a value."""

    answers: tuple[tuple[str, Answer, str], ...]
    """Endpoint, its answer, its words."""

    @property
    def works(self) -> bool:
        """Whether every endpoint lets it in."""
        return bool(self.answers) and all(answer is Answer.WORKS for _, answer, _ in self.answers)

    @property
    def refused(self) -> bool:
        """Whether every endpoint refuses it."""
        return bool(self.answers) and all(answer is Answer.REFUSED for _, answer, _ in self.answers)

    @property
    def evidence(self) -> tuple[str, ...]:
        """One line an endpoint."""
        return tuple(
            f"{where}: {answer} ({words})" if words else f"{where}: {answer}" for where, answer, words in self.answers
        )


class Trial(NamedTuple):
    """What came of one login at one server."""

    answer: Answer
    words: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Who still uses the old credential."""

    users: int | None
    """Sessions, or uses since the rotation; None: the issuer does not say."""
    evidence: tuple[str, ...] = ()


Fields = Mapping[str, Secret]
"""One version of a stored document."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a stored document, without its values."""

    version: str
    created: str = ""
    """ISO 8601 in UTC."""
    state: str = ""
    """current, pending, previous, deleted, destroyed or empty."""
    fields: tuple[str, ...] = ()
