"""A server that never answers is left out of the proof of death by a person, with a reason, and is never forgotten."""

import json
from pathlib import Path

import pytest

from secretguard.errors import UsageError, Waiting
from secretguard.model import Endpoint
from secretguard.rotate.audit import show
from secretguard.rotate.drive import leased
from secretguard.rotate.journal import open_journal
from secretguard.rotate.journal_schema import CURRENT, VERSIONS
from secretguard.rotate.journal_sql import SqlJournal
from secretguard.rotate.left_out import leave_out
from secretguard.rotate.records import LeftOut, Outcome, Rotation, State
from secretguard.rotate.servers import server
from secretguard.rotate.state_directory import state_directory
from secretguard.rotate.steps import Step
from tests.rotate.journals import CREDENTIAL as JOURNALLED
from tests.rotate.journals import Kind, a_rotation
from tests.rotate.rotations import CREDENTIAL, DB, Bench, passwords

GONE = Endpoint("gone.test", 5432)
LEFT = LeftOut(GONE, "switched off in May", "ada@here", "2026-11-30T10:00:00Z")


def waiting(folder: Path) -> Bench:
    """A rotation that waits for a server that does not answer."""
    bench = passwords(folder)
    bench.endpoints = (DB, GONE)
    bench.issuer.silent.add(GONE.host)
    bench.elsewhere = (GONE,)
    with pytest.raises(Waiting, match=r"nobody knows yet.*gone\.test:5432") as waits:
        bench.run()
    assert "--leave-out" in waits.value.hint
    return bench


def leaving(bench: Bench, name: str, reason: str = "switched off in May") -> Rotation:
    journal = open_journal(None, bench.environ)
    try:
        with leased(journal, CREDENTIAL) as lease:
            assert bench.rotation is not None
            return leave_out(bench.rotation, [server(name)], reason, bench.means, bench.books(journal), lease)
    finally:
        journal.close()


def test_the_rotation_closes_and_says_what_was_not_proven(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.left_out, bench.elsewhere = leaving(bench, "gone.test").left_out, ()
    assert bench.run().state is State.CLOSED
    proof = next(one for one in bench.attempts() if (one.step, one.outcome) == (Step.PROVE_OLD_DEAD, Outcome.DONE))
    assert "gone.test:5432: not proven dead, left out because switched off in May" in proof.evidence
    assert "left out" in bench.attempts()[-1].evidence[0]
    assert bench.rotation is not None
    assert [(one.endpoint, one.reason) for one in bench.rotation.left_out] == [(GONE, "switched off in May")]


def test_journal_and_audit_say_who_left_what_out_and_why(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    leaving(bench, "gone.test:5432", f"see {bench.old}")
    records = [one for _, one in show(state_directory(bench.environ)) if one and one.event == "left-out"]
    assert [one.evidence for one in records] == [("gone.test:5432: left out because see ****",)]
    journal = open_journal(None, bench.environ)
    (kept,) = journal.rotations(CREDENTIAL)[0].left_out
    journal.close()
    assert (kept.endpoint, kept.reason, kept.actor) == (GONE, "see ****", records[0].actor)
    assert bench.old.encode() not in bench.written()


def test_it_is_left_out_once(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.rotation = leaving(bench, "gone.test")
    assert leaving(bench, "gone.test", "again") == bench.rotation


def test_a_server_that_is_back_and_lets_the_old_value_in_is_waited_for(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.left_out, bench.elsewhere = leaving(bench, "gone.test").left_out, ()
    bench.issuer.open.add(GONE.host)
    with pytest.raises(Waiting, match=r"still accepted: gone\.test:5432: works"):
        bench.run()
    bench.issuer.open.clear()
    bench.issuer.silent.clear()
    bench.run()
    proof = next(one for one in bench.attempts() if (one.step, one.outcome) == (Step.PROVE_OLD_DEAD, Outcome.DONE))
    assert "gone.test:5432: refused" in proof.evidence


@pytest.mark.parametrize(
    ("name", "told"),
    [("db.test", "answers"), ("elsewhere.test", "no server of this credential"), ("gone.test:1", "no server of")],
)
def test_what_cannot_be_left_out_is_told_and_nothing_is_written(name: str, told: str, tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    before = bench.written()
    with pytest.raises(UsageError, match=told):
        leaving(bench, name)
    assert len(bench.written()) == len(before)


def test_a_server_that_lets_the_old_value_in_is_never_left_out(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.issuer.open.add(GONE.host)
    with pytest.raises(UsageError, match="lets the leaked value in"):
        leaving(bench, "gone.test")


def test_the_last_server_where_it_worked_is_never_left_out(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.issuer.silent.add(DB.host)
    with pytest.raises(UsageError, match="no server would be left"):
        leaving(bench, "db.test")


def test_a_server_where_the_old_value_never_worked_is_not_told_the_new_one(tmp_path: Path) -> None:
    bench = waiting(tmp_path)
    bench.left_out, bench.elsewhere = leaving(bench, "gone.test").left_out, ()
    bench.run()
    assert set(bench.issuer.told[GONE.host]) == {bench.old}
    assert set(bench.issuer.told[DB.host]) == {bench.old, bench.stored()["password"]}


def test_what_is_left_out_comes_back_as_it_went_into_the_journal(kind: Kind) -> None:
    journal = kind.here()
    rotation = a_rotation(left_out=(LEFT,))
    journal.begin(rotation, journal.acquire(JOURNALLED))
    assert kind.here().rotation(rotation.id) == rotation


def test_that_a_try_was_refused_is_kept(kind: Kind) -> None:
    journal = kind.here()
    lease, rotation = journal.acquire(JOURNALLED), a_rotation()
    journal.begin(rotation, lease)
    for refused in (True, False):
        number = journal.intend(rotation.id, "issue", lease)
        journal.settle(rotation.id, number, Outcome.FAILED, ["no"], lease, refused=refused)
    journal.intend(rotation.id, "issue", lease)
    assert [one.refused for one in kind.here().attempts(rotation.id)] == [True, False, False]


def test_what_an_older_secretguard_wrote_is_read(kind: Kind) -> None:
    """As it stood in a journal of version 2: of its attempts nobody knows whether they were refused."""
    journal = kind.here()
    rotation = a_rotation()
    lease = journal.acquire(JOURNALLED)
    journal.begin(rotation, lease)
    journal.settle(rotation.id, journal.intend(rotation.id, "issue", lease), Outcome.FAILED, ["no"], lease)
    (record,) = kind.run("SELECT record FROM rotations")[0]
    older = {name: value for name, value in json.loads(str(record)).items() if name != "left_out"}
    kind.run(f"UPDATE rotations SET record = '{json.dumps(older)}'")
    kind.run("ALTER TABLE attempts DROP COLUMN refused")
    kind.run("UPDATE version SET version = 2" if kind.setting else "PRAGMA user_version = 2")
    assert CURRENT == len(VERSIONS) == 3
    newer: SqlJournal = kind.here()
    assert newer.rotation(rotation.id) == rotation
    assert [(one.step, one.outcome, one.refused) for one in newer.attempts(rotation.id)] == [
        ("issue", Outcome.FAILED, False)
    ]
