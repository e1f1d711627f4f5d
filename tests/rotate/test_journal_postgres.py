"""The journal of a team: who may use it, what a lost server does, and that its password is nowhere."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from secretguard.errors import RotationError
from secretguard.rotate.audit import Standing, Trail, verify
from secretguard.rotate.journal import open_journal
from secretguard.rotate.journal_postgres import SCHEMA, open_postgres
from secretguard.rotate.journal_schema import CURRENT, VERSIONS
from secretguard.rotate.records import Outcome
from tests.rotate.journals import CREDENTIAL, ROOT, Kind, Worker, a_rotation, on_postgres
from tests.servers.pgbouncer import PgBouncer, start_pgbouncer, stop_pgbouncer
from tests.servers.postgres import Postgres
from tests.servers.processes import Unavailable

DOCS = ROOT / "docs" / "journal.md"


@dataclass(frozen=True)
class Member:
    """An operator with what docs/journal.md gives him, and no more."""

    setting: str
    name: str


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def member(team: Kind, postgres: Postgres, tmp_path: Path) -> Iterator[Member]:
    """The documented set-up, carried out as it is written."""
    before, after = blocks("sql")
    name, password = postgres.role()
    with psycopg.connect(team.setting, autocommit=True) as admin:
        admin.execute(before.encode())
        open_postgres(f"{team.setting}&options=-c%20role%3Dsecretguard_owner", "here").close()
        admin.execute(after.encode())
        admin.execute(f"GRANT secretguard_team TO {name}".encode())
    passwords = tmp_path / "pgpass-member"
    passwords.write_text(f"*:*:*:{name}:{password}\n")
    passwords.chmod(0o600)
    database = team.setting.partition("?")[0].rpartition("/")[2]
    yield Member(f"postgresql://{name}@{postgres.host}:{postgres.port}/{database}?passfile={passwords}", name)
    with psycopg.connect(team.setting, autocommit=True) as admin:
        admin.execute(b"DROP OWNED BY secretguard_owner CASCADE")
        for role in ("secretguard_owner", "secretguard_team", name):
            admin.execute(f"DROP ROLE {role}".encode())


def test_the_documented_rights_are_enough(member: Member) -> None:
    journal = open_postgres(member.setting, "here")
    lease = journal.renew(journal.acquire(CREDENTIAL))
    rotation = a_rotation()
    journal.begin(rotation, lease)
    journal.settle(rotation.id, journal.intend(rotation.id, "issue", lease), Outcome.DONE, [], lease)
    journal.amend(rotation, lease)
    journal.set_anchor(1, "a")
    journal.set_anchor(2, "b")
    journal.release(lease)
    assert journal.rotations() == [rotation]
    assert journal.leases() == []
    journal.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM rotations",
        "DELETE FROM attempts",
        "DELETE FROM anchors",
        "UPDATE version SET version = 0",
        "DROP TABLE leases",
    ],
)
def test_the_documented_rights_are_not_more_than_that(member: Member, statement: str) -> None:
    with (
        psycopg.connect(member.setting, options=f"-c search_path={SCHEMA}") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_who_has_no_rights_is_told_where_they_are_listed(team: Kind, postgres: Postgres, tmp_path: Path) -> None:
    team.here()
    name, password = postgres.role()
    passwords = tmp_path / "pgpass-other"
    passwords.write_text(f"*:*:*:{name}:{password}\n")
    passwords.chmod(0o600)
    with pytest.raises(RotationError, match="refuses") as caught:
        open_postgres(f"{team.setting.replace('postgres@', f'{name}@').partition('?')[0]}?passfile={passwords}", "here")
    assert "docs/journal.md" in caught.value.hint


@pytest.mark.parametrize("version", range(1, CURRENT))
def test_an_older_schema_is_brought_up_to_date_with_what_is_in_it(team: Kind, version: int) -> None:
    with psycopg.connect(team.setting, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {SCHEMA}; SET search_path = {SCHEMA}".encode())
        admin.execute(f"CREATE TABLE version (version INTEGER); INSERT INTO version VALUES ({version})".encode())
        for step in VERSIONS[:version]:
            for statement in step:
                admin.execute(statement.format(counter="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY").encode())
        admin.execute(b"INSERT INTO anchors (trail, count, seal) VALUES ('here', 7, 'abc')")
    journal = team.here()
    assert journal.anchor() == (7, "abc")
    journal.set_anchor(8, "def")
    assert team.run("SELECT version FROM version") == [(CURRENT,)]


def test_a_newer_schema_is_refused(team: Kind) -> None:
    team.here()
    team.run(f"UPDATE version SET version = {CURRENT + 1}")
    with pytest.raises(RotationError, match=f"version {CURRENT + 1}.* up to {CURRENT}"):
        team.here()


def test_a_commit_is_on_the_servers_disk_whatever_its_default(team: Kind) -> None:
    assert team.run("SHOW synchronous_commit") == [("off",)]
    with team.here()._database.transaction("x") as transaction:
        assert transaction.run("SHOW synchronous_commit") == [("on",)]


def test_a_connection_that_broke_between_two_writes_is_made_again(team: Kind, postgres: Postgres) -> None:
    journal = team.here()
    lease = journal.acquire(CREDENTIAL)
    rotation = a_rotation()
    journal.begin(rotation, lease)
    postgres.restart()
    assert journal.intend(rotation.id, "issue", lease) == 1
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'secretguard journal'"
    )
    journal.settle(rotation.id, 1, Outcome.DONE, [], lease)
    assert journal.attempts(rotation.id)[0].outcome is Outcome.DONE


def test_a_connection_that_breaks_within_a_write_leaves_nothing_of_it(team: Kind) -> None:
    journal = team.here()

    def broken_off() -> None:
        with journal._database.transaction("x") as transaction:
            transaction.run("INSERT INTO anchors (trail, count, seal) VALUES ('x', 1, '')")
            transaction.run("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(RotationError) as caught:
        broken_off()
    assert "resume" in caught.value.hint
    assert team.run("SELECT * FROM anchors") == []
    journal.set_anchor(1, "a")


def test_a_server_that_is_away_is_told(team: Kind, postgres: Postgres) -> None:
    journal = team.here()
    lease = journal.acquire(CREDENTIAL)
    postgres.running.stop()
    try:
        for call in (lambda: journal.renew(lease), team.here):
            with pytest.raises(RotationError, match="cannot be used") as caught:
                call()
            assert "Nothing is lost" in caught.value.hint
            assert postgres.admin not in str(caught.value)
    finally:
        postgres.restart()
    assert journal.renew(lease).token == lease.token


def test_a_writer_waits_for_the_one_before_it(team: Kind) -> None:
    journal = team.here()
    worker = Worker(team, "say('ready')\nsys.stdin.readline()\njournal.acquire(CREDENTIAL)\nsay('done')\n")
    worker.hears()
    with journal._database.transaction(CREDENTIAL):
        worker.go()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while team.run(waiting) != [(1,)]:
            assert worker.process.poll() is None
    assert worker.rest() == ["done"]


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://ada:{}@db.internal/ops", "postgresql://ada@db.internal/ops?password={}", "host=db.internal password={}",
        "host=db.internal password = '{}'", "postgresql://db.internal/ops?sslpassword={}", "postgresql://ada:{}@",
    ],
)  # fmt: skip
def test_a_password_in_the_setting_is_refused_and_not_repeated(form: str) -> None:
    password = secrets.token_urlsafe(16)
    with pytest.raises(RotationError) as caught:
        open_postgres(form.format(password), "here")
    assert "PGPASSFILE" in caught.value.hint
    assert password not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_what_is_no_connection_string_is_not_repeated() -> None:
    with pytest.raises(RotationError) as caught:
        open_postgres("host='unfinished hunter2", "here")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__suppress_context__


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RotationError) as caught:
        open_postgres("postgresql://ada@db.internal/ops", "here")
    assert "pip install 'secretguard[postgres]'" in caught.value.hint


def test_the_servers_password_is_in_no_file_and_no_command_line(team: Kind, postgres: Postgres) -> None:
    worker = Worker(
        team,
        "from pathlib import Path\nfrom secretguard.rotate.audit import Trail\n"
        "from secretguard.rotate.state_directory import state_directory\n"
        "trail = Trail(state_directory(os.environ), journal, 'ada@here')\n"
        "lease = journal.acquire(CREDENTIAL)\nrotation = a_rotation()\njournal.begin(rotation, lease)\n"
        "trail(rotation, 'intended', step='issue')\nsay('ready')\nsys.stdin.readline()\n",
    )
    assert worker.hears() == "ready"
    password = postgres.admin.encode()
    assert password not in Path(f"/proc/{worker.process.pid}/cmdline").read_bytes()
    worker.go()
    worker.rest()
    files = [path for path in team.state.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"audit.jsonl", "audit.key", "installation.id"}
    assert not any(password in path.read_bytes() for path in files)
    tables = [team.run(f"SELECT * FROM {name}") for name in ("rotations", "attempts", "leases", "anchors")]
    assert postgres.admin not in str(tables)


def test_each_state_directory_has_an_anchor_of_its_own(team: Kind, tmp_path: Path) -> None:
    journals = []
    for name in ("one", "two"):
        journal = open_journal(team.setting, {"XDG_STATE_HOME": str(tmp_path / name)})
        journal.set_anchor(1, name)
        journals.append(journal)
    assert [journal.anchor() for journal in journals] == [(1, "one"), (1, "two")]
    for journal in journals:
        journal.close()


def test_the_audit_file_goes_on_when_the_journal_moves_to_a_server(tmp_path: Path, postgres: Postgres) -> None:
    team = on_postgres(postgres, tmp_path)
    for setting, records in ((None, 1), (team.setting, 2), (team.setting, 3)):
        journal = open_journal(setting, team.environ)
        Trail(team.state, journal, "ada@here")(a_rotation(), "done")
        found = verify(team.state, journal)
        assert (found.standing, found.records) == (Standing.INTACT, records)
        journal.close()


@pytest.fixture
def pooler(postgres: Postgres) -> Iterator[PgBouncer]:
    try:
        pooler = start_pgbouncer(postgres, query=False)
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    yield pooler
    postgres.run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    stop_pgbouncer(pooler)


def test_it_works_through_a_pooler_that_gives_each_transaction_another_session(
    pooler: PgBouncer, postgres: Postgres, tmp_path: Path
) -> None:
    name, password = postgres.role(attributes="SUPERUSER")
    pooler.know(**{name: password})
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:{name}:{password}\n")
    passwords.chmod(0o600)
    setting = f"postgresql://{name}@{pooler.host}:{pooler.port}/postgres?passfile={passwords}"
    kind = Kind(lambda me: open_postgres(setting, "here", me), setting, {}, tmp_path)
    journals = [kind.here() for _ in range(3)]
    rotations = [a_rotation(credential=f"sg_{number:012x}") for number in range(3)]
    leases = [journal.acquire(one.credential) for journal, one in zip(journals, rotations, strict=True)]
    for journal, rotation, lease in zip(journals, rotations, leases, strict=True):
        journal.begin(rotation, lease)
    for number in range(1, 6):
        for journal, rotation, lease in zip(journals, rotations, leases, strict=True):
            assert journal.intend(rotation.id, "issue", lease) == number
            journal.settle(rotation.id, number, Outcome.DONE, [], lease)
    assert [len(journals[0].attempts(rotation.id)) for rotation in rotations] == [5, 5, 5]
    with journals[0]._database.transaction("x") as transaction:
        assert transaction.run("SHOW synchronous_commit") == [("on",)]
    kind.close()
