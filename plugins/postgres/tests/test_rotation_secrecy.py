"""The new password is in no statement, log, statistics, session list, exception or argument; the old one neither."""

import gc
import secrets
import threading
import time
import traceback
from pathlib import Path

import pytest
import secretguard_postgres.rotator as rotator
from psycopg import sql
from secretguard_postgres import scram

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Context, Login, Mode, Target
from secretguard.secret import Secret
from tests.servers.postgres import Postgres


def target_at(server: Postgres, user: str, password: str, admin: str | None = None) -> Target:
    return Target(
        credential="sg_0123456789ab", kind="postgres-uri", family="postgres", leaked=Login(user, Secret(password)),
        endpoints=(Endpoint(server.host, server.port, "postgres"),), admin=Secret(admin) if admin else None,
    )  # fmt: skip


@pytest.mark.parametrize("mode", Mode)
def test_the_server_never_sees_the_password(postgres_with_statistics: Postgres, mode: Mode) -> None:
    """With log_statement=all, pg_stat_statements and somebody who looks at pg_stat_activity all the time."""
    server = postgres_with_statistics
    user, password = server.role()
    admin = server.dsn("postgres", server.admin)
    target = target_at(server, user, password, admin if mode is Mode.GRACEFUL else None)
    context = Context(environ={}, rotation="rot_" + secrets.token_hex(8), mode=mode)
    new = rotator.make(target, context)
    assert new is not None
    stop, seen = threading.Event(), set()

    def watch() -> None:
        with server.connected() as connection:
            while not stop.is_set():
                seen.update(str(row[0]) for row in connection.execute("SELECT query FROM pg_stat_activity").fetchall())
                time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    rotator.preflight(target, context)
    rotator.issue(target, new, context)
    rotator.verify(target, new, context)
    rotator.verify(target, target.leaked, context)
    rotator.disable(target, new, context)
    rotator.destroy(target, new, context)
    stop.set()
    watcher.join()
    statements = "\n".join(str(row[0]) for row in server.run("SELECT query FROM pg_stat_statements"))
    value = new.secret.reveal()
    assert f'ALTER ROLE "{new.user}"' in server.log
    assert f'ALTER ROLE "{new.user}"' in statements
    for places in (server.log, statements, "\n".join(seen)):
        assert value not in places
    arguments = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert value.encode() not in arguments


def test_a_failing_change_tells_neither_password_nor_verifier(postgres: Postgres) -> None:
    user, password = postgres.role()
    operator, secret = postgres.role()
    target = target_at(postgres, user, password, postgres.dsn(operator, secret))
    context = Context(environ={}, rotation="rot_" + secrets.token_hex(8))
    new = rotator.make(target, context)
    assert new is not None
    with pytest.raises(IssuerError) as failed:
        rotator.issue(target, new, context)
    error = failed.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.__traceback__ is not None
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__.tb_next), capture_locals=True)
    shown = "".join(frames.format())
    for value in (password, new.secret.reveal(), secret, "SCRAM-SHA-256$"):
        assert value not in shown
        assert value not in f"{error} {error.hint} {error!r}"


def test_a_login_that_fails_leaves_no_error_behind_that_holds_it(postgres: Postgres) -> None:
    user, _ = postgres.role()
    wrong = "wrong" + secrets.token_hex(12)
    target = target_at(postgres, user, wrong)
    rotator.verify(target, target.leaked, Context(environ={}))
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, BaseException) and wrong in repr(one.args)]


def test_what_is_no_verifier_is_not_sent(postgres: Postgres) -> None:
    """A server takes a malformed one for the password itself."""

    class Library:
        def encrypt_password(self, password: bytes, user: bytes, algorithm: bytes) -> bytes:
            assert algorithm == b"scram-sha-256"
            return b"SCRAM-SHA-256$4096:abc"

    class Connection:
        pgconn = Library()

    with pytest.raises(IssuerError, match="nothing was sent"):
        scram.verifier(Connection(), Login("app", Secret("new")))
    with postgres.connected() as connection:
        connection.execute("SET password_encryption TO md5")
        made = scram.verifier(connection, Login("app", Secret("new")))
        assert scram.GRAMMAR.fullmatch(made)


def test_role_names_of_all_kinds_are_quoted(postgres: Postgres) -> None:
    for name in ('Mixed "Case"', "semi;colon'--", "zażółć %s {}", "white space"):
        password = secrets.token_urlsafe(20)
        postgres.run(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))
        for mode in Mode:
            admin = postgres.dsn("postgres", postgres.admin) if mode is Mode.GRACEFUL else None
            target = target_at(postgres, name, password, admin)
            context = Context(environ={}, rotation="rot_" + secrets.token_hex(8), mode=mode)
            new = rotator.make(target, context)
            assert new is not None
            assert not rotator.preflight(target, context).stopped
            rotator.issue(target, new, context)
            assert rotator.verify(target, new, context).works
            rotator.disable(target, new, context)
            rotator.destroy(target, new, context)
            password = new.secret.reveal()
