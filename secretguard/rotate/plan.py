"""What a rotation will do, and what is in its way, before anything happens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from secretguard.interfaces import Rotator, StorePlugin
from secretguard.model import Endpoint
from secretguard.reference import SecretReference, misread_by_vals
from secretguard.rotate.fields import BESIDE, foreign
from secretguard.rotate.probing import Heard, probed, silent
from secretguard.rotate.servers import Server, hosts, said
from secretguard.rotate.steps import Step, order
from secretguard.rotate.unproven import unproven
from secretguard.rotation import Answer, Context, Fields, Finding, Overlap, Target


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen, in order, and what is in the way."""

    rotator: str
    reference: SecretReference
    overlap: Overlap
    steps: tuple[Step, ...]
    effects: tuple[str, ...]
    findings: tuple[Finding, ...]
    endpoints: tuple[Endpoint, ...]
    """Where the old value has to be seen to be dead."""
    alive: tuple[Endpoint, ...]
    """Where it works now."""
    left_out: tuple[Endpoint, ...] = ()
    """Of `endpoints`, those that do not answer and need not, because the operator says so."""
    variable: str = ""
    """What the main variable in the code is called, if a person says."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that will see the new value, each once."""
        return hosts(self.alive)

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """What keeps it from beginning."""
        return tuple(one for one in self.findings if one.stops)

    @property
    def flaws(self) -> tuple[Finding, ...]:
        """Those that no right would take out of the way."""
        return tuple(one for one in self.obstacles if not one.grantable)


def make_plan(
    target: Target,
    named: tuple[str, Rotator],
    store: StorePlugin,
    reference: SecretReference,
    context: Context,
    *,
    kill_first: bool = False,
    delivers: bool = False,
    leave_out: Sequence[Server] = (),
    earlier: Sequence[str] = (),
) -> Plan:
    """Look at issuer and store, and say what will happen. No effects; raises IssuerError and StoreError.

    Raises UsageError if a server of `leave_out` answers. `earlier`: rotations of the same credential that are closed,
    and whose value may be replaced where it is stored.
    """
    name, rotator = named
    heard = probed(rotator, target, context)
    elsewhere = [one.endpoint for one in heard if one.is_elsewhere]
    alive = tuple(one.endpoint for one in heard if one.answer is Answer.WORKS)
    left_out = silent(leave_out, [one for one in heard if one.endpoint not in elsewhere], alive)
    at_issuer = rotator.preflight(replace(target, endpoints=alive or target.endpoints), context)
    at_store = store.preflight(reference, context)
    there = {} if at_store.broken else _of_others(store, reference, context, earlier)
    return Plan(
        rotator=name,
        reference=reference,
        overlap=rotator.overlap(target, context),
        steps=tuple(one for one in order(context.mode, kill_first=kill_first) if delivers or one is not Step.DELIVER),
        effects=(*at_store.effects, *at_issuer.effects),
        findings=(
            *_said_of(heard, elsewhere, left_out),
            *_refused_everywhere(rotator, target, context, heard),
            *_nowhere(rotator, target, context),
            *at_issuer.findings,
            *at_store.findings,
            *_of_document(target, there, reference),
            *(Finding(said) for said in [misread_by_vals(reference)] if said),
        ),
        endpoints=tuple(one for one in target.endpoints if one not in elsewhere),
        alive=alive,
        left_out=tuple(left_out),
    )


def _nowhere(rotator: Rotator, target: Target, context: Context) -> Iterator[Finding]:
    """Yield what stops a rotation of a login whose server nobody knows; some issuers are found without one."""
    if not target.endpoints and not rotator.verify(target, target.leaked, context).answers:
        yield Finding(
            "nothing says at which server the leaked value works",
            hint="Give a whole connection string with --old-from REF, or replace it at its server by hand.",
            stops=True,
        )


def _said_of(heard: Sequence[Heard], elsewhere: Sequence[Endpoint], left_out: Sequence[Endpoint]) -> Iterator[Finding]:
    """Yield what the answers mean for the rotation."""
    unclear = [one for one in heard if one.answer is Answer.UNKNOWN and one.endpoint not in (*elsewhere, *left_out)]
    dead = [one.endpoint for one in heard if one.answer is Answer.REFUSED]
    told = hosts(one.endpoint for one in heard if one.answer is Answer.WORKS)
    if len(told) > 1:
        yield Finding(
            f"the new value will be tried at {len(told)} hosts, which the code names: {', '.join(told)}",
            hint="Whoever runs one of them may learn it, or get in with it: go on only if all of them are yours. To "
            "confirm the plan confirms all of them; --yes needs --server HOST for each.",
        )
    if elsewhere:
        # Another machine's localhost: from here nobody can prove anything about it.
        yield Finding(f"{_listed(elsewhere)}: nothing listens on this machine, so it is left out of the proof")
    for one in unclear:
        yield Finding(
            f"{said(one.endpoint)} does not say whether the leaked value works, so the rotation will wait there for "
            f"the proof of death{': ' * bool(one.words)}{one.words}",
            hint="Run it from where every server can be reached; one that is no more: --leave-out HOST --reason TEXT.",
        )
    if left_out:
        yield Finding(f"{_listed(left_out)}: does not answer, and is left out of the proof of death as asked")
    if dead:
        yield Finding(f"{_listed(dead)}: refuses the leaked value already")
    if heard and len(dead) < len(heard) and not any(one.answer is Answer.WORKS for one in heard):
        yield Finding(
            "the leaked value works at no server that can be reached from here",
            hint="Run it from where its server can be reached.",
            stops=True,
        )


def _refused_everywhere(
    rotator: Rotator, target: Target, context: Context, heard: Sequence[Heard]
) -> Iterator[Finding]:
    """Yield what stops a rotation of a value that every server refuses; that need not mean that it is dead."""
    if not heard or any(one.answer is not Answer.REFUSED for one in heard):
        return
    if unseen := unproven(rotator, target, context):
        yield Finding(
            f"the leaked value is refused to this machine, and may live: not seen were {'; '.join(unseen)}",
            hint="Name an operator's login with --admin REF, or run it from where the value works.",
            stops=True,
        )
        return
    yield Finding(
        "the leaked value is refused everywhere already: there is nothing to rotate",
        hint="What is left is to take it out of the code; `secretguard show` lists where it stands.",
        stops=True,
    )


def _of_others(store: StorePlugin, reference: SecretReference, context: Context, earlier: Sequence[str]) -> Fields:
    """Return what a document gives that no earlier rotation of this credential put there."""
    there = store.read(reference, context) or {}
    if not there:
        return there
    ours = [store.staged(reference, replace(context, rotation=one)) or {} for one in earlier]
    return {
        name: value
        for name, value in there.items()
        if not any(name in one and one[name].same_as(value) for one in ours)
    }


def _of_document(target: Target, there: Fields, reference: SecretReference) -> Iterator[Finding]:
    """Yield what would be replaced of somebody else's. Only the field that the operator named may be the secret."""
    names = foreign(target, there, reference)
    secrets = [name for name in names if name not in BESIDE and name != reference.field]
    if secrets:
        yield Finding(
            f"{reference} holds another credential in {', '.join(secrets)}, which would be replaced",
            hint="Name a document of its own with --to.",
            stops=True,
        )
    elif names:
        yield Finding(f"{reference} holds something else in {', '.join(names)}, which is replaced")


def _listed(endpoints: Sequence[Endpoint]) -> str:
    return ", ".join(said(one) for one in endpoints)
