"""The steps of a rotation and their order, which belongs to us and to no plugin."""

from enum import StrEnum

from secretguard.errors import UsageError
from secretguard.rotation import Mode, Overlap


class Step(StrEnum):
    """One thing that a rotation does; the value is its name in journal, audit and JSON."""

    PREFLIGHT = "preflight"
    STAGE = "stage"
    ISSUE = "issue"
    PROVE_NEW = "prove-new"
    PUBLISH = "publish"
    RESOLVE = "resolve"
    DELIVER = "deliver"
    OBSERVE = "observe"
    DISABLE_OLD = "disable-old"
    PROVE_OLD_DEAD = "prove-old-dead"
    DESTROY_OLD = "destroy-old"
    CLOSE = "close"


TITLES = {
    Step.PREFLIGHT: "Look whether everything needed is there",
    Step.STAGE: "Keep a new value in the store, as pending",
    Step.ISSUE: "Put the new value in force",
    Step.PROVE_NEW: "Prove that the new value works",
    Step.PUBLISH: "Publish the new value in the store",
    Step.RESOLVE: "Check that the reference gives the new value",
    Step.DELIVER: "Deliver the changes to the code",
    Step.OBSERVE: "Wait until nobody uses the old value",
    Step.DISABLE_OLD: "End the old value and whoever came in with it",
    Step.PROVE_OLD_DEAD: "Prove that the old value is refused everywhere",
    Step.DESTROY_OLD: "Destroy what is left of the old value",
    Step.CLOSE: "Close the rotation",
}


def order(mode: Mode, *, kill_first: bool = False) -> tuple[Step, ...]:
    """Return the steps of a rotation, first to last."""
    if mode is Mode.GRACEFUL:
        return tuple(Step)
    unwatched = [one for one in Step if one is not Step.OBSERVE]
    unwatched.remove(Step.DELIVER)
    unwatched.insert(unwatched.index(Step.DESTROY_OLD), Step.DELIVER)
    if kill_first:
        unwatched.remove(Step.DISABLE_OLD)
        unwatched.insert(1, Step.DISABLE_OLD)
    return tuple(unwatched)


def check_mode(mode: Mode, overlap: Overlap, *, kill_first: bool) -> None:
    """Raise UsageError for a mode that this credential cannot have."""
    if mode is Mode.GRACEFUL and overlap is Overlap.NONE:
        raise UsageError(
            "graceful mode needs two values that work at the same time, and this credential has one",
            hint="With --admin REF a second role can be made where the issuer has roles; or use --mode breach.",
        )
    if mode is Mode.GRACEFUL and kill_first:
        raise UsageError("--kill-first and --mode graceful want opposite things", hint="Choose one of them.")
    if kill_first and overlap is Overlap.NONE:
        raise UsageError(
            "--kill-first is not needed: issuing the new value ends the old one here", hint="Leave --kill-first out."
        )


def point_of_no_return(overlap: Overlap, *, kill_first: bool) -> Step:
    """Return the step from whose intent on the old value may be dead, so that nothing can be rolled back."""
    return Step.ISSUE if overlap is Overlap.NONE and not kill_first else Step.DISABLE_OLD
