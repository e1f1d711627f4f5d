"""Takes a rotation through its steps: intent before, outcome after, both durable, whatever happens in between."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from secretguard.errors import RemoteError, RotationError, SecretguardError, StoreError, UsageError, Waiting
from secretguard.rotate.acts import Means, act, has_overlap, now, staged_login
from secretguard.rotate.records import Attempt, Journal, Lease, Outcome, Rotation, State
from secretguard.rotate.steps import Step, order, point_of_no_return
from secretguard.rotate.unproven import unproven
from secretguard.rotate.untouched import only_refused, seen_untouched, unanswered
from secretguard.rotate.wording import without_values
from secretguard.rotation import Found, Overlap

_ABORT = "abort"
"""Name of the attempt to roll back; it stands among those at the steps."""


_SHOW_IT_IN_FORCE = (Step.ISSUE, Step.PROVE_NEW)
"""The proof sets it once more where somebody changed it back."""
RENEWED_EVERY = 30.0
"""Seconds; a lease lasts four times as long."""


class Audit(Protocol):
    """Where what was done is written down for good."""

    def __call__(self, rotation: Rotation, event: str, *, step: str = "", evidence: Sequence[str] = ()) -> None:
        """Append one record; raises RotationError if that fails, before anything else happens."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """One step's end, for whoever watches."""

    rotation: str
    credential: str
    step: Step
    outcome: Outcome
    evidence: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Books:
    """Where a rotation is written down, and who is told."""

    journal: Journal
    audit: Audit
    tell: Callable[[Told], None]
    starting: Callable[[Step], None]


@contextmanager
def leased(journal: Journal, credential: str) -> Iterator[Lease]:
    """Hold the lease of a credential, however long a step takes; raises Waiting if somebody else does."""
    lease = journal.acquire(credential)
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(journal, lease, over), name=f"lease of {credential}", daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        over.set()
        keeper.join()
        with suppress(SecretguardError):  # it runs out by itself, and what went wrong before matters more
            journal.release(lease)


def _keep(journal: Journal, lease: Lease, over: threading.Event) -> None:
    """Renew a lease until it is over; one that is lost is told by the next thing that is written down."""
    while not over.wait(RENEWED_EVERY):
        with suppress(SecretguardError):
            journal.renew(lease)


def drive(rotation: Rotation, means: Means, books: Books, lease: Lease) -> Rotation:
    """Take every step that is not done yet, and return the rotation as closed.

    Raises Waiting, IssuerError, StoreError or RotationError where a step cannot be done now; the journal knows.
    """
    if rotation.state is State.ABORTED:
        raise UsageError(
            f"{rotation.id} was aborted", hint=f"`secretguard rotate {rotation.credential}` begins another."
        )
    attempts = books.journal.attempts(rotation.id)
    done = _not_to_repeat(attempts)
    if _ABORT in {one.step for one in attempts}:
        raise UsageError(
            f"{rotation.id} is being rolled back, and may have lost its new value",
            hint=f"Finish that: `secretguard rotate abort {rotation.id}`.",
        )
    means = _aware(means, attempts)
    if rotation.state is State.WAITING:
        rotation = _amended(rotation, books, lease, state=State.OPEN, note="")
    if Step.ISSUE in done and not rotation.rotated_at:  # cut off between the two notes
        rotation, means = _in_force(rotation, means, books, lease)
    for step in order(rotation.mode, kill_first=rotation.kill_first):
        if step in done or (step is Step.DELIVER and means.deliver is None):
            continue
        lease = books.journal.renew(lease)
        _take(step, rotation, means, books, lease)
        if step in _SHOW_IT_IN_FORCE:
            rotation, means = _in_force(rotation, means, books, lease)
    return _amended(rotation, books, lease, state=State.CLOSED, note=_not_proven(means))


def _not_proven(means: Means) -> str:
    """Return what the end has to say of the old value beside that it is dead."""
    unseen = unproven(means.rotator, means.target, means.context)
    return f"not proven dead: {'; '.join(_without(means, unseen))}" if unseen else ""


def _in_force(rotation: Rotation, means: Means, books: Books, lease: Lease) -> tuple[Rotation, Means]:
    """Write down that the new value is in force by now: whoever came in before may have come in with the old one."""
    rotation = _amended(rotation, books, lease, rotated_at=now())
    return rotation, replace(means, context=replace(means.context, rotated_at=rotation.rotated_at))


def finished(attempts: Sequence[Attempt]) -> set[Step]:
    """Return the steps that are done."""
    return {Step(one.step) for one in attempts if one.outcome is Outcome.DONE and one.step in set(Step)}


def _not_to_repeat(attempts: Sequence[Attempt]) -> set[Step]:
    """Return the steps that are not taken again: those that are done, but preflight only once something was changed.

    Who goes on may have another environment, and name another operator's login, than who began.
    """
    changed = {Step.ISSUE, Step.DISABLE_OLD} & {one.step for one in attempts}
    return finished(attempts) - (set() if changed else {Step.PREFLIGHT})


def abort(rotation: Rotation, means: Means, books: Books, lease: Lease) -> Rotation:
    """Take back what was done while the old value still works; raises UsageError once it may not any more.

    What was published stays published if it works: it is withdrawn only together with its value in the store.
    """
    attempts = books.journal.attempts(rotation.id)
    overlap = means.rotator.overlap(means.target, means.context)
    refuse_abort(rotation, attempts, overlap)
    means = _aware(means, attempts)
    begun = {one.step for one in attempts}
    untouched: tuple[str, ...] = ()
    if point_of_no_return(overlap, kill_first=rotation.kill_first) in begun:
        untouched = _without(means, seen_untouched(means))
    number = books.journal.intend(rotation.id, _ABORT, lease)
    books.audit(rotation, "abort-intended")
    try:
        evidence = (*untouched, *_without(means, _rolled_back(means, begun)))
    except SecretguardError as error:
        words = _masked(error, means)
        books.journal.settle(rotation.id, number, Outcome.FAILED, words, lease)
        books.audit(rotation, "abort-failed", evidence=words)
        raise
    books.journal.settle(rotation.id, number, Outcome.DONE, evidence, lease)
    books.audit(rotation, "aborted", evidence=evidence)
    return _amended(rotation, books, lease, state=State.ABORTED, note="rolled back; the old value is still in force")


def refuse_abort(rotation: Rotation, attempts: Sequence[Attempt], overlap: Overlap) -> None:
    """Raise UsageError if the old value may be dead already, or the new one is already in use.

    A change that was refused each time is looked at by whoever may log in.
    """
    if rotation.state in (State.CLOSED, State.ABORTED):
        raise UsageError(f"{rotation.id} is {rotation.state} already", hint="Nothing is left to abort.")
    begun = {one.step for one in attempts}
    edge = point_of_no_return(overlap, kill_first=rotation.kill_first)
    if edge in begun and not only_refused(attempts, edge):
        raise UsageError(
            f"{rotation.id} cannot be rolled back: the old value may be dead since {edge}",
            hint=f"Go on instead: `secretguard rotate resume {rotation.id}`.",
        )
    if Step.PUBLISH in begun:
        raise UsageError(
            f"{rotation.id} cannot be rolled back: readers of {rotation.reference} may have the new value",
            hint=f"Go on instead: `secretguard rotate resume {rotation.id}`.",
        )


def _rolled_back(means: Means, begun: set[str]) -> Iterator[str]:
    """Undo in the opposite order: the issuer first, so that no value is lost that still opens something."""
    new = staged_login(means) if Step.STAGE in begun else None
    if Step.ISSUE in begun and has_overlap(means):
        yield from means.rotator.withdraw(means.target, new, means.context)
        if means.rotator.reconcile(means.target, new, means.context) is not Found.NOTHING:
            raise RotationError(f"{means.context.name} is still at the issuer", hint="Remove it there by hand.")
    if Step.STAGE in begun or Step.ISSUE in begun:
        means.store.discard(means.reference, means.context)
        yield f"the pending value at {means.reference} is gone"


def _take(step: Step, rotation: Rotation, means: Means, books: Books, lease: Lease) -> None:
    """Take one step, written down before and after."""
    books.starting(step)
    means = replace(means, noted=[])
    number = books.journal.intend(rotation.id, step, lease)
    books.audit(rotation, "intended", step=step)
    try:
        done = act(step, means)
        evidence = _without(means, (*means.noted, *done))
    except SecretguardError as error:
        _note_failure(step, rotation, error, number, means, books, lease)
        raise
    books.journal.settle(rotation.id, number, Outcome.DONE, evidence, lease)
    books.audit(rotation, "done", step=step, evidence=evidence)
    books.tell(Told(rotation.id, rotation.credential, step, Outcome.DONE, evidence, now()))


def _note_failure(
    step: Step, rotation: Rotation, error: SecretguardError, number: int, means: Means, books: Books, lease: Lease
) -> None:
    """Write down why a step did not end well, with no value in it."""
    outcome = Outcome.WAITS if isinstance(error, Waiting) else Outcome.FAILED
    words = (*_masked(error, means), *(_without(means, means.noted) if means.noted else ()))
    refused = outcome is Outcome.FAILED and not (isinstance(error, RemoteError) and error.unsure)
    books.journal.settle(rotation.id, number, outcome, words, lease, refused=refused)
    books.audit(rotation, str(outcome), step=step, evidence=words)
    books.tell(Told(rotation.id, rotation.credential, step, outcome, words, now()))
    if outcome is Outcome.WAITS:
        _amended(rotation, books, lease, state=State.WAITING, note=words[0])


def _masked(error: SecretguardError, means: Means) -> tuple[str, ...]:
    """Take the values out of an error, and return its words."""
    if _can_mask(means):
        words = _without(means, (str(error), *((error.hint,) if error.hint else ())))
    else:
        words = _instead(error, means)
    error.args, error.hint = (words[0],), words[1] if len(words) > 1 else ""
    return words


def _instead(error: SecretguardError, means: Means) -> tuple[str, str]:
    """Return what can be said of an error whose own words may hold the new value."""
    who = str(means.reference) if isinstance(error, StoreError) else "the issuer"
    does = "does not answer" if isinstance(error, RemoteError) and error.transient else "refuses"
    return (
        f"{who} {does}" if isinstance(error, RemoteError) else "the step cannot be done now",
        f"More was said, but the new value may stand in it and cannot be read from the store to be taken out. "
        f"`secretguard store versions {means.reference.with_field('')}` says what is wrong with the store.",
    )


def _amended(rotation: Rotation, books: Books, lease: Lease, **changes: object) -> Rotation:
    changed = replace(rotation, **changes)  # type: ignore[arg-type]
    books.journal.amend(changed, lease)
    return changed


def _aware(means: Means, attempts: Sequence[Attempt]) -> Means:
    """Return means that know what was asked for before, and have read the new value if there is one to be had."""
    means = replace(
        means,
        staged_before=any(one.step in (Step.STAGE, Step.ISSUE) for one in attempts),
        context=replace(means.context, unanswered=unanswered(attempts)),
    )
    _can_mask(means)
    return means


def _can_mask(means: Means) -> bool:
    """Whether the new value, if there is one that an earlier process stored, is known; else the store is asked."""
    if means.staged_before and not means.new_values:
        try:
            staged_login(means)
        except SecretguardError:
            return False
    return True


def _without(means: Means, lines: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    """Return lines without the leaked, the new and the operator's own value; none if the new one is not known."""
    lines = tuple(lines)
    if not _can_mask(means):
        return ("what was said is left out: the new value, which may stand in it, cannot be read from the store",)
    own = () if means.target.admin is None else (means.target.admin,)
    return without_values(lines, (means.target.leaked.secret, *own, *means.new_values))
