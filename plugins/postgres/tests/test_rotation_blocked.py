"""Somebody is in the way on purpose: he takes every connection of the role, or the lock that keeps rotations apart."""

import secrets
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest
import secretguard_postgres.rotator as rotator
from psycopg import sql

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.rotation import Context, Mode, Target
from secretguard.secret import Secret
from tests.servers.leaked_logins import context, said, target
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.usefixtures("fresh_breakers")
MODULE: Rotator = rotator
LOCK = "SELECT pg_advisory_lock(hashtextextended('secretguard:' || %s::text, 0))"


def here(server: Postgres, user: str, password: str, admin: str = "") -> Target:
    return target(server, user, password, admin=admin)


def as_superuser(server: Postgres) -> str:
    return server.dsn("postgres", server.admin)


def issued(one: Target, now: Context) -> str:
    new = rotator.make(one, now)
    assert new is not None
    rotator.issue(one, new, now)
    return new.secret.reveal()


@pytest.mark.parametrize("mode", list(Mode))
def test_who_takes_every_connection_of_the_role_does_not_keep_an_operator_from_rotating(
    postgres: Postgres, mode: Mode
) -> None:
    user, password = postgres.role(attributes="CONNECTION LIMIT 1")
    one, now = here(postgres, user, password, as_superuser(postgres)), context(mode=mode)
    with suppress(psycopg.OperationalError), postgres.connected(user, password) as intruder:
        assert rotator.verify(one, one.leaked, now).works
        assert not rotator.preflight(one, now).stopped
        new = rotator.make(one, now)
        assert new is not None
        rotator.issue(one, new, now)
        rotator.disable(one, new, now)
        assert intruder.execute("SELECT 1")  # raises: he was sent out
        pytest.fail("the intruder is still in")
    assert rotator.verify(one, one.leaked, now).refused
    assert rotator.verify(one, new, now).works


def test_without_an_operator_it_is_said_what_to_do_and_nothing_is_begun(
    postgres: Postgres, postgres16: Postgres
) -> None:
    user, password = postgres.role()
    postgres16.role(user)
    postgres16.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password)))
    postgres16.run(f"ALTER ROLE {user} CONNECTION LIMIT 1")
    one, now = here(postgres, user, password), context()
    one = replace(one, endpoints=(*one.endpoints, *here(postgres16, user, password).endpoints))
    with postgres16.connected(user, password):
        found = said(rotator.preflight(one, now))
    assert f"no connection is free for {user}" in found
    assert "--admin REF" in found
    assert f"WHERE usename = '{user}'" in found


def test_applications_that_take_every_connection_with_the_new_password_do_not_stop_an_operator(
    postgres: Postgres,
) -> None:
    user, password = postgres.role(attributes="CONNECTION LIMIT 1")
    one, now = here(postgres, user, password, as_superuser(postgres)), context()
    fresh = issued(one, now)
    new = replace(one.leaked, secret=Secret(fresh))
    with postgres.connected(user, fresh) as application:
        assert rotator.verify(one, new, now).works
        rotator.issue(one, new, replace(now, rotated_at="2020-01-01T00:00:00Z"))
    with suppress(psycopg.OperationalError):
        application.close()
    with postgres.connected(user, fresh):
        rotator.disable(one, new, replace(now, rotated_at="2020-01-01T00:00:00Z"))
    assert rotator.verify(one, one.leaked, now).refused


@pytest.mark.parametrize("mode", list(Mode))
def test_the_leaked_login_is_no_operator_of_its_own(postgres: Postgres, mode: Mode) -> None:
    user, password = postgres.role(attributes="SUPERUSER")
    one = here(postgres, user, password, postgres.dsn(user, password))
    assert f"--admin is the leaked login {user} itself" in said(rotator.preflight(one, context(mode=mode)))


def test_an_operator_who_is_not_let_in_is_told_what_to_look_at(postgres: Postgres) -> None:
    user, password = postgres.role()
    wrong = here(postgres, user, password, postgres.dsn("postgres", secrets.token_hex(8)))
    found = said(rotator.preflight(wrong, context()))
    assert "the operator's login: " in found
    assert "Check user, password, host and port of what the admin reference resolves to." in found


def test_a_login_that_holds_the_lock_is_named_where_it_cannot_be_ended(postgres: Postgres) -> None:
    user, password = postgres.role()
    other, its_own = postgres.role()
    one, now = here(postgres, user, password), context(timeout=2.0)
    with postgres.connected(other, its_own) as blocker:
        blocker.execute(LOCK, (user,))
        with pytest.raises(IssuerError, match="is held by process") as told:
            issued(one, now)
        assert f"process {blocker.info.backend_pid} of {other}" in str(told.value)
        assert f"pg_terminate_backend({blocker.info.backend_pid})" in told.value.hint
        assert "--admin" in told.value.hint
        assert rotator.verify(one, one.leaked, now).works
        assert blocker.execute("SELECT 1").fetchone() == (1,)


def test_a_login_that_holds_the_lock_is_ended_by_an_operator(postgres: Postgres) -> None:
    user, password = postgres.role()
    other, its_own = postgres.role()
    one, now = here(postgres, user, password, as_superuser(postgres)), context(timeout=2.0)
    with suppress(psycopg.OperationalError), postgres.connected(other, its_own) as blocker:
        blocker.execute(LOCK, (user,))
        fresh = issued(one, now)
        assert blocker.execute("SELECT 1")  # raises: it was ended
        pytest.fail("the lock is still held")
    assert postgres.lets_in(user, fresh)


def test_another_rotation_of_the_same_operator_is_not_ended(postgres: Postgres) -> None:
    user, password = postgres.role()
    one, now = here(postgres, user, password, as_superuser(postgres)), context(timeout=2.0)
    with postgres.connected() as colleague:
        colleague.execute("SET application_name TO 'sg-0123456789abcdef'")
        colleague.execute(LOCK, (user,))
        with pytest.raises(IssuerError, match=r"is held by process \d+ of postgres \(sg-0123456789abcdef\)") as told:
            issued(one, now)
        assert "another rotation of yours" in told.value.hint
        assert colleague.execute("SELECT 1").fetchone() == (1,)
    assert postgres.lets_in(user, password)
