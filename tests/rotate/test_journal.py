"""What every journal keeps, whichever database it is in."""

from dataclasses import replace

import pytest

from secretguard.errors import RotationError
from secretguard.rotate.journal_sql import SqlJournal
from secretguard.rotate.records import Lease, Outcome, State
from secretguard.rotation import Mode
from secretguard.secret import Secret
from tests.rotate.journals import CREDENTIAL, Kind, Worker, a_rotation


@pytest.fixture
def journal(kind: Kind) -> SqlJournal:
    return kind.here()


@pytest.fixture
def lease(journal: SqlJournal) -> Lease:
    return journal.acquire(CREDENTIAL)


def test_a_rotation_comes_back_as_it_went_in(kind: Kind, journal: SqlJournal, lease: Lease) -> None:
    rotation = a_rotation(mode=Mode.GRACEFUL, kill_first=True, note="é \x00 \ud800 '; DROP TABLE rotations; --")
    journal.begin(rotation, lease)
    assert kind.here().rotation(rotation.id) == rotation
    waiting = replace(rotation, state=State.WAITING, rotated_at="2026-11-29T10:00:01Z", note="reload the pooler")
    journal.amend(waiting, lease)
    assert kind.here().rotation(rotation.id) == waiting
    assert journal.rotation("rot_0000000000000000") is None


def test_rotations_come_newest_first(journal: SqlJournal, lease: Lease) -> None:
    names = []
    for _ in range(3):
        rotation = a_rotation()
        journal.begin(rotation, lease)
        journal.amend(replace(rotation, state=State.CLOSED), lease)
        names.insert(0, rotation.id)
    other = a_rotation(credential="sg_ba9876543210")
    journal.begin(other, journal.acquire(other.credential))
    assert [one.id for one in journal.rotations()] == [other.id, *names]
    assert [one.id for one in journal.rotations(CREDENTIAL)] == names
    assert journal.rotations("sg_000000000000") == []


def test_a_credential_has_one_rotation_at_a_time(journal: SqlJournal, lease: Lease) -> None:
    first = a_rotation()
    journal.begin(first, lease)
    for state in (State.OPEN, State.WAITING):
        journal.amend(replace(first, state=state), lease)
        with pytest.raises(RotationError, match=first.id):
            journal.begin(a_rotation(), lease)
    journal.amend(replace(first, state=State.ABORTED), lease)
    second = a_rotation()
    journal.begin(second, lease)
    assert [one.id for one in journal.rotations()] == [second.id, first.id]


def test_an_intent_is_there_before_its_outcome(kind: Kind, journal: SqlJournal, lease: Lease) -> None:
    rotation = a_rotation()
    journal.begin(rotation, lease)
    assert journal.intend(rotation.id, "stage", lease) == 1
    (intended,) = kind.here().attempts(rotation.id)
    assert (intended.number, intended.step, intended.outcome, intended.ended) == (1, "stage", None, "")
    assert "@" in intended.actor
    journal.settle(rotation.id, 1, Outcome.FAILED, ["no answer", "é\x00"], lease)
    assert journal.intend(rotation.id, "stage", lease) == 2
    failed, again = kind.here().attempts(rotation.id)
    assert (failed.outcome, failed.evidence) == (Outcome.FAILED, ("no answer", "é\x00"))
    assert failed.ended >= failed.began
    assert (again.number, again.outcome) == (2, None)


def test_an_outcome_is_written_once(journal: SqlJournal, lease: Lease) -> None:
    rotation = a_rotation()
    journal.begin(rotation, lease)
    journal.intend(rotation.id, "stage", lease)
    journal.settle(rotation.id, 1, Outcome.DONE, ["pending"], lease)
    journal.settle(rotation.id, 1, Outcome.DONE, ["pending"], lease)
    for number, outcome in ((1, Outcome.FAILED), (2, Outcome.DONE)):
        with pytest.raises(RotationError):
            journal.settle(rotation.id, number, outcome, ["pending"], lease)
    (attempt,) = journal.attempts(rotation.id)
    assert attempt.outcome is Outcome.DONE


def test_a_lease_is_good_for_its_own_credential_only(journal: SqlJournal, lease: Lease) -> None:
    rotation = a_rotation()
    journal.begin(rotation, lease)
    other = journal.acquire("sg_ba9876543210")
    for forbidden in (
        lambda: journal.intend(rotation.id, "stage", other),
        lambda: journal.amend(rotation, other),
        lambda: journal.begin(a_rotation(), other),
        lambda: journal.settle(rotation.id, 1, Outcome.DONE, [], other),
        lambda: journal.intend("rot_0000000000000000", "stage", lease),
    ):
        with pytest.raises(RotationError, match="no rotation of"):
            forbidden()
    assert journal.attempts(rotation.id) == []


def test_the_anchor_is_kept(kind: Kind, journal: SqlJournal) -> None:
    assert journal.anchor() == (0, "")
    journal.set_anchor(1, "a" * 64)
    journal.set_anchor(2, "b" * 64)
    assert kind.here().anchor() == (2, "b" * 64)


def test_what_was_acknowledged_is_there_after_a_kill(kind: Kind) -> None:
    for _ in range(3):
        worker = Worker(kind, _MANY)
        said = [worker.hears() for _ in range(30)] + worker.kill()
        last = said[-1] if len(said[-1].split()) == 3 else said[-2]
        rotation, number, what = last.split()
        attempts = kind.here().attempts(rotation)
        settled = [one.number for one in attempts if one.outcome is Outcome.DONE]
        acknowledged = int(number) if what == "settled" else int(number) - 1
        assert settled == list(range(1, len(settled) + 1)), "none is missing in between"
        assert len(settled) - acknowledged in (0, 1), "the one that was being written may be there too"
        assert len(attempts) - len(settled) in (0, 1), "at most one was cut off"
        assert attempts[int(number) - 1].evidence in ((), (f"evidence {number}",))
        assert kind.here().leases() == []


_MANY = """
rotation = a_rotation(credential=f"sg_{os.getpid():012x}")
lease = journal.acquire(rotation.credential)
journal.begin(rotation, lease)
while True:
    number = journal.intend(rotation.id, "issue", lease)
    say(rotation.id, number, "intended")
    journal.settle(rotation.id, number, Outcome.DONE, [f"evidence {number}"], lease)
    say(rotation.id, number, "settled")
"""


def test_processes_that_write_at_once_lose_nothing(kind: Kind) -> None:
    workers = [Worker(kind, _FIFTY) for _ in range(4)]
    names = [worker.hears() for worker in workers]
    for worker in workers:
        worker.go()
    assert [worker.rest()[-1] for worker in workers] == ["done"] * 4
    for name in names:
        assert [one.outcome for one in kind.here().attempts(name)] == [Outcome.DONE] * 20


_FIFTY = """
rotation = a_rotation(credential=f"sg_{os.getpid():012x}")
lease = journal.acquire(rotation.credential)
journal.begin(rotation, lease)
say(rotation.id)
sys.stdin.readline()
for _ in range(20):
    number = journal.intend(rotation.id, "issue", lease)
    journal.settle(rotation.id, number, Outcome.DONE, [], lease)
say("done")
"""


def test_first_openings_at_once_make_one_journal(kind: Kind) -> None:
    workers = [Worker(kind, "say(len(journal.rotations()))") for _ in range(4)]
    assert [worker.rest() for worker in workers] == [["0"]] * 4


def test_a_secret_is_not_taken_for_evidence(journal: SqlJournal, lease: Lease) -> None:
    rotation = a_rotation()
    journal.begin(rotation, lease)
    journal.intend(rotation.id, "stage", lease)
    with pytest.raises(TypeError):
        journal.settle(rotation.id, 1, Outcome.DONE, [Secret("x" * 20)], lease)  # type: ignore[list-item]
    assert journal.attempts(rotation.id)[0].outcome is None
