"""The code in a rotation: it is looked at before anything happens, and changed once the new value is proven."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from secretguard.cli.delivering import Terms, hand_over, obstacles, unresolved
from secretguard.cli.rewriting import Looked, Planned, asked_variable, look, needing, planned
from secretguard.errors import RotationError, UsageError, Waiting
from secretguard.reference import parse_reference
from secretguard.report.places import count
from secretguard.rewrite.delivery import How
from secretguard.rotate.acts import Evidence, Lacks, Means, staged_login
from secretguard.rotate.plan import Plan
from secretguard.rotate.records import Rotation
from secretguard.rotation import Context, Finding, Mode, Target

_MOST = 50
_WAYS = (*How, "none")


@dataclass(frozen=True, slots=True)
class Code:
    """The repositories of one rotation at HEAD, and how what changes there is handed over."""

    how: How
    looked: tuple[Looked, ...]
    variable: str = ""
    """What the main variable is called; empty: as by convention."""


def asked_way(deliver: str, *, asks: bool) -> str:
    """Return how the code is changed: as said, else asked, else not at all."""
    if deliver or not asks:
        return deliver if deliver != "none" else ""
    click.echo("Change the code too? patch: a file for `git am`; branch: a branch here; pr: a pull request.", err=True)
    way: str = click.prompt("Deliver", type=click.Choice([str(one) for one in _WAYS]), default="branch", err=True)
    return way if way != "none" else ""


def check_way(deliver: str, mode: Mode, *, insists: bool, wait_merge: bool, variable: str) -> None:
    """Raise UsageError for a way that this mode cannot have."""
    if variable and not deliver:
        raise UsageError("--variable is for --deliver", hint="Without it no code is changed.")
    if wait_merge and (mode is not Mode.GRACEFUL or not deliver):
        raise UsageError(
            "--wait-merge is for --mode graceful with --deliver", hint="In breach mode the old value does not wait."
        )
    if insists and deliver != How.PULL_REQUEST:
        raise UsageError("--insist is for --deliver pr", hint="Leave it out: only a pull request shows the old value.")
    if deliver == How.PULL_REQUEST and mode is Mode.GRACEFUL and not insists:
        raise UsageError(
            "a pull request shows the old value on its removed lines, and in graceful mode that still works",
            hint="Use --deliver branch, or --insist if everybody who sees the pull request may know the value.",
        )


def look_at_code(
    paths: Sequence[str],
    deliver: str,
    target: Target,
    chosen: Mapping[str, Any],
    *,
    variable: str = "",
    asks: bool = False,
) -> tuple[Code | None, Target]:
    """Return the code to change, if any, and the target with every form that it needs a field for.

    `asks`: whether a person can say what the variable is called, where that is not clear.
    """
    if not deliver:
        return None, target
    looked = tuple(look(paths, target, chosen))
    code = Code(How(deliver), looked, variable or (asked_variable(looked, target) if asks else ""))
    return code, needing(code.looked, target)


def with_code(plan: Plan, code: Code | None, target: Target, context: Context) -> Plan:
    """Return the plan that says what happens to the code, too, and what would keep it from being delivered."""
    if code is None:
        return plan
    rewrites = planned(code.looked, target, plan.reference, code.variable)
    terms = Terms(target.credential, target.kind, target.leaked, code.how)
    stopping = (Finding(what, hint=hint, stops=True) for what, hint in obstacles(rewrites, terms, context))
    return replace(
        plan,
        variable=code.variable,
        effects=(*plan.effects, *_effects(code, rewrites)),
        findings=(*plan.findings, *_left(rewrites), *stopping),
    )


def lacking(code: Code | None, target: Target, rotation: Rotation, context: Context) -> Lacks | None:
    """Return what says which variables of the code would not get what they need of a new login."""
    if code is None:
        return None
    looked, reference = code.looked, parse_reference(rotation.reference)
    return lambda new: tuple(
        unresolved(planned(looked, target, reference, rotation.variable), target.leaked, new, context)
    )


def delivering(rotation: Rotation, means: Means, chosen: Mapping[str, Any]) -> Means:
    """Return the means with the step that changes the code, if the rotation is to."""
    if not rotation.deliver:
        return means

    def deliver() -> Evidence:
        return tuple(_delivered(rotation, means, chosen))

    return replace(means, deliver=deliver)


def _delivered(rotation: Rotation, means: Means, chosen: Mapping[str, Any]) -> Iterator[str]:
    """Look again at HEAD, which may have moved since, and hand over what is to be changed there."""
    new = staged_login(means)
    if new is None:
        raise RotationError(f"{means.reference} holds no value of this rotation any more")
    gone = [one for one in rotation.repositories if not Path(one).exists()]
    if gone and rotation.wait_merge:
        raise Waiting(
            f"whether the change is merged cannot be seen: {', '.join(gone)} is not there any more",
            hint="Put a clone of it there, then `secretguard rotate resume`.",
        )
    looked = look([one for one in rotation.repositories if one not in gone], means.target, chosen)
    rewrites = planned(looked, means.target, parse_reference(rotation.reference), rotation.variable)
    if wrong := unresolved(rewrites, means.target.leaked, new, means.context):
        raise Waiting(
            f"the code would read what is not there: {'; '.join(wrong)}",
            hint=f"HEAD changed since the value was stored. Add the field to {means.reference}, then resume.",
        )
    is_dead = rotation.mode is Mode.BREACH and not rotation.left_out
    if rotation.deliver == How.PULL_REQUEST and not (is_dead or rotation.insists):
        yield "no pull request: the old value is not proven dead at every server (`secretguard rewrite` can --insist)"
        return
    terms = Terms(
        credential=rotation.credential,
        title=rotation.title,
        leaked=means.target.leaked,
        how=How(rotation.deliver),
        new=new.secret,
        old_is_dead=is_dead,
        status=(f"{rotation.id}: the new value is at {rotation.reference}.",),
        insists=rotation.insists,
    )
    for one, done in hand_over(rewrites, terms, means.context):
        yield f"{done.how} {done.where} for {one.looked.path}: {count(len(one.rewrite.changes), 'file')}"
    for path in gone:
        yield f"{path} is not there any more, and nothing was delivered: `secretguard rewrite` does it where it is"
    for one in rewrites:
        if not one.rewrite.changes:
            yield f"{one.looked.path}: nothing is left to rewrite at HEAD"
        for item in one.rewrite.manual[:_MOST]:
            yield f"left to a person in {one.looked.path}: {item.path}:{item.line}: {item.reason}. {item.advice}"
    if rotation.wait_merge and any(one.rewrite.changes for one in rewrites):
        raise Waiting(
            "the changes to the code are delivered and not merged yet",
            hint="Merge them, pull, and deploy; then `secretguard rotate resume`.",
        )


def _effects(code: Code, rewrites: Sequence[Planned]) -> Iterator[str]:
    for one in rewrites:
        rewrite = one.rewrite
        if not rewrite.changes:
            yield f"{one.looked.path}: the value does not stand at HEAD, or only where a person has to take it out"
            continue
        yield (
            f"{code.how} for {one.looked.path}: {count(len(rewrite.changes), 'file')} to change, "
            f"{count(rewrite.references, 'place')} to read {', '.join(_names(one, 6))}"
        )


def _names(one: Planned, most: int) -> list[str]:
    names = [assigned.variable.name for assigned in one.rewrite.variables]
    return names if len(names) <= most else [*names[:most], "…"]


def _left(rewrites: Sequence[Planned]) -> Iterator[Finding]:
    for one in rewrites:
        manual = one.rewrite.manual
        if manual:
            first = manual[0]
            yield Finding(
                f"{one.looked.path}: {count(len(manual), 'place')} left to a person, the first at "
                f"{first.path}:{first.line}: {first.reason}",
                hint="`secretguard rewrite … --plan` lists them all.",
            )
        for problem in one.looked.problems:
            yield Finding(f"{one.looked.path}: {problem.where} could not be read, {problem.what}")
