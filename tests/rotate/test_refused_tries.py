"""A try that the issuer refused made nothing: the change is as old as the try that took effect."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.errors import IssuerError
from secretguard.rotate.records import State
from tests.rotate.rotations import Bench, keys, passwords
from tests.rotate.test_drive import check_rotated, fails


@pytest.mark.parametrize("made", [passwords, keys])
def test_in_force_since_the_try_that_took_effect(made: Callable[[Path], Bench], tmp_path: Path) -> None:
    """What others made at the issuer in between is theirs, and services started in between have the old value."""
    bench = made(tmp_path)
    bench.issuer.before = fails("issue", 1)
    with pytest.raises(IssuerError):
        bench.run()
    assert bench.rotation is not None
    first = bench.rotation.rotated_at
    time.sleep(1.1)
    closed = bench.run()
    assert closed.state is State.CLOSED
    check_rotated(bench)
    assert closed.rotated_at > first


def test_a_try_of_which_nobody_knows_whether_it_took_effect_is_where_the_change_begins(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    bench.issuer.before = fails("issue", 1, 2, 3, transient=True, unsure=True)
    with pytest.raises(IssuerError):
        bench.run()
    assert bench.rotation is not None
    first = bench.rotation.rotated_at
    time.sleep(1.1)
    assert bench.run().rotated_at == first
