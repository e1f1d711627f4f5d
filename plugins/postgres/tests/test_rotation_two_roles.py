"""Two roles take turns: nobody is interrupted, the owner stays the owner, and the old one ends when nobody uses it."""

import secrets
import time
from dataclasses import replace

import psycopg
import pytest
import secretguard_postgres.rotator as rotator
from psycopg import sql
from secretguard_postgres.clone import setting_value

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Context, Found, Login, Mode, Overlap, Target
from secretguard.secret import Secret
from tests.servers.postgres import Postgres


def a_context(**more: object) -> Context:
    return Context(environ={}, rotation="rot_" + secrets.token_hex(8), mode=Mode.GRACEFUL, **more)  # type: ignore[arg-type]


def target_at(server: Postgres, user: str, password: str, admin: str | None = None) -> Target:
    return Target(
        credential="sg_0123456789ab",
        kind="postgres-uri",
        family="postgres",
        leaked=Login(user, Secret(password)),
        endpoints=(Endpoint(server.host, server.port, "postgres"),),
        admin=Secret(admin or server.dsn("postgres", server.admin)),
    )


def new_for(target: Target, context: Context) -> Login:
    new = rotator.make(target, context)
    assert new is not None
    return new


def findings_of(target: Target, context: Context) -> str:
    return "\n".join(f"{one.what} {one.hint}" for one in rotator.preflight(target, context).findings if one.stops)


def rotated(target: Target, context: Context) -> Login:
    """A whole rotation, as the engine takes its steps."""
    assert findings_of(target, context) == ""
    new = new_for(target, context)
    assert rotator.reconcile(target, new, context) is Found.NOTHING
    rotator.issue(target, new, context)
    assert rotator.reconcile(target, new, context) is Found.ISSUED
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).works
    until = time.monotonic() + 10  # a session that we closed ends a little later
    while rotator.usage(target, new, context).users and time.monotonic() < until:
        time.sleep(0.05)
    assert rotator.usage(target, new, context).users == 0
    for _ in range(2):
        rotator.disable(target, new, context)
        assert rotator.verify(target, target.leaked, context).refused
    for _ in range(2):
        rotator.destroy(target, new, context)
    assert rotator.verify(target, new, context).works
    return new


def test_without_an_operator_there_is_no_second_role(postgres: Postgres) -> None:
    user, password = postgres.role()
    target = replace(target_at(postgres, user, password), admin=None)
    assert rotator.overlap(target, a_context()) is Overlap.NONE
    assert rotator.overlap(target_at(postgres, user, password), a_context()) is Overlap.TWO


def test_two_roles_take_turns(each_postgres: Postgres) -> None:
    server = each_postgres
    user, password = server.role()
    server.run(f"COMMENT ON ROLE {user} IS 'our shop'")
    target = target_at(server, user, password)
    second = rotated(target, a_context())
    assert second.user == f"{user}_sg"
    first = rotated(replace(target, leaked=second), a_context())
    assert first.user == user
    assert server.run("SELECT count(*) FROM pg_roles WHERE rolname = %s", f"{user}_sg") == [(0,)]
    third = rotated(replace(target, leaked=first), a_context())
    assert third.user == f"{user}_sg"
    comment = server.run("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", user)
    assert comment == [("our shop",)]


def test_the_second_role_is_like_the_first_and_what_it_makes_belongs_to_the_first(postgres: Postgres) -> None:
    user, password = postgres.role(attributes="CREATEDB REPLICATION CONNECTION LIMIT 7")
    schema, group = "s_" + secrets.token_hex(3), "g_" + secrets.token_hex(3)
    postgres.run(f"CREATE SCHEMA {schema} AUTHORIZATION {user}")
    postgres.run(f"CREATE ROLE {group}")
    postgres.run(f"CREATE TABLE {schema}.granted (n int)")
    postgres.run(f"GRANT {group} TO {user}; GRANT ALL ON {schema}.granted TO {group}")
    postgres.run(f"""ALTER ROLE {user} SET search_path TO "$user", {schema}, "odd name" """)
    postgres.run(f"ALTER ROLE {user} IN DATABASE postgres SET work_mem TO '7MB'")
    postgres.run(f"ALTER ROLE {user} SET DateStyle TO 'SQL, DMY'")
    target, context = target_at(postgres, user, password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    asked = ("search_path", "work_mem", "DateStyle")
    with postgres.connected(user, password) as old, postgres.connected(new.user, new.secret.reveal()) as fresh:
        for setting in asked:
            shown = sql.SQL("SHOW {}").format(sql.Identifier(setting))
            assert fresh.execute(shown).fetchone() == old.execute(shown).fetchone()
        assert fresh.execute("SELECT session_user::text, current_user::text").fetchone() == (new.user, user)
        fresh.execute(f"CREATE TABLE {schema}.made (n int)")
        fresh.execute(f"INSERT INTO {schema}.granted VALUES (1)")
        old.execute(f"INSERT INTO {schema}.made VALUES (1)")
        assert rotator.usage(target, new, context).users == 1
        rotator.disable(target, new, context)
        with pytest.raises(psycopg.OperationalError):
            old.execute("SELECT 1")
        assert fresh.execute(f"SELECT n FROM {schema}.made").fetchone() == (1,)
    attributes = "rolcreatedb, rolreplication, rolconnlimit, rolsuper"
    query = f"SELECT {attributes} FROM pg_roles WHERE rolname = %s"
    assert postgres.run(query, new.user) == postgres.run(query, user) == [(True, True, 7, False)]


def test_a_list_setting_is_written_as_the_server_keeps_it() -> None:
    kept = '"$user", app, "a ""b"""'
    assert setting_value("search_path", kept).as_string().split(", ") == ["'$user'", "'app'", "'a \"b\"'"]
    assert setting_value("search_path", '""').as_string() == "''"
    assert setting_value("datestyle", "ISO, MDY").as_string() == "'ISO, MDY'"


def test_what_this_rotation_made_is_withdrawn_and_the_old_login_stays(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user, password), a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    assert rotator.reconcile(target, None, context) is Found.ORPHAN
    for _ in range(2):
        rotator.withdraw(target, new, context)
        assert rotator.reconcile(target, new, context) is Found.NOTHING
    assert rotator.verify(target, target.leaked, context).works
    assert postgres.run("SELECT count(*) FROM pg_roles WHERE rolname = %s", new.user) == [(0,)]


def test_a_lost_value_is_an_orphan_and_can_be_issued_again(postgres: Postgres) -> None:
    user, password = postgres.role()
    target, context = target_at(postgres, user, password), a_context()
    rotator.issue(target, new_for(target, context), context)
    other = new_for(target, context)
    assert rotator.reconcile(target, other, context) is Found.ORPHAN
    rotator.withdraw(target, None, context)
    rotator.issue(target, other, context)
    assert rotator.verify(target, other, context).works


def test_somebody_elses_role_of_that_name_is_left_alone(postgres: Postgres) -> None:
    user, password = postgres.role()
    _, theirs = postgres.role(f"{user}_sg")
    target, context = target_at(postgres, user, password), a_context()
    assert "is not the second role" in findings_of(target, context)
    with pytest.raises(IssuerError, match="exists and is in use"):
        rotator.issue(target, new_for(target, context), context)
    assert rotator.withdraw(target, None, context) == (f"{user}_sg is not of this rotation and stays as it is",)
    assert postgres.lets_in(f"{user}_sg", theirs)


def test_a_second_role_that_is_in_use_is_not_taken(postgres: Postgres) -> None:
    user, password = postgres.role()
    target = target_at(postgres, user, password)
    context = a_context()
    new = new_for(target, context)
    rotator.issue(target, new, context)
    assert "can log in" in findings_of(target, a_context())


def test_an_operator_who_is_no_superuser_needs_exactly_these_rights(postgres16: Postgres) -> None:
    """From PostgreSQL 16 on CREATEROLE alone is power over nobody."""
    user, password = postgres16.role()
    operator, secret = postgres16.role()
    target, context = target_at(postgres16, user, password, postgres16.dsn(operator, secret)), a_context()
    for grant, lacking in (
        (f"ALTER ROLE {operator} CREATEROLE", "CREATEROLE"),
        (f"GRANT {user} TO {operator} WITH ADMIN OPTION, INHERIT FALSE", "WITH ADMIN OPTION"),
        (f"GRANT pg_signal_backend TO {operator}", "GRANT pg_signal_backend"),
        (f"GRANT pg_read_all_stats TO {operator}", "GRANT pg_read_all_stats"),
    ):
        assert lacking in findings_of(target, context)
        postgres16.run(grant)
    assert findings_of(target, context) == ""
    in_place = replace(context, mode=Mode.BREACH)
    new = new_for(target, in_place)
    with postgres16.connected(user, password) as session:
        rotator.issue(target, new, in_place)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert rotator.verify(target, new, in_place).works
    assert rotated(replace(target, leaked=new), a_context()).user == f"{user}_sg"


def test_another_server_with_the_same_password_is_told_before(postgres: Postgres, postgres16: Postgres) -> None:
    user, password = postgres.role()
    postgres16.role(user)
    postgres16.run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password)))
    target = target_at(postgres, user, password)
    both = (*target.endpoints, Endpoint(postgres16.host, postgres16.port, "postgres"))
    assert "is another server" in findings_of(replace(target, endpoints=both), a_context())


def test_rights_that_an_operator_cannot_give_are_told_before(postgres16: Postgres) -> None:
    user, password = postgres16.role(attributes="REPLICATION")
    operator, secret = postgres16.role(attributes="CREATEROLE")
    postgres16.run(f"GRANT {user}, pg_signal_backend, pg_read_all_stats TO {operator} WITH ADMIN OPTION")
    target = target_at(postgres16, user, password, postgres16.dsn(operator, secret))
    assert "has REPLICATION" in findings_of(target, a_context())
