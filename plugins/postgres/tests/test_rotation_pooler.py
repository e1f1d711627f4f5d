"""PgBouncer before the server: what it asks the server for is right at once; what it keeps in a file has to be reloaded."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
import secretguard_postgres.rotator as rotator

from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Login, Target
from secretguard.secret import Secret
from tests.servers.fixtures import started
from tests.servers.pgbouncer import PgBouncer, start_pgbouncer, stop_pgbouncer
from tests.servers.postgres import Postgres


def a_context() -> Context:
    return Context(environ={}, rotation="rot_" + secrets.token_hex(8), timeout=3.0)


def target_at(*servers: Postgres | PgBouncer, user: str, password: str, admin: str | None = None) -> Target:
    return Target(
        credential="sg_0123456789ab", kind="postgres-uri", family="postgres", leaked=Login(user, Secret(password)),
        endpoints=tuple(Endpoint(one.host, one.port, "postgres") for one in servers),
        admin=Secret(admin) if admin else None,
    )  # fmt: skip


def made(target: Target, context: Context) -> Login:
    new = rotator.make(target, context)
    assert new is not None
    return new


def findings_of(target: Target, context: Context) -> str:
    return "\n".join(f"{one.what} {one.hint}" for one in rotator.preflight(target, context).findings)


@pytest.fixture
def pooler_of_each(each_postgres: Postgres) -> Iterator[PgBouncer]:
    pooler = started(lambda: start_pgbouncer(each_postgres, query=True))
    yield pooler
    stop_pgbouncer(pooler)


def test_a_pooler_that_asks_the_server_needs_nothing(each_postgres: Postgres, pooler_of_each: PgBouncer) -> None:
    user, password = each_postgres.role()
    target, context = target_at(pooler_of_each, user=user, password=password), a_context()
    assert "is a pooler" in findings_of(target, context)
    assert not rotator.preflight(target, context).stopped
    new = made(target, context)
    rotator.issue(target, new, context)
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused
    assert each_postgres.lets_in(user, new.secret.reveal())
    context = replace(context, rotated_at=datetime.now(UTC).isoformat())
    assert "sessions that clients hold with the pooler" in rotator.disable(target, new, context)[0]
    assert rotator.verify(target, new, context).works


def test_a_session_held_with_a_pooler_is_for_its_operator_to_end(
    postgres: Postgres, pgbouncer_with_query: PgBouncer
) -> None:
    """The server does not see who stands behind the pooler, so that nothing but the finding can help."""
    user, password = postgres.role()
    target, context = target_at(pgbouncer_with_query, user=user, password=password), a_context()
    assert "KILL" in findings_of(target, context)
    new = made(target, context)
    with suppress(psycopg.Error), pgbouncer_with_query.connected(user, password) as intruder:
        intruder.execute("SELECT 1")
        rotator.issue(target, new, context)
        pgbouncer_with_query.console("KILL postgres")
        pgbouncer_with_query.console("RESUME postgres")
        with pytest.raises(psycopg.Error):
            intruder.execute("SELECT 1")
    assert rotator.verify(target, new, context).works


@pytest.mark.parametrize("by_admin", [False, True], ids=["by itself", "by the operator"])
def test_a_pooler_with_a_file_lets_nobody_in_until_it_is_changed_and_reloaded(
    by_admin: bool, postgres: Postgres, pgbouncer_with_file: PgBouncer
) -> None:
    pooler = pgbouncer_with_file
    user, password = postgres.role()
    pooler.know(**{user: pooler.verifier(user)})
    admin = postgres.dsn("postgres", postgres.admin) if by_admin else None
    target, context = target_at(pooler, user=user, password=password, admin=admin), a_context()
    assert "RELOAD" in findings_of(target, context)
    new = made(target, context)
    rotator.issue(target, new, context)
    assert postgres.lets_in(user, new.secret.reveal())
    assert not postgres.lets_in(user, password)
    assert [answer for _, answer, _ in rotator.verify(target, new, context).answers] == [Answer.REFUSED]
    old = rotator.verify(target, target.leaked, context)
    assert old.answers[0][1] is Answer.UNKNOWN
    assert "no statement gets through" in old.answers[0][2]
    assert postgres.run("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", user) == [(0,)]
    pooler.know(**{user: pooler.verifier(user)})
    pooler.console("RECONNECT")
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused


def test_a_pooler_that_still_takes_the_old_password_is_told(postgres: Postgres, pgbouncer_with_file: PgBouncer) -> None:
    """The server was changed behind its back, and it lends an old session to whoever says the old password."""
    pooler = pgbouncer_with_file
    user, password = postgres.role()
    pooler.know(**{user: pooler.verifier(user)})
    target, context = target_at(postgres, pooler, user=user, password=password), a_context()
    with pooler.connected(user, password) as session:
        session.execute("SELECT 1")
        postgres.run(f"ALTER ROLE {user} PASSWORD 'something'")
        answers = {answer: words for _, answer, words in rotator.verify(target, target.leaked, context).answers}
        assert set(answers) == {Answer.REFUSED, Answer.WORKS}
        assert "reloaded" in answers[Answer.WORKS]


def test_server_and_pooler_together_are_one_rotation(postgres: Postgres, pgbouncer_with_query: PgBouncer) -> None:
    user, password = postgres.role()
    target, context = target_at(pgbouncer_with_query, postgres, user=user, password=password), a_context()
    new = made(target, context)
    rotator.issue(target, new, context)
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused
