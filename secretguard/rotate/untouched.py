"""What tries at a change may have done: of those that were refused nothing, if the login is seen to be as it was."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from secretguard.errors import IssuerError, UsageError
from secretguard.rotate.acts import Evidence, Means, staged_login
from secretguard.rotate.records import Attempt, Outcome
from secretguard.rotate.steps import Step
from secretguard.rotation import Found, Unanswered


def only_refused(attempts: Sequence[Attempt], step: Step) -> bool:
    """Whether every try at a step was refused: none can still have an effect, however late."""
    return all(one.refused for one in attempts if one.step == step)


def unanswered(attempts: Sequence[Attempt]) -> tuple[Unanswered, ...]:
    """Return the tries to put a new value in force whose effect nobody knows."""
    return tuple(
        Unanswered(one.began, one.ended)
        for one in attempts
        if one.step == Step.ISSUE and not one.refused and one.outcome is not Outcome.DONE
    )


def seen_untouched(means: Means) -> Evidence:
    """Log in with both values wherever the old one worked, and return what was seen.

    Raises UsageError unless the old one works and the new one is refused at each server.
    """
    new = staged_login(means)
    where = replace(means.target, endpoints=means.alive or means.target.endpoints)
    old = means.rotator.verify(where, means.target.leaked, means.context)
    seen = [f"old value: {line}" for line in old.evidence]
    untouched = old.works
    if new is not None:
        tried = means.rotator.verify(where, new, means.context)
        seen += [f"new value: {line}" for line in tried.evidence]
        untouched = untouched and tried.refused
        with suppress(IssuerError):  # it may need the very login that was refused
            untouched = means.rotator.reconcile(means.target, new, means.context) is Found.NOTHING and untouched
    if not untouched:
        raise UsageError(
            f"{means.context.rotation} cannot be rolled back: it is not certain that nothing was changed "
            f"({'; '.join(seen)})",
            hint=f"Go on instead: `secretguard rotate resume {means.context.rotation}`.",
        )
    return tuple(seen)
