"""What the journal keeps, and what a journal must do. No value is ever in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from secretguard.model import Endpoint
from secretguard.rotation import Mode


class State(StrEnum):
    """How a rotation as a whole stands."""

    OPEN = "open"
    """Its next step can be taken at any time."""
    WAITING = "waiting"
    """A person has to do something first; the note says what."""
    CLOSED = "closed"
    """The old value was seen to be dead."""
    ABORTED = "aborted"
    """Rolled back: the old value is still in force."""


class Outcome(StrEnum):
    """How an attempt at a step ended; an attempt without one was cut off."""

    DONE = "done"
    FAILED = "failed"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A server that nobody could ask, and that a person left out of the proof of death."""

    endpoint: Endpoint
    reason: str
    actor: str
    """user@host of who said so."""
    at: str
    """ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One journalled rotation."""

    id: str
    """`rot_` + 16 hex."""
    credential: str
    title: str
    """Of the credential, for people."""
    family: str
    kind: str
    user: str
    endpoints: tuple[Endpoint, ...]
    """Where the old value has to be seen to be dead."""
    alive: tuple[Endpoint, ...]
    """Of these, where it was seen to work before anything was changed: there the new one has to work."""
    rotator: str
    reference: str
    """Where the new value goes, `ref+…`."""
    mode: Mode
    repositories: tuple[str, ...]
    """Where the old value can be found again, absolute paths."""
    actor: str
    """user@host of who began it."""
    began: str
    """ISO 8601 in UTC."""
    kill_first: bool = False
    overlap: str = ""
    """How many values live side by side in it, as it was confirmed; empty: not known."""
    deliver: str = ""
    """How the code is changed: patch, branch or pr; empty: not at all."""
    wait_merge: bool = False
    """Whether the old value lives until the change of the code is merged."""
    insists: bool = False
    """Whether a pull request may show the old value while it still works."""
    variable: str = ""
    """What the main variable in the code is called; empty: as by convention."""
    rotated_at: str = ""
    """Since when the new value is certainly in force, by our clock: it had been set, and was proven to work."""
    state: State = State.OPEN
    note: str = ""
    """Why it waits, or how it ended."""
    left_out: tuple[LeftOut, ...] = ()
    """Of `endpoints`, where the old value need not be seen to be dead."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one step: its intent was written before the effect, its outcome after."""

    rotation: str
    number: int
    """1, 2 … within the rotation."""
    step: str
    actor: str
    began: str
    ended: str = ""
    outcome: Outcome | None = None
    """None: cut off between intent and outcome, or still running."""
    evidence: tuple[str, ...] = ()
    refused: bool = False
    """Whether it failed with an answer: nothing of it is still on its way, and can have an effect later."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who drives the rotation of a credential; nobody else may until it is given back or runs out."""

    credential: str
    holder: str
    """user@host, process id."""
    since: str
    expires: str
    token: str
    """Random; whoever has it holds the lease."""


class Journal(Protocol):
    """Durable when a method returns. Raises RotationError if it cannot be read or written, or was lost.

    `begin`, `intend`, `settle` and `amend` also raise RotationError where `lease` is no longer held: somebody else took
    it over after it ran out, and may be at work.
    """

    def acquire(self, credential: str) -> Lease:
        """Take the lease; raises Waiting that tells who holds it and since when.

        A lease whose holder died on this host, or that ran out, is taken over.
        """
        ...

    def renew(self, lease: Lease) -> Lease:
        """Push its end back; raises RotationError if it is lost."""
        ...

    def release(self, lease: Lease) -> None:
        """Give it back; nothing if it was lost."""
        ...

    def begin(self, rotation: Rotation, lease: Lease) -> None:
        """Write down a new rotation; raises RotationError if the credential has one that is open or waits."""
        ...

    def amend(self, rotation: Rotation, lease: Lease) -> None:
        """Replace what is known about a rotation."""
        ...

    def intend(self, rotation: str, step: str, lease: Lease) -> int:
        """Write down that `step` is about to be tried, and return the number of the attempt."""
        ...

    def settle(
        self,
        rotation: str,
        number: int,
        outcome: Outcome,
        evidence: Sequence[str],
        lease: Lease,
        *,
        refused: bool = False,
    ) -> None:
        """Write down how the attempt ended; `refused` as in `Attempt`."""
        ...

    def rotation(self, name: str) -> Rotation | None:
        """Return one rotation."""
        ...

    def rotations(self, credential: str = "") -> list[Rotation]:
        """Return all, or those of one credential, newest first."""
        ...

    def attempts(self, rotation: str) -> list[Attempt]:
        """Return the attempts of a rotation, oldest first."""
        ...

    def leases(self) -> list[Lease]:
        """Return the leases that are held and have not run out."""
        ...

    def anchor(self) -> tuple[int, str]:
        """Return how many audit records there were when one was last written, and the last one's seal."""
        ...

    def set_anchor(self, count: int, seal: str) -> None:
        """Keep that."""
        ...

    def close(self) -> None:
        """Let go of the file or connection."""
        ...
