"""Lost replies, missing rights, other servers, plain text asked for, TLS that is not there: told, and never given in to."""

import hashlib
import secrets
import threading
import time
from dataclasses import replace

import pytest
from secretguard_mysql import connect, rotator
from secretguard_mysql.addresses import strictness
from secretguard_mysql.connect import tried
from secretguard_mysql.passwords import stored_form

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Found, Login, Spelling
from secretguard.secret import Secret
from tests.servers.fixtures import started
from tests.servers.mariadb import MariaDB, start_mariadb, stop_mariadb
from tests.servers.mariadb_logins import context, is_alive, said, target
from tests.servers.proxy import proxy


@pytest.mark.parametrize("admin", [False, True])
def test_a_lost_reply_is_told_and_the_world_looked_at(mariadb: MariaDB, admin: bool) -> None:
    user, password = mariadb.account()
    with proxy(mariadb.port) as between:
        operator = f"mysql://root:{mariadb.admin}@127.0.0.1:{between.port}" if admin else False
        here, now = target(mariadb, user, password, admin=operator, port=between.port), context()
        new = rotator.make(here, now)
        assert new is not None
        between.will("drop", b"ALTER USER" if admin else b"SET PASSWORD")
        with pytest.raises(IssuerError) as failed:
            rotator.issue(here, new, now)
        assert failed.value.unsure
        assert len(between.seen) == 1
        until = time.monotonic() + 5
        while rotator.reconcile(here, new, now) is not Found.ISSUED and time.monotonic() < until:
            time.sleep(0.02)
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        rotator.issue(here, new, now)
        rotator.disable(here, new, now)
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).refused


def test_a_cut_connection_is_no_answer(mariadb: MariaDB) -> None:
    user, password = mariadb.account()
    with proxy(mariadb.port) as between:
        here = target(mariadb, user, password, port=between.port)
        between.will("cut", times=9)
        ((_, answer, words),) = rotator.verify(here, here.leaked, context()).answers
        assert answer is Answer.UNKNOWN
        assert password not in words


def test_an_operator_without_the_rights_is_told_which(mariadb: MariaDB) -> None:
    user, password = mariadb.account()
    keeper, word = mariadb.account()
    here = target(mariadb, user, password, admin=f"mysql://{keeper}:{word}@{mariadb.host}:{mariadb.port}")
    found = said(rotator.preflight(here, context()))
    assert "lacks CREATE USER" in found
    assert "lacks CONNECTION ADMIN" in found
    mariadb.run("GRANT CREATE USER, CONNECTION ADMIN ON *.* TO %s@'127.0.0.1'", keeper)
    assert "GRANT SELECT ON mysql.global_priv" in said(rotator.preflight(here, context()))
    mariadb.run("GRANT SELECT ON mysql.global_priv TO %s@'127.0.0.1'", keeper)
    assert said(rotator.preflight(here, context())) == ""
    now, new = context(), rotator.make(here, context())
    assert new is not None
    with mariadb.connected(user, password) as intruder:
        rotator.issue(here, new, now)
        rotator.disable(here, new, now)
        assert not is_alive(intruder)
    assert rotator.verify(here, new, now).works


def test_an_operator_of_another_server_changes_nothing(mariadb: MariaDB) -> None:
    user, _ = mariadb.account()
    here, now = target(mariadb, user, secrets.token_urlsafe(12), admin=True), context()
    assert "Check where the admin reference leads" in said(rotator.preflight(here, now))
    before = mariadb.run("SELECT Priv FROM mysql.global_priv WHERE User = %s", user)
    new = rotator.make(here, now)
    with pytest.raises(IssuerError, match="nothing was changed"):
        rotator.issue(here, new, now)
    assert mariadb.run("SELECT Priv FROM mysql.global_priv WHERE User = %s", user) == before


@pytest.mark.parametrize("text", ["root:pw@host", "mysql://root@host", "postgresql://a:b@c", "mysql://a:b@c:port"])
def test_an_admin_reference_that_is_none_is_not_repeated(mariadb: MariaDB, text: str) -> None:
    with pytest.raises(IssuerError) as failed:
        rotator.preflight(replace(target(mariadb, "u", "p", admin=True), admin=Secret(text)), context())
    assert text not in str(failed.value)


def test_a_server_that_wants_plain_text_for_its_policy_is_told_apart(mariadb: MariaDB) -> None:
    user, password = mariadb.account()
    mariadb.run("INSTALL SONAME 'simple_password_check'")
    try:
        assert "takes them in plain text only" in said(rotator.preflight(target(mariadb, user, password), context()))
        mariadb.run("SET GLOBAL strict_password_validation = OFF")
        assert not rotator.preflight(target(mariadb, user, password), context()).stopped
    finally:
        mariadb.run("SET GLOBAL strict_password_validation = ON")
        mariadb.run("UNINSTALL SONAME 'simple_password_check'")


def test_a_locked_account_is_refused_and_a_database_that_is_gone_is_no_refusal(mariadb: MariaDB) -> None:
    user, password = mariadb.account()
    here = target(mariadb, user, password)
    mariadb.run(f"DROP DATABASE `{user}`")
    assert rotator.verify(here, here.leaked, context()).works
    mariadb.run("ALTER USER %s@'127.0.0.1' ACCOUNT LOCK", user)
    assert rotator.verify(here, here.leaked, context()).refused


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("mysql://h/d", "prefer"),
        ("jdbc:mysql://h/d?useSSL=false", "prefer"),
        ("jdbc:mysql://h/d?useSSL=true", "require"),
        ("mysql://h/d?ssl-mode=REQUIRED", "require"),
        ("jdbc:mysql://h/d?sslMode=VERIFY_CA", "verify-ca"),
        ("jdbc:mariadb://h/d?sslMode=verify-full", "verify-identity"),
        ("u:p@tcp(h)/d?tls=true", "verify-identity"),
        ("u:p@tcp(h)/d?tls=skip-verify", "require"),
        ("mysql://h/d?ssl_verify_identity=true&ssl-mode=REQUIRED", "verify-identity"),
    ],
)  # fmt: skip
def test_of_what_stands_beside_a_login_only_a_stricter_tls_mode_is_taken(text: str, mode: str) -> None:
    assert strictness(text) == mode


def test_tls_is_never_given_up(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = mariadb.account()
    here = target(mariadb, user, password)
    strict = replace(here, spellings=(Spelling("uri", Secret("mysql://h/d?ssl-mode=REQUIRED"), here.endpoints),))
    ((_, answer, words),) = rotator.verify(strict, here.leaked, context()).answers
    assert (answer, "has no TLS" in words) == (Answer.UNKNOWN, True)
    assert rotator.verify(here, here.leaked, context()).works
    monkeypatch.setattr(connect, "_speaks_tls", {f"{mariadb.host}:{mariadb.port}"})
    ((_, answer, words),) = rotator.verify(here, here.leaked, context()).answers
    assert (answer, "has no TLS" in words) == (Answer.UNKNOWN, True)


def test_a_server_with_tls_is_spoken_to_with_tls_and_is_who_it_says() -> None:
    server = started(lambda: start_mariadb(tls=True))
    try:
        user, password = server.account()
        server.run("ALTER USER %s@'127.0.0.1' REQUIRE SSL", user)
        here, now = target(server, user, password), context()
        trusting = replace(now, environ={"SSL_CERT_FILE": str(server.running.workspace.path / "authority.pem")})
        assert rotator.verify(here, here.leaked, now).works
        strict = replace(
            here, spellings=(Spelling("uri", Secret("mysql://h?ssl-mode=VERIFY_IDENTITY"), here.endpoints),)
        )
        ((_, answer, words),) = rotator.verify(strict, here.leaked, now).answers
        assert answer is Answer.UNKNOWN
        assert password not in words
        assert rotator.verify(strict, here.leaked, trusting).works
        new = rotator.make(strict, trusting)
        assert new is not None
        rotator.issue(strict, new, trusting)
        assert rotator.verify(strict, new, trusting).works
        assert rotator.verify(strict, here.leaked, trusting).refused
    finally:
        stop_mariadb(server)


def test_a_link_local_address_is_not_contacted(mariadb: MariaDB) -> None:
    there = replace(target(mariadb, "u", "p"), endpoints=(Endpoint("169.254.169.254", 3306),))
    ((_, answer, words),) = rotator.verify(there, there.leaked, context()).answers
    assert answer is Answer.UNKNOWN
    assert "no address that may be contacted" in words


def test_a_server_that_asks_for_the_password_itself_does_not_get_it() -> None:
    from secretguard_mysql.addresses import Address

    from tests.servers.processes import free_port

    port, heard = free_port(), []

    def serve() -> None:
        import socket

        with socket.create_server(("127.0.0.1", port)) as listener:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(3)
                salt = (
                    b"12345678"
                    + b"\0"
                    + (0xF7FF).to_bytes(2, "little")
                    + b"\x21\x02\0"
                    + (0x80FF).to_bytes(2, "little")
                )
                greeting = (
                    b"\x0a5.5.5-10.11.1-MariaDB\0\x01\0\0\0"
                    + salt
                    + b"\x15"
                    + b"\0" * 10
                    + b"123456789012\0mysql_clear_password\0"
                )
                peer.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
                heard.append(peer.recv(4096))
                switch = b"\xfemysql_clear_password\0"
                peer.sendall(len(switch).to_bytes(3, "little") + b"\x02" + switch)
                try:
                    heard.append(peer.recv(4096))
                except OSError:
                    heard.append(b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    value = secrets.token_urlsafe(16)
    trial = tried(Address("127.0.0.1", port), Login("app", Secret(value)), context())
    thread.join(5)
    assert trial.answer is Answer.UNKNOWN
    assert "plain text" in trial.words
    assert len(heard) == 2
    assert value.encode() not in b"".join(heard)


def test_the_native_form_is_the_documented_one() -> None:
    once = hashlib.sha1(b"x", usedforsecurity=False).digest()
    assert (
        stored_form("mysql_native_password", Secret("x"))
        == "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
    )
