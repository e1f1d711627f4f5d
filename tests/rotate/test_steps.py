"""The order belongs to us: what must have happened before what."""

from itertools import pairwise

import pytest

from secretguard.errors import UsageError
from secretguard.rotate.steps import TITLES, Step, check_mode, order, point_of_no_return
from secretguard.rotation import Mode, Overlap

ORDERS = {
    "breach": order(Mode.BREACH),
    "graceful": order(Mode.GRACEFUL),
    "kill first": order(Mode.BREACH, kill_first=True),
}


def comes_before(steps: tuple[Step, ...], *wanted: Step) -> bool:
    places = [steps.index(one) for one in wanted]
    return all(first < second for first, second in pairwise(places))


@pytest.mark.parametrize("steps", ORDERS.values(), ids=ORDERS)
def test_a_value_is_kept_before_it_is_in_force_and_proven_before_it_is_published(steps: tuple[Step, ...]) -> None:
    assert comes_before(steps, Step.PREFLIGHT, Step.STAGE, Step.ISSUE, Step.PROVE_NEW, Step.PUBLISH, Step.RESOLVE)
    assert comes_before(steps, Step.DISABLE_OLD, Step.PROVE_OLD_DEAD, Step.DESTROY_OLD, Step.CLOSE)


@pytest.mark.parametrize("steps", [ORDERS["breach"], ORDERS["graceful"]])
def test_the_old_value_ends_only_when_the_new_one_is_there_to_be_read(steps: tuple[Step, ...]) -> None:
    assert comes_before(steps, Step.RESOLVE, Step.DISABLE_OLD)


def test_in_a_breach_the_old_value_is_dead_before_the_code_is_touched() -> None:
    assert comes_before(ORDERS["breach"], Step.PROVE_OLD_DEAD, Step.DELIVER, Step.DESTROY_OLD)
    assert Step.OBSERVE not in ORDERS["breach"]


def test_gracefully_nobody_is_cut_off_who_still_uses_the_old_value() -> None:
    assert comes_before(ORDERS["graceful"], Step.DELIVER, Step.OBSERVE, Step.DISABLE_OLD)


def test_killing_first_comes_first() -> None:
    assert comes_before(ORDERS["kill first"], Step.PREFLIGHT, Step.DISABLE_OLD, Step.STAGE)


def test_every_step_has_a_title() -> None:
    assert set(TITLES) == set(Step)


@pytest.mark.parametrize(
    ("mode", "overlap", "kill_first"),
    [(Mode.GRACEFUL, Overlap.NONE, False), (Mode.GRACEFUL, Overlap.MANY, True), (Mode.BREACH, Overlap.NONE, True)],
)
def test_what_an_issuer_cannot_do_is_refused(mode: Mode, overlap: Overlap, kill_first: bool) -> None:
    with pytest.raises(UsageError):
        check_mode(mode, overlap, kill_first=kill_first)


def test_nothing_can_be_rolled_back_once_the_old_value_may_be_dead() -> None:
    assert point_of_no_return(Overlap.NONE, kill_first=False) is Step.ISSUE
    assert point_of_no_return(Overlap.MANY, kill_first=False) is Step.DISABLE_OLD
    assert point_of_no_return(Overlap.MANY, kill_first=True) is Step.DISABLE_OLD
