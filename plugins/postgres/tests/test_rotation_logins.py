"""A login is tried as the application does it, and only the server's own refusal counts as one."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import secretguard_postgres.rotator as rotator
from psycopg import sql
from secretguard_postgres.addresses import addresses, admin_of
from secretguard_postgres.connect import Address, NotConnected, connected
from secretguard_postgres.login import tried

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Login, Spelling, Target
from secretguard.secret import Secret
from tests.servers.postgres import Postgres
from tests.servers.processes import free_port

CONTEXT = Context(environ={}, timeout=3.0)


def target_of(*endpoints: Endpoint, text: str = "", admin: str | None = None) -> Target:
    return Target(
        credential="sg_0123456789ab",
        kind="postgres-uri",
        family="postgres",
        leaked=Login("app", Secret("leaked")),
        endpoints=endpoints,
        spellings=(Spelling("uri", Secret(text), endpoints),),
        admin=Secret(admin) if admin else None,
    )


def login(user: str, password: str) -> Login:
    return Login(user, Secret(password))


def test_right_wrong_and_unknown_logins(postgres: Postgres) -> None:
    user, password = postgres.role()
    at = Address(postgres.host, postgres.port, "postgres")
    assert tried(at, login(user, password), CONTEXT).answer is Answer.WORKS
    assert tried(at, login(user, password + "x"), CONTEXT).answer is Answer.REFUSED
    assert tried(at, login("nobody_" + user, password), CONTEXT).answer is Answer.REFUSED


def test_a_role_without_login_is_refused(postgres: Postgres) -> None:
    user, password = postgres.role()
    postgres.run(f"ALTER ROLE {user} NOLOGIN")
    trial = tried(Address(postgres.host, postgres.port, "postgres"), login(user, password), CONTEXT)
    assert (trial.answer, trial.words) == (Answer.REFUSED, f'role "{user}" is not permitted to log in')


def test_the_password_of_a_role_or_database_without_a_free_connection_works(postgres: Postgres) -> None:
    """The server counts connections after it looked at the password."""
    user, password = postgres.role(attributes="CONNECTION LIMIT 0")
    other, its_own = postgres.role()
    database = "full_" + secrets.token_hex(3)
    postgres.run(f"CREATE DATABASE {database} CONNECTION LIMIT 0")
    for name, value, where, full in ((user, password, "postgres", True), (other, its_own, database, False)):
        at = Address(postgres.host, postgres.port, where)
        trial = tried(at, login(name, value), CONTEXT)
        assert (trial.answer, trial.accepted, trial.full) == (Answer.WORKS, True, full)
        assert tried(at, login(name, value + "x"), CONTEXT).answer is Answer.REFUSED


def test_a_database_that_is_gone_or_closed_does_not_hide_that_the_password_works(postgres: Postgres) -> None:
    user, password = postgres.role()
    closed = "closed_" + secrets.token_hex(3)
    postgres.run(f"CREATE DATABASE {closed}")
    postgres.run(f"REVOKE CONNECT ON DATABASE {closed} FROM PUBLIC")
    for database in ("", "gone", closed):
        at = Address(postgres.host, postgres.port, database)
        assert tried(at, login(user, password), CONTEXT).answer is Answer.WORKS
        assert tried(at, login(user, password + "x"), CONTEXT).answer is Answer.REFUSED


def test_who_may_not_come_from_here_is_not_refused(postgres16: Postgres) -> None:
    """pg_hba.conf turns us away, not the password: from elsewhere it may still work."""
    user, password = postgres16.role()
    hba = postgres16.running.workspace.path / "data" / "pg_hba.conf"
    rules = hba.read_text()
    hba.write_text(f"host all {user} 127.0.0.1/32 reject\n{rules}")
    postgres16.run("SELECT pg_reload_conf()")
    try:
        at = Address(postgres16.host, postgres16.port, "postgres")
        trial = until_changed(at, login(user, password))
        assert trial.answer is Answer.UNKNOWN
        assert "pg_hba.conf rejects" in trial.words
    finally:
        hba.write_text(rules)
        postgres16.run("SELECT pg_reload_conf()")


def until_changed(at: Address, who: Login):  # type: ignore[no-untyped-def]
    for _ in range(100):
        trial = tried(at, who, CONTEXT)
        if trial.answer is not Answer.WORKS:
            break
    return trial


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_a_refusal_is_known_by_its_state_in_any_language(language: str) -> None:
    from secretguard_postgres.connect import _failure
    from secretguard_postgres.login import judged

    german = "SCHWERWIEGEND:  28P01: Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen\nORT:  auth_failed, auth.c:321\n"
    english = 'FATAL:  28P01: password authentication failed for user "app"\nLOCATION:  auth_failed, auth.c:321\n'
    said = english if language == "C" else german
    failed = _failure(f'connection to server at "db" (10.0.0.1), port 5432 failed: {said}', login("app", "leaked"))
    assert (failed.state, failed.routine) == ("28P01", "auth_failed")
    assert judged(failed).answer is Answer.REFUSED


def test_silence_and_closed_ports_are_unknown() -> None:
    port = free_port()
    at = Address("127.0.0.1", port, "postgres")
    assert tried(at, login("app", "leaked"), CONTEXT).answer is Answer.UNKNOWN
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        at = Address("127.0.0.1", silent.getsockname()[1], "postgres")
        assert tried(at, login("app", "leaked"), Context(environ={}, timeout=0.4)).answer is Answer.UNKNOWN


@pytest.fixture
def thief() -> Iterator[tuple[int, list[bytes]]]:
    """A server that asks for the password in plain text, and what it gets."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.settimeout(2)
                try:
                    first = client.recv(4096)
                    if first[4:8] == b"\x04\xd2\x16\x2f":
                        client.sendall(b"N")
                        client.recv(4096)
                    client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
                    heard.append(client.recv(4096))
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(server.getsockname()[1]), heard
    server.close()


def test_a_password_is_never_said_in_plain_text(thief: tuple[int, list[bytes]]) -> None:
    port, heard = thief
    trial = tried(Address("127.0.0.1", port, "db"), login("app", "leaked"), CONTEXT, leaked=True)
    assert trial.answer is Answer.UNKNOWN
    assert "only SCRAM is answered" in trial.words
    assert not any(b"leaked" in one for one in heard)


def test_a_server_without_tls_is_not_spoken_to_where_the_spelling_asks_for_it(postgres: Postgres) -> None:
    user, password = postgres.role()
    for mode in ("require", "verify-ca", "verify-full"):
        at = Address(postgres.host, postgres.port, "postgres", mode)
        trial = tried(at, login(user, password), CONTEXT)
        assert trial.answer is Answer.UNKNOWN
    assert tried(Address(postgres.host, postgres.port, "postgres"), login(user, password), CONTEXT).tls is False


def test_a_server_that_spoke_tls_is_never_spoken_to_without(postgres: Postgres) -> None:
    from secretguard_postgres import connect

    user, password = postgres.role()
    at = Address("127.0.0.1", postgres.port, "postgres")
    connect._speaks_tls.add((at.host, at.port))
    try:
        assert "does not support SSL" in tried(at, login(user, password), CONTEXT).words
    finally:
        connect._speaks_tls.discard((at.host, at.port))


def test_nothing_comes_from_the_environment(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user, password = postgres.role()
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{password}\n")
    passwords.chmod(0o600)
    services = tmp_path / "services"
    services.write_text("[evil]\noptions=-c work_mem=1\nsslmode=verify-full\nhostaddr=192.0.2.1\n")
    for name, value in {
        "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "other", "PGDATABASE": "other",
        "PGPASSWORD": password, "PGPASSFILE": str(passwords), "PGSERVICE": "evil", "PGSERVICEFILE": str(services),
        "PGOPTIONS": "-c nonsense=1", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nonexistent", "PGSSLCERT": "/x",
        "PGSSLMINPROTOCOLVERSION": "TLSv1", "PGREQUIREAUTH": "none", "PGCHANNELBINDING": "require",
        "PGTARGETSESSIONATTRS": "standby", "PGAPPNAME": "other", "PGREQUIREPEER": "nobody", "PGGSSENCMODE": "require",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    at = Address(postgres.host, postgres.port, "postgres")
    with connected(at, login(user, password), CONTEXT) as connection:
        shown = connection.execute("SELECT current_setting('application_name'), current_setting('work_mem')").fetchone()
    assert shown == ("secretguard", "4MB")
    assert tried(at, login(user, "x"), CONTEXT).answer is Answer.REFUSED
    with pytest.raises(NotConnected), connected(at, login(user, ""), CONTEXT):
        pass


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "0.0.0.0", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_metadata_and_link_local_addresses_are_never_contacted(host: str) -> None:
    trial = tried(Address(host, 80, "db"), login("app", "leaked"), CONTEXT)
    assert (trial.answer, trial.words) == (Answer.UNKNOWN, "its name has no address that may be contacted")


def test_a_local_socket_of_a_repository_is_not_contacted() -> None:
    trial = tried(Address("/var/run/postgresql", 5432, "db"), login("app", "leaked"), CONTEXT)
    assert trial.words == "a local socket is not contacted"


SECRET = "s3" + "cret"
HOSTILE = "postgresql://app:{}@db.example.com/app?sslmode={}&sslcert=/etc/x&options=-cx&hostaddr=192.0.2.1&service=s"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (["disable"], "prefer"), (["allow"], "prefer"), (["require"], "require"), (["verify-full"], "verify-full"),
        (["verify-full", "require"], "require"), (["verify-full", "disable"], "prefer"),
    ],
)  # fmt: skip
def test_of_spellings_only_a_mode_that_all_of_them_ask_for_is_taken(written: list[str], taken: str) -> None:
    at = Endpoint("db.example.com", None, "app")
    target = target_of(at)
    spellings = tuple(Spelling("uri", Secret(HOSTILE.format(SECRET, mode)), (at,)) for mode in written)
    assert addresses(replace(target, spellings=spellings)) == (Address("db.example.com", 5432, "app", taken),)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://op:{}@db1,db2:6000/main?sslmode=require",
        "postgresql+psycopg://op:{}@db1:5432,db2:6000/main?sslmode=require",
        "host=db1,db2 port=5432,6000 user=op password={} dbname=main sslmode=require",
    ],
)
def test_an_operators_login_is_a_uri_or_a_keyword_string(text: str) -> None:
    admin = admin_of(target_of(admin=text.format(SECRET)))
    assert admin is not None
    assert (admin.login.user, admin.login.secret.reveal()) == ("op", SECRET)
    assert [one.host for one in admin.addresses] == ["db1", "db2"]
    assert {(one.database, one.tls) for one in admin.addresses} == {("main", "require")}


@pytest.mark.parametrize(
    "text", ["{}", "postgresql://op:{}%ZZ@db/x", "postgresql://op:{}@/x", "host=db password={}", "user='{}"]
)
def test_an_operators_login_that_is_none_is_not_repeated(text: str) -> None:
    with pytest.raises(IssuerError) as failed:
        admin_of(target_of(admin=text.format(SECRET)))
    assert SECRET not in f"{failed.value!r} {failed.value.hint} {failed.value.__context__!r}"


def test_whatever_a_server_says_no_value_is_in_the_proof(postgres: Postgres) -> None:
    user, password = postgres.role()
    target = Target(
        credential="sg_0123456789ab", kind="postgres-uri", family="postgres", leaked=login(user, password),
        endpoints=(Endpoint(postgres.host, postgres.port, "postgres"), Endpoint("127.0.0.1", 1, password)),
    )  # fmt: skip
    postgres.run(sql.SQL("ALTER ROLE {} VALID UNTIL '2000-01-01'").format(sql.Identifier(user)))
    proof = rotator.verify(target, target.leaked, CONTEXT)
    assert [answer for _, answer, _ in proof.answers] == [Answer.REFUSED, Answer.UNKNOWN]
    assert not any(password in words for _, _, words in proof.answers)


def test_an_operators_login_of_another_server_changes_nothing_there(postgres: Postgres, postgres16: Postgres) -> None:
    """Not even when a rotation goes on, which somebody else has begun with another one."""
    user, password = postgres.role()
    _, other = postgres16.role(user)
    here = Endpoint(postgres.host, postgres.port, "postgres")
    target = replace(target_of(here, admin=postgres16.dsn("postgres", postgres16.admin)), leaked=login(user, password))
    context = replace(CONTEXT, rotation="rot_0123456789abcdef", rotated_at="2026-01-01T00:00:00Z")
    new = rotator.make(target, context)
    with postgres16.connected(user, other) as colleague:
        with pytest.raises(IssuerError, match="nothing was changed"):
            rotator.issue(target, new, context)
        colleague.execute("SELECT 1")
    assert postgres16.lets_in(user, other)
    assert postgres.lets_in(user, password)
