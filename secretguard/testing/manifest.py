"""What a built repository hides: every planted credential, with every place where a scan must find it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

CURRENT = ("worktree", "staged")
"""Kinds of place that are in the checked-out files rather than in the past."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A made-up credential: what its identity is made from, and a name for messages of failed tests."""

    name: str
    secret: str
    family: str = "token"
    user: str = ""
    variable: str = ""
    """The environment variable it is usually kept in."""
    other_values: tuple[str, ...] = ()
    """More that must not be printed, such as the spellings of the secret."""


@dataclass(frozen=True, slots=True)
class Text:
    """Content, and the planted credentials that stand in it: one entry for each mention."""

    data: bytes
    holds: tuple[Planted, ...] = ()
    inner: str | None = None
    """The member that holds them, if the content is an archive."""


def text(content: str | bytes, *holds: Planted, inner: str | None = None) -> Text:
    """Return `content` with the credentials that it mentions."""
    return Text(content.encode() if isinstance(content, str) else content, holds, inner)


@dataclass(frozen=True, slots=True, order=True)
class ExpectedPlace:
    """One occurrence that a report must list."""

    source: str
    path: str = ""
    commit: str = ""
    inner: str = ""
    ref: str = ""
    """The ref that names the object directly: a tag message, a blob behind a tag."""
    date: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedCredential:
    """A planted credential and its places; a place that mentions it twice is listed twice."""

    planted: Planted
    places: tuple[ExpectedPlace, ...]

    @property
    def by_source(self) -> Counter[str]:
        """Occurrences counted by kind of place."""
        return Counter(place.source for place in self.places)

    @property
    def files(self) -> int:
        """Distinct paths in the current files, else in the past."""
        current = {place.path for place in self.places if place.source in CURRENT}
        return len(current or {place.path for place in self.places if place.path})

    @property
    def commits(self) -> int:
        """Distinct commits that add an occurrence."""
        return len({place.commit for place in self.places if place.commit})

    @property
    def first(self) -> ExpectedPlace | None:
        """The oldest dated place."""
        return min((place for place in self.places if place.date), key=lambda place: place.date, default=None)

    @property
    def in_head(self) -> bool:
        """Whether it stands in the current files."""
        return any(place.source in CURRENT for place in self.places)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything hidden in one repository."""

    path: Path
    credentials: tuple[ExpectedCredential, ...]
    """What `scan --history` must report, and nothing else."""
    with_ignored: tuple[ExpectedCredential, ...]
    """The same with `--include-ignored`."""

    def named(self, name: str) -> ExpectedCredential:
        """Return the credential that was planted as `name`."""
        return next(one for one in self.with_ignored if one.planted.name == name)
