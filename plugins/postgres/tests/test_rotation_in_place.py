"""A leaked PostgreSQL login is replaced in place: the old password dies, and whoever came in with it is out."""

import re
import secrets
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
import secretguard_postgres.rotator as rotator
from psycopg import sql

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Target
from secretguard.secret import Secret
from tests.servers.postgres import Postgres


def a_context(**more: object) -> Context:
    return Context(environ={}, rotation="rot_" + secrets.token_hex(8), **more)  # type: ignore[arg-type]


def target_at(
    *servers: Postgres, user: str, password: str, admin: str | None = None, database: str = "postgres"
) -> Target:
    return Target(
        credential="sg_0123456789ab",
        kind="postgres-uri",
        family="postgres",
        leaked=Login(user, Secret(password)),
        endpoints=tuple(Endpoint(server.host, server.port, database) for server in servers),
        admin=Secret(admin) if admin else None,
    )


def as_superuser(server: Postgres) -> str:
    return server.dsn("postgres", server.admin)


def after(context: Context) -> Context:
    """The context as the engine has it once the new value is in force."""
    return replace(context, rotated_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))


def new_for(target: Target, context: Context) -> Login:
    new = rotator.make(target, context)
    assert new is not None
    return new


def words_of(target: Target, context: Context) -> str:
    seen = rotator.preflight(target, context)
    return "\n".join((*seen.effects, *(f"{one.what} {one.hint}" for one in seen.findings)))


def test_the_module_is_a_rotator() -> None:
    module: Rotator = rotator  # type: ignore[assignment]
    assert module.families == ("postgres",)


@pytest.mark.parametrize("by_admin", [False, True], ids=["by itself", "by the operator"])
def test_the_old_password_dies_and_the_new_one_works(each_postgres: Postgres, by_admin: bool) -> None:
    server = each_postgres
    user, password = server.role()
    target = target_at(server, user=user, password=password, admin=as_superuser(server) if by_admin else None)
    context = a_context()
    assert not rotator.preflight(target, context).stopped
    assert rotator.overlap(target, context) is Overlap.NONE
    new = new_for(target, context)
    assert rotator.reconcile(target, new, context) is Found.NOTHING
    with server.connected(user, password) as intruder:
        rotator.issue(target, new, context)
        with pytest.raises(psycopg.OperationalError):
            intruder.execute("SELECT 1")
    context = after(context)
    assert rotator.reconcile(target, new, context) is Found.ISSUED
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused
    assert not server.lets_in(user, password)
    assert server.lets_in(user, new.secret.reveal())
    assert rotator.usage(target, new, context).users == 0
    assert rotator.disable(target, new, context)
    assert rotator.destroy(target, new, context)


def test_every_step_can_be_taken_twice(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    for _ in range(2):
        rotator.issue(target, new, context)
    verifier = postgres.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", user)
    rotator.issue(target, new, after(context))
    assert postgres.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", user) == verifier
    for _ in range(2):
        rotator.disable(target, new, after(context))
        rotator.destroy(target, new, after(context))
    assert rotator.verify(target, new, context).works


def test_sessions_of_the_new_password_stay(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    context = after(context)
    with postgres.connected(user, new.secret.reveal()) as application:
        assert rotator.usage(target, new, context).users == 0
        rotator.disable(target, new, context)
        rotator.destroy(target, new, context)
        assert application.execute("SELECT 1").fetchone() == (1,)


def test_sessions_of_other_roles_stay(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    with postgres.connected(*postgres.role()) as other, postgres.connected() as superuser:
        rotator.issue(target, new, context)
        rotator.disable(target, new, after(context))
        rotator.disable(replace(target, admin=Secret(as_superuser(postgres))), new, after(context))
        assert other.execute("SELECT 1").fetchone() == superuser.execute("SELECT 1").fetchone() == (1,)


def test_who_still_has_an_old_session_is_counted_and_named(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    with postgres.connected(user, new.secret.reveal()) as straggler:
        straggler.execute("SET application_name TO 'cron'")
        time.sleep(1.2)
        context = after(context)
        usage = rotator.usage(target, new, context)
        assert usage.users == 1
        who, when = usage.evidence
        assert who == "cron from 127.0.0.1"
        assert re.fullmatch(r"looked at the sessions that were there at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", when)
        assert "cron from 127.0.0.1" in rotator.disable(target, new, context)[0]
        with pytest.raises(psycopg.OperationalError):
            straggler.execute("SELECT 1")


def test_an_intruder_who_sets_the_password_back_loses(postgres: Postgres) -> None:
    """He has sessions in all of which the old password is set, over and over, and comes back wherever he can."""
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new, stop, set_back = new_for(target, context), threading.Event(), []
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password))

    def intrude() -> None:
        while not stop.is_set():
            with suppress(psycopg.Error), postgres.connected(user, password) as session:
                while not stop.is_set():
                    with suppress(psycopg.errors.InternalError_):
                        session.execute(statement)
                        set_back.append(1)
            time.sleep(0.01)

    intruders = [threading.Thread(target=intrude) for _ in range(3)]
    for one in intruders:
        one.start()
    time.sleep(0.3)
    try:
        for _ in range(3):
            # A login that was under way when the password was set may come in behind it; the engine, too, sets it again.
            rotator.issue(target, new, context)
            time.sleep(0.3)
            if rotator.verify(target, new, context).works:
                break
        assert rotator.verify(target, new, context).works
        assert rotator.verify(target, target.leaked, context).refused
    finally:
        stop.set()
        for one in intruders:
            one.join()
    assert len(set_back) > 10


def test_an_intruder_who_holds_the_row_and_the_lock_is_sent_out(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context(timeout=4.0)
    new = new_for(target, context)
    with suppress(psycopg.OperationalError), ExitStack() as open_ones:  # they end with an error
        row = open_ones.enter_context(postgres.connected(user, password))
        row.execute("BEGIN")
        row.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal("mine" * 3)))
        lock = open_ones.enter_context(postgres.connected(user, password))
        lock.execute("SELECT pg_advisory_lock(hashtextextended('secretguard:' || %s::text, 0))", (user,))
        rotator.issue(target, new, context)
    assert rotator.verify(target, new, context).works


def test_settings_of_the_role_do_not_get_in_the_way(postgres: Postgres) -> None:
    """Whoever had the login may have changed what each of its sessions begins with."""
    user, password = postgres.role()
    for setting in (
        "role TO pg_monitor", "default_transaction_read_only TO on", "idle_in_transaction_session_timeout TO 1",
        "search_path TO evil, pg_catalog", "statement_timeout TO 60", "lc_messages TO 'C'",
    ):  # fmt: skip
        postgres.run(f"GRANT pg_monitor TO {user}")
        postgres.run(f"ALTER ROLE {user} SET {setting}")
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    assert rotator.verify(target, new, context).works
    assert "idle_in_transaction_session_timeout" in words_of(replace(target, leaked=new), context)


def test_a_password_that_is_changed_by_another_is_not_overwritten(postgres: Postgres) -> None:
    user, password = postgres.role()
    for admin in (None, as_superuser(postgres)):
        target, context = target_at(postgres, user=user, password=password + "x", admin=admin), a_context()
        with pytest.raises(IssuerError, match=r"refuses the leaked login|neither old nor new"):
            rotator.issue(target, new_for(target, context), context)
        assert rotator.preflight(target, context).stopped
    assert postgres.lets_in(user, password)


def test_an_operator_whose_password_was_set_over_sets_it_again(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password, admin=as_superuser(postgres)), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    postgres.run(sql.SQL("ALTER ROLE {} PASSWORD 'third'").format(sql.Identifier(user)))
    rotator.issue(target, new, after(context))
    assert rotator.verify(target, new, context).works


def test_an_operators_power_is_not_used_on_another_server(postgres: Postgres, postgres16: Postgres) -> None:
    """A role of the same name there is another one (confused deputy)."""
    user, password = postgres.role()
    _, theirs = postgres16.role(user)
    target = target_at(postgres, user=user, password=password, admin=as_superuser(postgres16))
    context = a_context()
    assert "does not let the leaked login in" in words_of(target, context)
    assert rotator.preflight(target, context).stopped
    with pytest.raises(IssuerError, match="refuses the leaked login"):
        rotator.issue(target, new_for(target, context), context)
    assert postgres16.lets_in(user, theirs)


def test_one_password_on_two_servers_dies_on_both(postgres: Postgres, postgres16: Postgres) -> None:
    user, password = postgres.role()
    postgres16.role(user)
    postgres16.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password)))
    target, context = target_at(postgres, postgres16, user=user, password=password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused


def test_sessions_at_a_standby_end_too(postgres: Postgres, standby: Postgres) -> None:
    """A standby takes no password, but follows, and its sessions are its own."""
    user, password = postgres.role()
    target, context = target_at(standby, postgres, user=user, password=password), a_context()
    while not standby.lets_in(user, password):
        time.sleep(0.02)
    assert not rotator.preflight(target, context).stopped
    assert "is a standby" in words_of(replace(target, endpoints=target.endpoints[:1]), context)
    new = new_for(target, context)
    with suppress(psycopg.OperationalError), standby.connected(user, password) as intruder:
        rotator.issue(target, new, context)
        with pytest.raises(psycopg.OperationalError):
            intruder.execute("SELECT 1")
    while not standby.lets_in(user, new.secret.reveal()):
        time.sleep(0.02)
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused
    assert len(rotator.disable(target, new, after(context))) == 2


def test_an_md5_login_is_rotated_and_told(postgres16: Postgres) -> None:
    user, password = "old_" + secrets.token_hex(4), secrets.token_urlsafe(16)
    with postgres16.connected() as connection:
        connection.execute("SET password_encryption TO md5")
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), sql.Literal(password))
        )
    hba = postgres16.running.workspace.path / "data" / "pg_hba.conf"
    rules = hba.read_text()
    hba.write_text(f"host all {user} 127.0.0.1/32 md5\nhost all open 127.0.0.1/32 trust\n{rules}")
    postgres16.run("SELECT pg_reload_conf()")
    time.sleep(0.3)
    try:
        target, context = target_at(postgres16, user=user, password=password), a_context()
        assert "asks for MD5 proofs" in words_of(target, context)
        new = new_for(target, context)
        rotator.issue(target, new, context)
        assert rotator.verify(target, new, context).works
        assert rotator.verify(target, target.leaked, context).refused
        postgres16.role("open")
        trusted = target_at(postgres16, user="open", password="anything")
        proof = rotator.verify(trusted, trusted.leaked, context)
        assert "asks for no password" in proof.answers[0][2]
        assert proof.answers[0][1] is Answer.UNKNOWN
    finally:
        hba.write_text(rules)
        postgres16.run("SELECT pg_reload_conf()")


@pytest.mark.parametrize("power", ["SUPERUSER", "CREATEROLE"])
def test_a_role_that_makes_roles_needs_an_operator_and_a_look_around(postgres: Postgres, power: str) -> None:
    user, password = postgres.role(attributes=power)
    backdoor = "backdoor_" + secrets.token_hex(3)
    with postgres.connected(user, password) as intruder:
        intruder.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(backdoor)))
        intruder.execute(sql.SQL("ALTER ROLE {} SET search_path TO evil").format(sql.Identifier(backdoor)))
    context = a_context()
    target = target_at(postgres, user=user, password=password)
    assert rotator.preflight(target, context).stopped
    assert f"has {power}" in words_of(target, context)
    target = replace(target, admin=Secret(as_superuser(postgres)))
    assert not rotator.preflight(target, context).stopped
    words = words_of(target, context)
    assert f"{backdoor}: search_path=evil" in words
    assert f"youngest first: {backdoor}" in words


def test_forty_rotations_side_by_side_keep_what_was_promised(postgres_with_statistics: Postgres) -> None:
    server = postgres_with_statistics
    logins = [server.role() for _ in range(40)]
    targets = [target_at(server, user=user, password=password) for user, password in logins]
    context = a_context(timeout=60.0)
    news = [new_for(target, context) for target in targets]
    failures: list[Exception] = []

    def rotate(target: Target, new: Login) -> None:
        try:
            rotator.issue(target, new, context)
        except Exception as failed:
            failures.append(failed)

    threads = [threading.Thread(target=rotate, args=pair) for pair in zip(targets, news, strict=True)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    for target, new in zip(targets, news, strict=True):
        assert server.lets_in(new.user, new.secret.reveal())
        assert not server.lets_in(target.leaked.user, target.leaked.secret.reveal())
        assert new.secret.reveal() not in server.log


def test_a_role_that_is_changed_at_the_same_moment_is_looked_at_and_set_again(postgres: Postgres) -> None:
    """Of two ALTER ROLE at once the second ends with `tuple concurrently updated`."""
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password), a_context()
    new = new_for(target, context)
    with postgres.connected() as colleague:
        colleague.execute("BEGIN")
        colleague.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 100").format(sql.Identifier(user)))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = %s"

        def commit_once_it_waits() -> None:
            while postgres.run(waits, user) == [(0,)]:
                time.sleep(0.01)
            colleague.execute("COMMIT")

        thread = threading.Thread(target=commit_once_it_waits)
        thread.start()
        rotator.issue(target, new, context)
        thread.join()
    assert "ERROR:  tuple concurrently updated" in postgres.log
    assert rotator.verify(target, new, context).works
    assert postgres.run("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", user) == [(100,)]


def test_two_responders_on_two_hosts_leave_one_password(postgres: Postgres) -> None:
    """Neither knows of the other; the server's own lock and the proof under it keep them apart."""
    user, password = postgres.role()
    target, context = target_at(postgres, user=user, password=password, admin=as_superuser(postgres)), a_context()
    news, failures = [new_for(target, context) for _ in range(2)], []

    def respond(new: Login) -> None:
        try:
            rotator.issue(target, new, context)
        except IssuerError as failed:
            failures.append(str(failed))

    threads = [threading.Thread(target=respond, args=(new,)) for new in news]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [server_says(postgres, new) for new in news].count(True) == 1
    assert len(failures) == 1
    assert "refuses the leaked login" in failures[0]


def server_says(server: Postgres, login: Login) -> bool:
    return server.lets_in(login.user, login.secret.reveal())
