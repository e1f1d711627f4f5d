"""A leaked MariaDB login is replaced for real: in place by itself, or with two passwords by an operator's login."""

import secrets
import threading

import pymysql
import pytest
from secretguard_mysql import rotator
from secretguard_mysql.passwords import ED25519, stored_form

from secretguard.rotation import Found, Mode, Overlap
from secretguard.secret import Secret
from tests.servers.leaked_logins import TwoPasswordsContract, context, said, target
from tests.servers.mariadb import MariaDB, is_alive

pytestmark = pytest.mark.usefixtures("fresh_breakers")


class TestMariadbLogins(TwoPasswordsContract):
    rotator, fixture, tls = rotator, "mariadb", "mysql://{login}@{host}?ssl-mode=REQUIRED"


def test_in_place_the_new_password_ends_the_old_one_and_its_sessions(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    here, now = target(mariadb, user, password), context()
    grants = mariadb.run("SHOW GRANTS FOR %s@'127.0.0.1'", user)[1:]
    with mariadb.connected(user, password) as intruder:
        assert rotator.overlap(here, now) is Overlap.NONE
        looked = rotator.preflight(here, now)
        assert not looked.stopped
        assert is_alive(intruder)
        new = rotator.make(here, now)
        assert new is not None
        assert rotator.reconcile(here, new, now) is Found.NOTHING
        assert rotator.verify(here, here.leaked, now).works
        rotator.issue(here, new, now)
        assert not is_alive(intruder)
    assert rotator.reconcile(here, new, now) is Found.ISSUED
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    rotator.issue(here, new, now)
    assert rotator.disable(here, new, now) == rotator.disable(here, new, now)
    assert rotator.verify(here, new, now).works
    assert mariadb.run("SHOW GRANTS FOR %s@'127.0.0.1'", user)[1:] == grants


def test_issuing_again_sends_out_who_came_in_before(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    here, now = target(mariadb, user, password), context()
    new = rotator.make(here, now)
    assert new is not None
    with mariadb.connected(user, password) as intruder:
        # What a process leaves that is killed between the two statements.
        with mariadb.connected(user, password) as cut_off:
            cut_off.cursor().execute("SET PASSWORD = %s", (stored_form("mysql_native_password", new.secret),))
        assert is_alive(intruder)
        rotator.issue(here, new, now)
        assert not is_alive(intruder)


def test_neither_password_is_in_the_servers_log(mariadb: MariaDB) -> None:
    for admin in (False, True):
        user, password = mariadb.user()
        before = len(mariadb.general_log)
        here, now = target(mariadb, user, password, admin=admin), context()
        rotator.preflight(here, now)
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        rotator.disable(here, new, now)
        log = mariadb.general_log[before:]
        assert "SET PASSWORD" in log or "ALTER USER" in log
        assert new.secret.reveal() not in log
        assert password not in log


def test_an_account_with_ed25519_stays_one(mariadb: MariaDB) -> None:
    user, password = mariadb.user(how="ed25519")
    here, now = target(mariadb, user, password), context()
    assert not rotator.preflight(here, now).stopped
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    ((made,),) = mariadb.run("SHOW CREATE USER %s@'127.0.0.1'", user)
    assert "VIA ed25519" in made
    assert mariadb.lets_in(user, new.secret.reveal())


def test_what_a_server_keeps_is_what_it_would_make_itself(mariadb: MariaDB) -> None:
    value = Secret(secrets.token_hex(16))
    user, _ = mariadb.user(how="ed25519")
    mariadb.run(f"ALTER USER '{user}'@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD(%s)", value.reveal())
    ((kept,),) = mariadb.run(
        "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = %s", user
    )
    assert stored_form(ED25519, value) == kept
    assert mariadb.run("SELECT PASSWORD(%s)", value.reveal()) == [(stored_form("mysql_native_password", value),)]


def test_an_operator_puts_two_passwords_side_by_side_and_then_takes_one_out(mariadb: MariaDB) -> None:
    user, password = mariadb.user(at="%")
    mariadb.run("ALTER USER %s@'%%' REQUIRE NONE WITH MAX_USER_CONNECTIONS 7", user)
    here, now = target(mariadb, user, password, admin=True), context(mode=Mode.GRACEFUL)
    assert rotator.overlap(here, now) is Overlap.TWO
    looked = rotator.preflight(here, now)
    assert not looked.stopped
    new = rotator.make(here, now)
    assert new is not None
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    with mariadb.connected(user, password) as application:
        rotator.issue(here, new, now)
        rotator.issue(here, new, now)
        assert is_alive(application)
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).works
        assert rotator.usage(here, new, now).evidence == (
            f"{mariadb.host}:{mariadb.port}: 1 sessions of {user}, by whichever password",
        )
        assert rotator.disable(here, new, now) == (f"{user}@%: the leaked password is out, its sessions are ended",)
        assert not is_alive(application)
    assert rotator.disable(here, new, now)
    assert rotator.destroy(here, new, now) == ()
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    ((made,),) = mariadb.run("SHOW CREATE USER %s@'%%'", user)
    assert "MAX_USER_CONNECTIONS 7" in made
    assert " OR " not in made
    assert any(f"`{user}`.*" in grant for (grant,) in mariadb.run("SHOW GRANTS FOR %s@'%%'", user))


def test_the_old_password_can_die_before_there_is_another(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    here, now = target(mariadb, user, password, admin=True), context()
    assert rotator.disable(here, None, now)
    rotator.disable(here, None, now)
    assert rotator.verify(here, here.leaked, now).refused
    new = rotator.make(here, now)
    assert new is not None
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    rotator.issue(here, new, now)
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    ((made,),) = mariadb.run("SHOW CREATE USER %s@'127.0.0.1'", user)
    assert " OR " not in made


def test_every_account_that_the_leaked_password_opens_is_changed_and_no_other(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    mariadb.run("CREATE USER %s@'10.%%' IDENTIFIED BY %s", user, password)
    mariadb.run("CREATE USER %s@'192.0.2.1' IDENTIFIED BY 'another'", user)
    here, now = target(mariadb, user, password, admin=True), context()
    looked = rotator.preflight(here, now)
    assert "all of them are changed" in " ".join(one.what for one in looked.findings)
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    rotator.disable(here, new, now)
    kept = dict(
        mariadb.run(
            "SELECT Host, JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = %s", user
        )
    )
    fresh = stored_form("mysql_native_password", new.secret)
    assert kept["127.0.0.1"] == kept["10.%"] == fresh
    assert kept["192.0.2.1"] == stored_form("mysql_native_password", Secret("another"))


def test_other_ways_into_an_account_stay(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    old = stored_form("mysql_native_password", Secret(password))
    mariadb.run(f"ALTER USER '{user}'@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING '{old}' OR unix_socket")
    alone, now = target(mariadb, user, password), context()
    assert "several ways in" in said(rotator.preflight(alone, now))
    here = target(mariadb, user, password, admin=True)
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    rotator.disable(here, new, now)
    ((made,),) = mariadb.run("SHOW CREATE USER %s@'127.0.0.1'", user)
    assert made.endswith("OR unix_socket")
    assert rotator.verify(here, here.leaked, now).refused


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_an_intruder_who_sets_it_back_or_sets_another_is_thrown_out(mariadb: MariaDB, admin: bool, own: bool) -> None:
    user, password = mariadb.user()
    here, now = target(mariadb, user, password, admin=admin), context()
    new = rotator.make(here, now)
    assert new is not None
    wanted = stored_form("mysql_native_password", Secret("of-the-intruder") if own else here.leaked.secret)
    leaked = stored_form("mysql_native_password", here.leaked.secret)
    inside, ended = threading.Event(), threading.Event()
    if admin:
        rotator.issue(here, new, now)

    def set_back() -> None:
        with mariadb.connected(user, password) as connection, connection.cursor() as cursor:
            inside.set()
            try:
                while True:  # in place it waits for the change: without the leaked password nothing would begin
                    cursor.execute("SHOW CREATE USER CURRENT_USER()")
                    if admin or leaked not in cursor.fetchone()[0]:
                        cursor.execute("SET PASSWORD = %s", (wanted,))
            except pymysql.MySQLError:
                ended.set()

    threading.Thread(target=set_back, daemon=True).start()
    assert inside.wait(5)
    rotator.disable(here, new, now) if admin else rotator.issue(here, new, now)
    assert ended.wait(5)
    ((made,),) = mariadb.run("SHOW CREATE USER %s@'127.0.0.1'", user)
    assert made.endswith(f"'{stored_form('mysql_native_password', new.secret)}'")
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
