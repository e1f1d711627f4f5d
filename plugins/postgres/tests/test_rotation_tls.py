"""TLS is used where a server has it and never given up; and what goes over it where a server takes no verifier."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import secretguard_postgres.rotator as rotator
from secretguard_postgres.connect import Address, told
from secretguard_postgres.login import tried

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Login, Target
from secretguard.secret import Secret
from tests.servers.postgres import Postgres

CONTEXT = Context(environ={}, timeout=5.0)


def target_at(server: Postgres, user: str, password: str, admin: str | None = None) -> Target:
    return Target(
        credential="sg_0123456789ab", kind="postgres-uri", family="postgres", leaked=Login(user, Secret(password)),
        endpoints=(Endpoint(server.host, server.port, "postgres"),), admin=Secret(admin) if admin else None,
    )  # fmt: skip


def a_context() -> Context:
    return replace(CONTEXT, rotation="rot_" + secrets.token_hex(8))


@contextmanager
def started_with(server: Postgres, *settings: str) -> Iterator[None]:
    """The server, started again with other settings for a while."""
    usual = list(server.command)
    for setting in settings:
        server.command += ["-c", setting]
    server.restart()
    try:
        yield
    finally:
        server.command[:] = usual
        server.restart()


def test_tls_is_used_without_being_asked_for_and_then_insisted_on(postgres_with_tls: Postgres) -> None:
    server = postgres_with_tls
    user, password = server.role()
    at, login = Address("127.0.0.1", server.port, "postgres"), Login(user, Secret(password))
    assert tried(at, login, CONTEXT).tls
    target = target_at(server, user, password)
    assert not [one for one in rotator.preflight(target, a_context()).findings if "TLS" in one.what]
    with started_with(server, "ssl=off"):
        trial = tried(at, login, CONTEXT)
        assert trial.answer is Answer.UNKNOWN
        assert "does not support SSL" in trial.words
    assert tried(at, login, CONTEXT).answer is Answer.WORKS


def test_a_server_is_checked_as_strictly_as_the_spelling_says(postgres_with_tls: Postgres, tmp_path: Path) -> None:
    server = postgres_with_tls
    user, password = server.role()
    login = Login(user, Secret(password))
    shutil.copy(server.running.workspace.path / "data" / "server.crt", tmp_path / "trusted.crt")
    knows = replace(CONTEXT, environ={"PGSSLROOTCERT": str(tmp_path / "trusted.crt")})
    for mode in ("verify-ca", "verify-full"):
        at = Address("127.0.0.1", server.port, "postgres", mode)
        assert tried(at, login, knows).answer is Answer.WORKS
        assert tried(at, login, CONTEXT).answer is Answer.UNKNOWN
    other_name = Address("localhost", server.port, "postgres", "verify-full")
    assert tried(other_name, login, knows).answer is Answer.UNKNOWN


def test_a_wrong_password_over_tls_is_not_tried_again_without(postgres_with_tls: Postgres) -> None:
    server = postgres_with_tls
    user, _ = server.role()
    at = Address("127.0.0.1", server.port, "postgres")
    assert tried(at, Login(user, Secret("wrong")), CONTEXT).answer is Answer.REFUSED
    assert server.log.count(f'password authentication failed for user "{user}"') == 1


def test_a_host_that_takes_no_verifier_gets_the_password_over_tls_and_unlogged(postgres_with_tls: Postgres) -> None:
    """A real server that says of itself what Neon's says; that it would refuse a verifier is not imitated."""
    server = postgres_with_tls
    user, password = server.role()
    target = target_at(server, user, password, server.dsn("postgres", server.admin))
    with started_with(server, "neon.timeline_id=0"):
        context = a_context()
        seen = rotator.preflight(target, context)
        assert not seen.stopped
        assert any("takes no verifier" in one.what for one in seen.findings)
        assert "sets the new password for" in seen.effects[0]
        new = rotator.make(target, context)
        assert new is not None
        rotator.issue(target, new, context)
        assert rotator.verify(target, new, context).works
        assert new.secret.reveal() not in server.log
        statements = "".join(str(row[0]) for row in server.run("SELECT query FROM pg_stat_statements"))
        assert new.secret.reveal() not in statements


def test_without_tls_no_password_goes_to_such_a_host(postgres_with_tls: Postgres) -> None:
    from secretguard_postgres import connect

    server = postgres_with_tls
    user, password = server.role()
    target, context = target_at(server, user, password), a_context()
    new = rotator.make(target, context)
    assert new is not None
    with started_with(server, "neon.timeline_id=0", "ssl=off"):
        connect._speaks_tls.clear()
        with pytest.raises(IssuerError, match="nowhere without TLS"):
            rotator.issue(target, new, context)
        assert server.lets_in(user, password)


def test_a_host_that_refuses_a_verifier_without_warning_is_understood() -> None:
    """Neon's words, seen in public reports; no such host was asked."""

    class Diagnosis:
        message_primary = (
            "Received HTTP code 400 from control plane: Neon only supports being given plaintext passwords"
        )

    class Refusal(psycopg.InternalError):
        sqlstate = "XX000"
        diag = Diagnosis()  # type: ignore[assignment]

    error = told(Refusal(), Address("db.example.com", 5432))
    assert "takes no verifier" in error.hint
    assert not error.transient
