"""A rotation ends with one live value, which the store gives, and a dead one; whatever fails on the way, it goes on."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from secretguard.errors import IssuerError, RotationError, Waiting
from secretguard.reference import parse_reference
from secretguard.rotate import acts, drive, holder, journal_sql, watching
from secretguard.rotate.audit import Standing, show, verify
from secretguard.rotate.drive import leased
from secretguard.rotate.journal import open_journal
from secretguard.rotate.journal_sqlite import open_sqlite
from secretguard.rotate.records import Outcome, State
from secretguard.rotate.state_directory import state_directory
from secretguard.rotate.steps import Step, order
from secretguard.rotation import Context, Found, Login, Mode, Target
from secretguard.secret import Secret
from secretguard.stores import local
from tests.rotate.issuers import Keys, Trouble
from tests.rotate.rotations import CREDENTIAL, Bench, graceful, keys, passwords

Made = Callable[[Path], Bench]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_PAUSE", 0.0)


def fails(call: str, *numbers: int, **how: bool) -> Trouble:
    return lambda name, number: (
        IssuerError("the issuer is not well", **how) if (name, number) in [(call, one) for one in numbers] else None  # type: ignore[arg-type]
    )


def check_rotated(bench: Bench) -> None:
    """Exactly one live new value, the store gives it, the old one is dead, and nothing on disk holds either."""
    new = bench.stored()["password"]
    assert new != bench.old
    assert bench.stored()["DATABASE_URL"] == f"postgresql://app:{new}@db.test:5432/orders"
    if isinstance(bench.issuer, Keys):
        assert sorted(bench.issuer.live()) == sorted(["others", new])
    else:
        assert bench.issuer.state["password"] == new
    assert bench.rotation is not None
    assert bench.rotation.state is State.CLOSED
    for value in (bench.old, new):
        assert value.encode() not in bench.written()


@pytest.mark.parametrize("made", [passwords, keys])
def test_a_rotation_goes_through_its_steps(made: Made, tmp_path: Path) -> None:
    bench = made(tmp_path)
    bench.run()
    check_rotated(bench)
    steps = [step for step in order(Mode.BREACH) if step is not Step.DELIVER]
    assert [one.step for one in bench.attempts()] == steps
    assert [one.step for one in bench.told] == steps
    assert {one.outcome for one in bench.attempts()} == {Outcome.DONE}


@pytest.mark.parametrize("made", [passwords, keys])
def test_the_audit_tells_what_the_journal_tells(made: Made, tmp_path: Path) -> None:
    bench = made(tmp_path)
    bench.run()
    directory, journal = state_directory(bench.environ), open_journal(None, bench.environ)
    assert verify(directory, journal).standing is Standing.INTACT
    journal.close()
    events = [(one.event, one.step) for _, one in show(directory) if one is not None]
    for attempt in bench.attempts():
        assert events.index(("intended", attempt.step)) < events.index(("done", attempt.step))


@pytest.mark.parametrize("call", ["preflight", "reconcile", "issue", "verify", "disable", "destroy"])
@pytest.mark.parametrize("made", [passwords, keys])
def test_whatever_call_fails_a_later_run_finishes(made: Made, call: str, tmp_path: Path) -> None:
    bench = made(tmp_path)
    bench.issuer.before = fails(call, 1)
    with pytest.raises(IssuerError):
        bench.run()
    assert bench.rotation is not None
    assert bench.rotation.state is State.OPEN
    bench.run()
    check_rotated(bench)


@pytest.mark.parametrize("call", ["issue", "disable", "destroy"])
@pytest.mark.parametrize("made", [passwords, keys])
def test_a_reply_that_is_lost_after_the_effect_changes_nothing(made: Made, call: str, tmp_path: Path) -> None:
    bench = made(tmp_path)
    bench.issuer.after = fails(call, 1, transient=True, unsure=True)
    bench.run()
    check_rotated(bench)


def test_a_key_whose_reply_was_lost_is_removed_before_another_is_made(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    bench.issuer.after = fails("issue", 1, 2, transient=True, unsure=True)
    bench.run()
    check_rotated(bench)
    assert bench.issuer.calls["withdraw"] == 2


def test_no_key_is_left_where_every_reply_is_lost(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    bench.issuer.after = fails("issue", 1, 2, 3, transient=True, unsure=True)
    with pytest.raises(IssuerError):
        bench.run()
    assert isinstance(bench.issuer, Keys)
    assert sorted(bench.issuer.live()) == sorted([bench.old, "others"])
    bench.run()
    check_rotated(bench)


def test_a_key_that_comes_late_is_withdrawn_at_the_end(tmp_path: Path) -> None:
    """It was asked for, nobody saw it in time, another one was made: then it came."""
    bench = keys(tmp_path)
    lost = fails("issue", 1, transient=True, unsure=True)
    issuer = bench.issuer
    assert isinstance(issuer, Keys)

    def before(call: str, number: int) -> IssuerError | None:
        if call == "disable":
            issuer.make_late(bench.means.context)
        return lost(call, number)

    issuer.before = before
    bench.run()
    check_rotated(bench)
    (end,) = [one for one in bench.attempts() if one.step == Step.DESTROY_OLD]
    assert "came late is gone" in end.evidence[-1]


def test_readers_get_no_value_that_does_not_work(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    reference = parse_reference("ref+local://app")
    local.put(reference, {"password": Secret(bench.old), "other": Secret("kept")}, Context(bench.environ))
    seen: list[tuple[str, bool]] = []

    def look(call: str, number: int) -> None:
        password = bench.stored()["password"]
        assert isinstance(bench.issuer, Keys)
        seen.append((call, password in bench.issuer.live()))

    bench.issuer.before = bench.issuer.after = look
    bench.run()
    # Until the old value is disabled, and after it, what is published works.
    assert seen
    assert [call for call, works in seen if not works] == []
    check_rotated(bench)
    assert bench.stored()["other"] == "kept"


def test_the_old_value_is_destroyed_in_the_store(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    reference = parse_reference("ref+local://app")
    local.put(reference, {"password": Secret(bench.old)}, Context(bench.environ))
    bench.run()
    assert [one.state for one in local.versions(reference, Context(bench.environ))].count("destroyed") >= 1


def test_a_rotation_does_not_close_where_the_old_value_still_works(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    issuer = bench.issuer
    assert isinstance(issuer, Keys)
    revived = {"again": True}

    def revive(call: str, number: int) -> None:
        if call == "verify" and revived["again"]:
            issuer.state = {"keys": [key | {"live": True} for key in issuer.state["keys"]]}

    issuer.before = revive
    with pytest.raises(Waiting, match="still accepted"):
        bench.run()
    assert bench.rotation is not None
    assert bench.rotation.state is State.WAITING
    revived["again"] = False
    issuer.disable(bench.means.target, None, bench.means.context)
    bench.run()
    check_rotated(bench)


def test_a_new_value_that_somebody_changes_back_is_set_again(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    attacks = iter([True, False])

    def attack(call: str, number: int) -> None:
        if call == "issue" and next(attacks, False):
            bench.issuer.state = {"password": bench.old}

    bench.issuer.after = attack
    bench.run()
    check_rotated(bench)
    assert bench.issuer.calls["issue"] == 2


def test_a_new_value_that_is_changed_back_each_time_is_told_and_nothing_is_published(tmp_path: Path) -> None:
    bench = passwords(tmp_path)

    def attack(call: str, number: int) -> None:
        if call == "issue":
            bench.issuer.state = {"password": bench.old}

    bench.issuer.after = attack
    with pytest.raises(Waiting, match="the new value is refused"):
        bench.run()
    assert bench.stored() == {}


def test_gracefully_a_rotation_waits_for_those_who_still_use_the_old_value(tmp_path: Path) -> None:
    bench = graceful(keys(tmp_path))
    bench.issuer.state = bench.issuer.state | {"users": 2}
    with pytest.raises(Waiting, match="still in use"):
        bench.run()
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]
    bench.issuer.state = bench.issuer.state | {"users": 0}
    bench.run()
    check_rotated(bench)


def test_gracefully_nobody_is_cut_off_of_whom_the_issuer_tells_nothing(tmp_path: Path) -> None:
    bench = graceful(keys(tmp_path))
    bench.issuer.state = bench.issuer.state | {"users": None}
    with pytest.raises(Waiting, match="does not tell whether the old value is still used") as waits:
        bench.run()
    assert "--used-no-more" in waits.value.hint
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]
    bench.used_no_more = True
    bench.run()
    check_rotated(bench)
    (watched,) = [one for one in bench.attempts() if (one.step, one.outcome) == (Step.OBSERVE, Outcome.DONE)]
    assert "the operator says that nobody does" in watched.evidence[-1]


def test_gracefully_who_comes_for_a_moment_only_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that logs in now and then is not there at most moments."""
    monkeypatch.setattr(watching, "_BETWEEN_LOOKS", 0.01)
    bench = replace(graceful(keys(tmp_path)), watched=0.3)

    def comes_in(call: str, number: int) -> None:
        if call == "usage":
            bench.issuer.state = bench.issuer.state | {"users": int(number == 5)}

    bench.issuer.before = comes_in
    with pytest.raises(Waiting, match="still in use"):
        bench.run()
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]
    bench.run()
    check_rotated(bench)
    (watched,) = [one for one in bench.attempts() if (one.step, one.outcome) == (Step.OBSERVE, Outcome.DONE)]
    assert re.search(r"nobody was seen to use the old value: \d+ looks in \d+ seconds", watched.evidence[-1])


def test_it_is_in_force_since_the_try_that_took_effect(tmp_path: Path) -> None:
    """Whatever was started between a try that was refused and that one holds the old value."""
    bench = passwords(tmp_path)
    bench.issuer.before = fails("issue", 1)
    with pytest.raises(IssuerError):
        bench.run()
    assert bench.rotation is not None
    assert bench.rotation.rotated_at == ""
    time.sleep(1.1)
    bench.run()
    failed, *_ = [one for one in bench.attempts() if one.step == Step.ISSUE]
    assert bench.rotation.rotated_at > failed.ended


def test_only_of_a_try_without_a_reply_something_unknown_can_be_there(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    told: list[int] = []
    looks = bench.issuer.reconcile  # type: ignore[attr-defined]

    def reconcile(target: Target, new: Login | None, context: Context) -> Found:
        told.append(len(context.unanswered))
        found: Found = looks(target, new, context)
        return found

    bench.issuer.reconcile = reconcile  # type: ignore[attr-defined]
    bench.issuer.before = fails("issue", 1)
    with pytest.raises(IssuerError):
        bench.run()
    bench.issuer.before = fails("issue", 2, 3, 4, transient=True, unsure=True)
    with pytest.raises(IssuerError):
        bench.run()
    bench.run()
    assert told[:2] == [0, 0]
    assert told[2:5] == [1, 2, 3]
    assert told[5] == 1


def test_what_was_withdrawn_is_written_down_even_where_the_step_fails(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    bench.issuer.after = fails("issue", 1, transient=True, unsure=True)
    bench.issuer.before = fails("issue", 2)
    with pytest.raises(IssuerError):
        bench.run()
    bench.run()
    failed, done = [one.evidence for one in bench.attempts() if one.step == Step.ISSUE]
    assert failed == ("the issuer is not well", f"{bench.means.context.name} is gone")
    assert "is gone" not in " ".join(done)


def test_somebody_who_is_seen_to_use_the_old_value_is_not_talked_away(tmp_path: Path) -> None:
    bench = graceful(keys(tmp_path))
    bench.issuer.state = bench.issuer.state | {"users": 1}
    bench.used_no_more = True
    with pytest.raises(Waiting, match="still in use"):
        bench.run()


def test_a_delivery_comes_after_the_death_in_a_breach(tmp_path: Path) -> None:
    bench = keys(tmp_path)
    alive: list[bool] = []

    def deliver() -> tuple[str, ...]:
        assert isinstance(bench.issuer, Keys)
        alive.append(bench.old in bench.issuer.live())
        return ("a patch",)

    bench.deliver = deliver
    bench.run()
    assert alive == [False]


def test_two_cannot_drive_one_rotation(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    first, second = open_journal(None, bench.environ), open_journal(None, bench.environ)
    with leased(first, CREDENTIAL) as lease, pytest.raises(Waiting) as held, leased(second, CREDENTIAL):
        pass
    assert lease.holder in str(held.value)
    with leased(second, CREDENTIAL):
        pass
    first.close()
    second.close()


def test_a_step_may_take_longer_than_a_lease_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To another host only time tells whether somebody is at work."""
    monkeypatch.setattr(journal_sql, "LEASE_SECONDS", 0.6)
    monkeypatch.setattr(holder, "LEASE_SECONDS", 0.6)
    monkeypatch.setattr(drive, "RENEWED_EVERY", 0.1)
    bench = passwords(tmp_path)
    directory = state_directory(bench.environ)
    elsewhere = open_sqlite(directory, replace(holder.this_process(), kernel="another host"))
    here = open_sqlite(directory)
    with leased(here, CREDENTIAL):
        time.sleep(1.5)
        with pytest.raises(Waiting):
            elsewhere.acquire(CREDENTIAL)
    here.acquire(CREDENTIAL)  # and now nobody renews it
    time.sleep(0.8)
    elsewhere.acquire(CREDENTIAL)
    here.close()
    elsewhere.close()


def test_no_value_comes_out_with_the_words_of_an_issuer(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    bench.issuer.before = lambda call, number: (
        IssuerError(f"password {bench.old} is refused", hint=f"not {bench.old}") if call == "issue" else None
    )
    with pytest.raises(IssuerError) as failed:
        bench.run()
    assert bench.old not in str(failed.value) + failed.value.hint
    assert bench.old.encode() not in bench.written()
    assert all(bench.old not in " ".join(one.evidence) for one in bench.told)


def test_a_store_that_lost_the_pending_value_stops_everything(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    bench.issuer.before = fails("verify", 1)
    with pytest.raises(IssuerError):
        bench.run()
    local.discard(parse_reference("ref+local://app"), bench.means.context)
    with pytest.raises(RotationError, match="holds no value of this rotation"):
        bench.run()
