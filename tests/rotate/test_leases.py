"""One credential is in one pair of hands: whoever dies, wherever the others sit, whatever the clocks say."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from secretguard.errors import ExitCode, RotationError, Waiting
from secretguard.rotate.holder import LEASE_SECONDS, Held, Holder, this_process, uptime
from secretguard.rotate.journal_sql import SqlJournal
from secretguard.rotate.journal_sqlite import open_sqlite
from secretguard.rotate.records import Lease, Outcome
from tests.rotate.journals import CREDENTIAL, FAR, Kind, Worker, a_rotation

HOLD = "lease = journal.acquire(CREDENTIAL)\nsay(os.getpid())\nsys.stdin.readline()\n"
DECADE = 10 * 365 * 86400.0


def run_out(kind: Kind) -> None:
    """Let the lease end as if nobody had renewed it for long."""
    kind.run("UPDATE leases SET expires = expires - 121, uptime = uptime - 121")


def test_the_second_is_told_who_is_first_and_since_when(kind: Kind) -> None:
    worker = Worker(kind, HOLD)
    pid = worker.hears()
    (held,) = kind.here().leases()
    with pytest.raises(Waiting) as caught:
        kind.here().acquire(CREDENTIAL)
    assert caught.value.exit_code is ExitCode.WAITING
    assert (
        str(caught.value) == f"{CREDENTIAL} is in the hands of {this_process().who}, process {pid}, since {held.since}"
    )
    assert pid in caught.value.hint
    worker.go()
    worker.rest()


def test_of_two_processes_that_ask_at_once_one_wins(kind: Kind) -> None:
    ask = (
        "from secretguard.errors import Waiting\n"
        "say('ready')\nsys.stdin.readline()\n"
        "try:\n    journal.acquire(CREDENTIAL)\n    say('won', os.getpid())\n"
        "except Waiting as told:\n    say('lost', str(told).split('process ')[1].split(',')[0])\n"
        "sys.stdin.readline()\n"
    )
    for _ in range(3):
        workers = [Worker(kind, ask) for _ in range(3)]
        assert {worker.hears() for worker in workers} == {"ready"}
        for worker in workers:
            worker.go()
        answers = [worker.hears().split() for worker in workers]
        for worker in workers:
            worker.go()
            worker.rest()
        assert sorted(word for word, _ in answers) == ["lost", "lost", "won"]
        assert len({pid for _, pid in answers}) == 1, "the losers are told the winner"


def test_a_holder_killed_on_this_host_is_followed_at_once(kind: Kind) -> None:
    worker = Worker(kind, HOLD)
    worker.hears()
    worker.kill()
    journal = kind.here()
    assert journal.leases() == []
    assert journal.acquire(CREDENTIAL).holder == this_process().label


def test_a_killed_holder_is_dead_before_anybody_took_notice_of_its_end(kind: Kind) -> None:
    worker = Worker(kind, HOLD)
    worker.hears()
    worker.process.kill()
    until = time.monotonic() + 30
    while kind.here().leases() and time.monotonic() < until:  # until the signal has arrived; it is not waited for
        time.sleep(0.01)
    assert worker.process.returncode is None, "its parent has not looked: a zombie"
    kind.here().acquire(CREDENTIAL)
    worker.rest()


def test_a_number_used_again_is_not_taken_for_the_holder(kind: Kind) -> None:
    kind.open(replace(this_process(), started="1")).acquire(CREDENTIAL)
    assert kind.here().acquire(CREDENTIAL)


def test_a_process_of_somebody_else_counts_as_alive(kind: Kind) -> None:
    init = replace(this_process(), pid=1, started="")
    kind.open(init).acquire(CREDENTIAL)
    with pytest.raises(Waiting):
        kind.here().acquire(CREDENTIAL)


def test_one_process_does_not_take_a_lease_from_itself(kind: Kind) -> None:
    journal = kind.here()
    journal.acquire(CREDENTIAL)
    for other in (journal, kind.here()):
        with pytest.raises(Waiting):
            other.acquire(CREDENTIAL)


def test_a_lease_on_another_host_holds_until_it_runs_out(kind: Kind) -> None:
    far, near = kind.open(FAR), kind.here()
    lease = far.acquire(CREDENTIAL)
    with pytest.raises(Waiting, match=r"grace@far\.internal, process 4711"):
        near.acquire(CREDENTIAL)
    run_out(kind)
    assert near.leases() == []
    taken = near.acquire(CREDENTIAL)
    with pytest.raises(RotationError, match=f"{this_process().label} has it since {taken.since}"):
        far.renew(lease)


def test_renewing_pushes_the_end_back(kind: Kind) -> None:
    far, near = kind.open(FAR), kind.here()
    lease = far.acquire(CREDENTIAL)
    kind.run("UPDATE leases SET expires = expires - 100, uptime = uptime - 100")
    renewed = far.renew(lease)
    assert (renewed.token, renewed.since) == (lease.token, lease.since)
    assert renewed.expires >= lease.expires
    kind.run("UPDATE leases SET expires = expires - 100, uptime = uptime - 100")
    assert len(near.leases()) == 1
    with pytest.raises(Waiting):
        near.acquire(CREDENTIAL)


def test_a_lease_lasts_two_minutes(kind: Kind) -> None:
    lease = kind.here().acquire(CREDENTIAL)
    began, ends = (datetime.fromisoformat(one) for one in (lease.since, lease.expires))
    assert ends - began == timedelta(seconds=LEASE_SECONDS) == timedelta(seconds=120)
    assert abs(began - datetime.now(UTC)) < timedelta(minutes=5)


def test_what_is_given_back_is_free(kind: Kind) -> None:
    worker_like = kind.open(FAR)
    worker_like.release(worker_like.acquire(CREDENTIAL))
    assert kind.here().leases() == []
    assert kind.here().acquire(CREDENTIAL)


def test_giving_back_what_was_lost_takes_it_from_nobody(kind: Kind) -> None:
    far, near = kind.open(FAR), kind.here()
    lost = far.acquire(CREDENTIAL)
    run_out(kind)
    near.acquire(CREDENTIAL)
    far.release(lost)
    assert [one.holder for one in near.leases()] == [this_process().label]


def _begin(journal: SqlJournal, rotation: str, lease: Lease) -> None:
    journal.begin(a_rotation(), lease)


def _amend(journal: SqlJournal, rotation: str, lease: Lease) -> None:
    journal.amend(a_rotation(rotation, note="mine"), lease)


def _intend(journal: SqlJournal, rotation: str, lease: Lease) -> None:
    journal.intend(rotation, "publish", lease)


def _settle(journal: SqlJournal, rotation: str, lease: Lease) -> None:
    journal.settle(rotation, 1, Outcome.DONE, ["mine"], lease)


@pytest.mark.parametrize("write", [_begin, _amend, _intend, _settle])
@pytest.mark.parametrize("then", ["taken over", "given back"])
def test_whoever_lost_the_lease_writes_nothing_more(
    kind: Kind, write: Callable[[SqlJournal, str, Lease], None], then: str
) -> None:
    far, near = kind.open(FAR), kind.here()
    lease = far.acquire(CREDENTIAL)
    rotation = a_rotation()
    far.begin(rotation, lease)
    far.intend(rotation.id, "issue", lease)
    run_out(kind)
    taken = near.acquire(CREDENTIAL)
    if then == "given back":
        near.release(taken)
    before = (near.rotations(), near.attempts(rotation.id))
    with pytest.raises(RotationError, match="was lost") as caught:
        write(far, rotation.id, lease)
    assert caught.value.hint
    assert (near.rotations(), near.attempts(rotation.id)) == before


def test_whoever_ran_out_goes_on_if_nobody_came(kind: Kind) -> None:
    far = kind.open(FAR)
    lease = far.acquire(CREDENTIAL)
    run_out(kind)
    far.begin(a_rotation(), lease)
    assert far.renew(lease).token == lease.token


@pytest.mark.parametrize("jump", [DECADE, 121.0, -121.0, -DECADE])
def test_no_jump_of_the_clock_takes_a_lease_from_a_living_process(sqlite: Kind, jump: float) -> None:
    worker = Worker(sqlite, HOLD)
    worker.hears()
    jumped = open_sqlite(sqlite.state, clock=lambda: time.time() + jump)
    sqlite.opened.append(jumped)
    with pytest.raises(Waiting):
        jumped.acquire(CREDENTIAL)
    assert len(jumped.leases()) == 1
    worker.kill()
    assert jumped.acquire(CREDENTIAL), "nor does it keep a dead one's"


@pytest.mark.parametrize("jump", [DECADE, -DECADE])
def test_a_container_on_this_host_is_measured_by_the_kernels_uptime(sqlite: Kind, jump: float) -> None:
    inside = replace(this_process(), namespace="pid:[1]", pid=7, started="1")
    container = open_sqlite(sqlite.state, inside)
    jumped = open_sqlite(sqlite.state, clock=lambda: time.time() + jump)
    sqlite.opened.extend((container, jumped))
    container.acquire(CREDENTIAL)
    with pytest.raises(Waiting):
        jumped.acquire(CREDENTIAL)
    sqlite.run("UPDATE leases SET uptime = uptime - 121")
    assert jumped.acquire(CREDENTIAL)


def test_after_a_reboot_a_clock_set_back_keeps_nobody_out(sqlite: Kind) -> None:
    before = open_sqlite(sqlite.state, FAR, clock=lambda: time.time() + DECADE)
    sqlite.opened.append(before)
    before.acquire(CREDENTIAL)
    assert sqlite.here().acquire(CREDENTIAL)


def test_the_time_in_a_teams_journal_is_the_servers(team: Kind) -> None:
    (seconds,) = team.run("SELECT extract(epoch FROM clock_timestamp())::float8")[0]
    team.open(FAR).acquire(CREDENTIAL)
    (expires,) = team.run("SELECT expires FROM leases")[0]
    assert 0 <= float(str(expires)) - float(str(seconds)) - LEASE_SECONDS < 30


def test_two_hosts_with_one_journal_see_each_other(team: Kind) -> None:
    there = Worker(
        team,
        "from secretguard.rotate.journal_postgres import open_postgres\n"
        f"journal = open_postgres({team.setting!r}, 'there', FAR)\n"
        "lease = journal.acquire(CREDENTIAL)\njournal.begin(a_rotation('rot_00000000000000aa'), lease)\n"
        "say(journal.intend('rot_00000000000000aa', 'issue', lease))\nsys.stdin.readline()\n"
        "try:\n    journal.settle('rot_00000000000000aa', 1, Outcome.DONE, [], lease)\n"
        "except Exception as error:\n    say(type(error).__name__, error)\n",
    )
    assert there.hears() == "1"
    here = team.here()
    with pytest.raises(Waiting, match=r"grace@far\.internal"):
        here.acquire(CREDENTIAL)
    run_out(team)
    lease = here.acquire(CREDENTIAL)
    (rotation,) = here.rotations(CREDENTIAL)
    assert [one.outcome for one in here.attempts(rotation.id)] == [None], "what the other was doing is seen"
    there.go()
    (said,) = there.rest()
    assert said.startswith(f"RotationError the lease of {CREDENTIAL} was lost: {this_process().label} has it")
    here.settle(rotation.id, 1, Outcome.FAILED, ["looked: nothing there"], lease)


@pytest.mark.parametrize("left", [-0.1, 0.0, 60.0, LEASE_SECONDS + 0.1])
def test_elsewhere_only_an_end_within_reach_counts(left: float) -> None:
    here = this_process()
    held = Held(FAR, 1000.0 + left, 0.0)
    assert held.by_now(here, 1000.0) is (left == 60.0)


def test_another_kernel_is_never_looked_at_by_number() -> None:
    mine = this_process()
    assert mine.alive
    assert not Held(replace(mine, kernel="other"), 0.0, uptime() + 60).by_now(mine, 1000.0)
    assert Held(Holder("ada@b", 2**22 + 1, "5", "other", mine.namespace), 1060.0, 0.0).by_now(mine, 1000.0)
