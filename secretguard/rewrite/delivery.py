"""What is delivered: file changes on top of a commit, and everything that a message about them says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from secretguard.git.repository import Repository
from secretguard.rewriting import FileChange, ManualItem, Variable
from secretguard.secret import Secret


class How(StrEnum):
    """The ways out."""

    PATCH = "patch"
    BRANCH = "branch"
    PULL_REQUEST = "pr"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One repository's share of a rewrite, as it was computed and checked. Nothing of it is delivered yet."""

    repository: Repository
    base: str
    """The commit that the changes were computed against, as a full id."""
    changes: Sequence[FileChange]
    credential: str
    """`sg_…`"""
    title: str
    """What the credential is: `PostgreSQL connection`."""
    old: Secret
    """The leaked value, which must not be in anything that leaves except on removed lines."""
    new: Secret | None = None
    """The value in its place, if it is known; it must not be in anything that leaves."""
    old_is_dead: bool = False
    """Whether the old value was seen to be refused everywhere."""
    variables: Sequence[Variable] = ()
    manual: Sequence[ManualItem] = ()
    status: Sequence[str] = ()
    """How the rotation stands, a sentence a line."""

    @property
    def branch(self) -> str:
        """The name of the branch, the same for a credential in every repository."""
        return f"secretguard/rotate-{self.credential}"

    @property
    def ref(self) -> str:
        """The branch as git keeps it."""
        return f"refs/heads/{self.branch}"

    @property
    def values(self) -> tuple[Secret, ...]:
        """The values that nobody must see."""
        return (self.old,) if self.new is None else (self.old, self.new)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was done."""

    how: How
    where: str
    """A file, a branch, or the address of a pull request."""
    evidence: tuple[str, ...] = ()
    """What was seen, in sentences without values."""
    is_new: bool = True
    """False: it was there already, exactly so, and nothing was done."""
    text: str = field(default="", repr=False)
    """Of a patch: what may be shown on a screen, with the values masked."""
