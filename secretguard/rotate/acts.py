"""What each step does: look at the world, then act, then prove. Each returns its evidence and can be repeated."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from secretguard.errors import Conflict, IssuerError, RemoteError, RotationError, Waiting
from secretguard.interfaces import Rotator, StorePlugin
from secretguard.model import Endpoint
from secretguard.reference import SecretReference
from secretguard.rotate.fields import fields_of, login_of, without_new_value
from secretguard.rotate.probing import probed, proven
from secretguard.rotate.records import LeftOut
from secretguard.rotate.servers import said
from secretguard.rotate.steps import Step
from secretguard.rotate.unproven import unproven
from secretguard.rotate.watching import watched
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Proof, Target, Unanswered
from secretguard.secret import Secret

Evidence = tuple[str, ...]
Result = TypeVar("Result")
_TRIES = 3
"""How often a change is tried whose reply was lost; before each, we look whether it took place."""
_PAUSE = 0.5
"""Seconds before the second try."""
Lacks = Callable[[Login], tuple[str, ...]]
"""Variables that would not get what they need of a new login, with the reason; no value is in it."""


@dataclass(frozen=True, slots=True)
class Means:
    """All that the steps of one rotation work with."""

    rotator: Rotator
    store: StorePlugin
    reference: SecretReference
    target: Target
    context: Context
    alive: tuple[Endpoint, ...]
    """Where the leaked value was seen to work before anything was changed."""
    deliver: Callable[[], Evidence] | None = None
    """Brings the references into the code."""
    kill_first: bool = False
    """Whether the old value ends before there is a new one."""
    code_lacks: Lacks | None = None
    """What the references in the code do not give; None if no code is changed."""
    elsewhere: tuple[Endpoint, ...] = ()
    """More servers where the old value has to be dead; the new one is none of their business."""
    left_out: tuple[LeftOut, ...] = ()
    """Servers that never answer; they are in neither `target` nor `elsewhere`."""
    used_no_more: bool = False
    """Whether a person vouches that nobody uses the old value, where the issuer does not tell."""
    watched: float = 0.0
    """Seconds for which nobody may be seen to use the old value before it is ended, gracefully."""
    noted: list[str] = field(default_factory=list)
    """What was done on the way, for the evidence of the step, also where it fails."""
    new_values: list[Secret] = field(default_factory=list, repr=False)
    """Each new value that this process has had in hand, to be kept out of words even while the store is away."""
    staged_before: bool = False
    """Whether an earlier process may have stored a new value, which this one may not have read yet."""


def act(step: Step, means: Means) -> Evidence:
    """Carry out one step. Raises Waiting, IssuerError, StoreError or RotationError; nothing is lost by any."""
    return _ACTS[step](means)


def staged_login(means: Means) -> Login | None:
    """Return the new login as the store has it, pending or published; None before there is one."""
    fields = means.store.staged(means.reference, means.context)
    if fields is None:
        return None
    try:
        login = login_of(means.target, fields, means.reference)
    except RotationError:
        means.new_values.extend(fields.values())  # whatever they are now
        raise
    means.new_values.append(login.secret)
    return login


def has_overlap(means: Means) -> bool:
    """Whether old and new value work side by side for a while."""
    return means.rotator.overlap(means.target, means.context) is not Overlap.NONE


def _preflight(means: Means) -> Evidence:
    """Look again, though the plan has looked: between the two somebody thought, or a process died."""
    where_it_works = replace(means.target, endpoints=means.alive or means.target.endpoints)
    findings = (
        *means.rotator.preflight(where_it_works, means.context).findings,
        *means.store.preflight(means.reference, means.context).findings,
    )
    for one in findings:
        if one.stops:
            raise RotationError(one.what, hint=one.hint)
    return tuple(one.what for one in findings)


def _stage(means: Means) -> Evidence:
    if staged_login(means) is not None:
        return (f"{means.reference} holds the pending value already",)
    new = means.rotator.make(means.target, means.context)
    if new is None:
        return ("the issuer makes the value; it is stored as soon as it is there",)
    _keep(means, new)
    return (f"a new value is pending at {means.reference}",)


def _keep(means: Means, new: Login) -> None:
    """Store a login as pending, so that it is there whatever happens next."""
    means.new_values.append(new.secret)
    fields = fields_of(means.target, new, means.reference)

    def stored() -> bool:
        return means.store.staged(means.reference, means.context) is not None

    _changed(lambda: means.store.stage(means.reference, fields, means.context), stored)
    if not stored():
        raise RotationError(f"{means.reference} did not keep the pending value", hint="Look at the store's own log.")


def _issue(means: Means) -> Evidence:
    new = staged_login(means)
    found = _without_orphan(means, new)
    name = means.context.name
    if found is Found.ISSUED and has_overlap(means):
        return (f"{name} was in force already",)
    if new is None:
        _keep(means, _made_by_issuer(means))
        return (f"in force under the name {name}, and pending at {means.reference}",)

    def in_force() -> bool:
        return means.rotator.reconcile(means.target, new, means.context) is Found.ISSUED

    # Where there is no overlap, issuing again ends what was cut off: it sends out whoever is still in.
    _changed(lambda: means.rotator.issue(means.target, new, means.context), in_force)
    return (f"in force under the name {name}",) if has_overlap(means) else ("the new value is in force",)


def _without_orphan(means: Means, new: Login | None) -> Found:
    """Look what this rotation has at the issuer, and remove what nobody has the value of."""
    found = means.rotator.reconcile(means.target, new, means.context)
    if found is Found.ORPHAN:
        means.noted.extend(means.rotator.withdraw(means.target, None, means.context))
        found = means.rotator.reconcile(means.target, new, means.context)
    if found is Found.ORPHAN:
        raise RotationError(
            f"{means.context.name} is at the issuer, without its value, and cannot be removed",
            hint="Remove it there by hand, then `secretguard rotate resume`.",
        )
    return found


def _made_by_issuer(means: Means) -> Login:
    """Have a value made: one whose reply is lost is removed before another is asked for."""
    lost = False
    for number in range(1, _TRIES + 1):
        asked = now()
        try:
            return means.rotator.issue(means.target, None, means.context)
        except RemoteError as error:
            with _unsure_if(lost or error.unsure):
                lost = lost or error.unsure
                if not (error.transient or error.unsure):
                    raise
                if error.unsure:
                    means = _unanswered_since(asked, means)
                _without_orphan(means, None)
                if number == _TRIES:
                    raise
            time.sleep(min(error.retry_after or _PAUSE * number, 30.0))
    raise AssertionError("the last try returns or raises")


def _unanswered_since(asked: str, means: Means) -> Means:
    since = (*means.context.unanswered, Unanswered(asked, now()))
    return replace(means, context=replace(means.context, unanswered=since))


def _prove_new(means: Means) -> Evidence:
    new = _new(means)
    proof = _proof_of_new(means, new)
    if any(answer is Answer.REFUSED for _, answer, _ in proof.answers) and not has_overlap(means):
        # Somebody with a session of the old login may have set it back: put it in force once more.
        means.rotator.issue(means.target, new, means.context)
        proof = _proof_of_new(means, new)
    refusing = [
        line for line, (_, answer, _) in zip(proof.evidence, proof.answers, strict=True) if answer is Answer.REFUSED
    ]
    if refusing:
        raise Waiting(
            f"the new value is refused: {'; '.join(refusing)}",
            hint="A pooler may have to be reloaded, or somebody changes it back. Then `secretguard rotate resume`.",
        )
    if not proof.works:
        raise IssuerError(f"the new value could not be tried: {'; '.join(proof.evidence)}", transient=True)
    return proof.evidence


def _proof_of_new(means: Means, new: Login) -> Proof:
    """Try the new login where the old one worked; where nothing answered before, nothing is expected now."""
    where = means.alive or means.target.endpoints
    return proven(means.rotator, replace(means.target, endpoints=where), new, means.context)


def _publish(means: Means) -> Evidence:
    def is_published() -> bool:
        return means.store.published(means.reference, means.context)

    if is_published():
        return (f"{means.reference} gives the new value already",)
    try:
        _changed(lambda: means.store.publish(means.reference, means.context), is_published)
    except Conflict as conflict:
        raise Waiting(
            f"{means.reference} was changed by somebody else: {conflict}",
            hint=conflict.hint or "Look at it, then `secretguard rotate resume`.",
        ) from None
    if not is_published():
        raise RotationError(f"{means.reference} does not give the new value after it was published")
    return (f"{means.reference} gives the new value",)


def _resolve(means: Means) -> Evidence:
    new, wanted = _new(means), means.store.staged(means.reference, means.context) or {}
    given = means.store.read(means.reference, means.context) or {}
    wrong = [name for name, value in wanted.items() if name not in given or not given[name].same_as(value)]
    wrong += [name for name in without_new_value(wanted, new) if name not in wrong]
    if wrong:
        raise Waiting(
            f"{means.reference} gives another value in {', '.join(wrong)}",
            hint="Somebody wrote to it since it was published. Look at it, then `secretguard rotate resume`.",
        )
    if means.code_lacks and (lacks := means.code_lacks(new)):
        raise Waiting(
            f"the code would read what is not there: {'; '.join(lacks)}",
            hint=f"Add the field to {means.reference}, then `secretguard rotate resume`.",
        )
    return tuple(str(means.reference.with_field(name)) for name in wanted)


def _observe(means: Means) -> Evidence:
    return watched(
        means.rotator, means.target, _new(means), means.context, seconds=means.watched, vouched=means.used_no_more
    )


def _disable_old(means: Means) -> Evidence:
    new = staged_login(means) if means.kill_first else _new(means)
    if new is not None and has_overlap(means) and not means.kill_first:
        # Since they were last looked at somebody may have waited for weeks.
        _prove_new(means)
        _resolve(means)
    return _changed(lambda: means.rotator.disable(means.target, new, means.context), None) or ()


def _prove_old_dead(means: Means) -> Evidence:
    everywhere = replace(means.target, endpoints=(*means.target.endpoints, *means.elsewhere))
    proof = proven(means.rotator, everywhere, means.target.leaked, means.context)
    if not proof.answers:
        raise IssuerError("nobody could be asked whether the old value is refused", transient=True)
    lines = list(zip(proof.evidence, proof.answers, strict=True))
    back, excused = _of_left_out(means)
    living = [line for line, (_, answer, _) in lines if answer is Answer.WORKS] + back
    if living:
        raise Waiting(
            f"the old value is still accepted: {'; '.join(living)}",
            hint="A pooler or replica may have to be reloaded. Then `secretguard rotate resume`.",
        )
    silent = [line for line, (_, answer, _) in lines if answer is Answer.UNKNOWN]
    if silent:
        raise Waiting(
            f"nobody knows yet whether the old value is refused: {'; '.join(silent)}",
            hint="Run `secretguard rotate resume` from where that server can be reached; one that is no more can be "
            "left out: --leave-out HOST --reason TEXT.",
        )
    unseen = (f"not proven: {one}" for one in unproven(means.rotator, everywhere, means.context))
    # Last of all, the new value again: whoever still had a session may have changed it since.
    return (*proof.evidence, *excused, *unseen, *(f"new value: {line}" for line in _prove_new(means)))


def _of_left_out(means: Means) -> tuple[list[str], list[str]]:
    """Return what servers say that were left out: those that are back and let the old value in, and the others."""
    back, others = list[str](), list[str]()
    asked = replace(means.target, endpoints=tuple(one.endpoint for one in means.left_out))
    for one, heard in zip(means.left_out, probed(means.rotator, asked, means.context), strict=True):
        if heard.answer is Answer.UNKNOWN:
            others.append(f"{said(one.endpoint)}: not proven dead, left out because {one.reason}")
        else:
            (back if heard.answer is Answer.WORKS else others).append(str(heard))
    return back, others


def _deliver(means: Means) -> Evidence:
    return means.deliver() if means.deliver else ("not asked for",)


def _destroy_old(means: Means) -> Evidence:
    at_issuer = _changed(lambda: means.rotator.destroy(means.target, _new(means), means.context), None) or ()
    leaked = means.target.leaked.secret
    in_store = _changed(lambda: means.store.destroy_leaked(means.reference, leaked, means.context), None) or ()
    return (*at_issuer, *in_store, *_without_late(means))


def _without_late(means: Means) -> Evidence:
    """Look once more for what this rotation asked for and gave up on: a call may have its effect after we looked."""
    withdraw_late = getattr(means.rotator, "withdraw_late", None)
    if withdraw_late is None:
        return ()
    return _changed(lambda: tuple(withdraw_late(means.target, _new(means), means.context)), None) or ()


def _close(means: Means) -> Evidence:
    if not means.store.published(means.reference, means.context):
        raise RotationError(f"{means.reference} does not give the new value", hint="Look at it before closing.")
    where = " at every server that was not left out" if means.left_out else ""
    unseen = unproven(means.rotator, means.target, means.context)
    far = f", as far as it can be seen (not proven: {'; '.join(unseen)})" if unseen else ""
    return (f"the old value is dead{where}{far}, the new one is in use",)


def _new(means: Means) -> Login:
    new = staged_login(means)
    if new is None:
        raise RotationError(
            f"{means.reference} holds no value of this rotation any more",
            hint="Somebody removed it. If the old value still works, `secretguard rotate abort` starts over.",
        )
    return new


def _changed(change: Callable[[], Result], done: Callable[[], bool] | None) -> Result | None:
    """Carry out a change, once: where its reply is lost, `done` looks; None if the effect turns out to be there.

    A change with no `done` may be repeated by its contract. What is raised is `unsure` once a reply was lost.
    """
    lost = False
    for number in range(1, _TRIES + 1):
        try:
            return change()
        except Conflict:
            raise
        except RemoteError as error:
            with _unsure_if(lost or error.unsure):
                lost = lost or error.unsure
                if not (error.transient or error.unsure):
                    raise
                if done is not None and done():
                    return None
                if number == _TRIES or (done is None and error.unsure and not error.transient):
                    raise
            time.sleep(min(error.retry_after or _PAUSE * number, 30.0))
    raise AssertionError("the last try returns or raises")


@contextmanager
def _unsure_if(lost: bool) -> Iterator[None]:
    """Mark what is raised as unsure where an earlier reply was lost: its effect may still come."""
    try:
        yield
    except RemoteError as error:
        error.unsure = error.unsure or lost
        raise


def now() -> str:
    """Return the time as the journal writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


_ACTS: Mapping[Step, Callable[[Means], Evidence]] = {
    Step.PREFLIGHT: _preflight,
    Step.STAGE: _stage,
    Step.ISSUE: _issue,
    Step.PROVE_NEW: _prove_new,
    Step.PUBLISH: _publish,
    Step.RESOLVE: _resolve,
    Step.DELIVER: _deliver,
    Step.OBSERVE: _observe,
    Step.DISABLE_OLD: _disable_old,
    Step.PROVE_OLD_DEAD: _prove_old_dead,
    Step.DESTROY_OLD: _destroy_old,
    Step.CLOSE: _close,
}
