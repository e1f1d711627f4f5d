"""Lost replies, missing rights, other servers, plain text asked for, TLS that is not there: told, and never given in to."""

import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from secretguard_mysql import connect, rotator
from secretguard_mysql.addresses import Address, strictness
from secretguard_mysql.connect import tried
from secretguard_mysql.passwords import stored_form

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Found, Login
from secretguard.secret import Secret
from tests.servers.fixtures import started
from tests.servers.leaked_logins import check_no_answer, context, said, spelled, target
from tests.servers.mariadb import MariaDB, is_alive, start_mariadb, stop_mariadb
from tests.servers.proxy import proxy

pytestmark = pytest.mark.usefixtures("fresh_breakers")


@pytest.mark.parametrize("admin", [False, True])
def test_a_lost_reply_is_told_and_the_world_looked_at(mariadb: MariaDB, admin: bool) -> None:
    user, password = mariadb.user()
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


def test_an_operator_without_the_rights_is_told_which(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    keeper, word = mariadb.user()
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
    user, _ = mariadb.user()
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
    user, password = mariadb.user()
    mariadb.run("INSTALL SONAME 'simple_password_check'")
    try:
        assert "takes them in plain text only" in said(rotator.preflight(target(mariadb, user, password), context()))
        mariadb.run("SET GLOBAL strict_password_validation = OFF")
        assert not rotator.preflight(target(mariadb, user, password), context()).stopped
    finally:
        mariadb.run("SET GLOBAL strict_password_validation = ON")
        mariadb.run("UNINSTALL SONAME 'simple_password_check'")


def test_a_locked_account_is_refused_and_a_database_that_is_gone_is_no_refusal(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
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
    user, password = mariadb.user()
    here = target(mariadb, user, password)
    check_no_answer(rotator, spelled(here, "mysql://h/d?ssl-mode=REQUIRED"), context(), "has no TLS")
    assert rotator.verify(here, here.leaked, context()).works
    monkeypatch.setattr(connect, "_speaks_tls", {f"{mariadb.host}:{mariadb.port}"})
    check_no_answer(rotator, here, context(), "has no TLS")


def test_a_server_with_tls_is_spoken_to_with_tls_and_is_who_it_says() -> None:
    server = started(lambda: start_mariadb(tls=True))
    try:
        user, password = server.user()
        server.run("ALTER USER %s@'127.0.0.1' REQUIRE SSL", user)
        here, now = target(server, user, password), context()
        trusting = replace(now, environ={"SSL_CERT_FILE": str(server.running.workspace.path / "authority.pem")})
        assert rotator.verify(here, here.leaked, now).works
        strict = spelled(here, "mysql://h?ssl-mode=VERIFY_IDENTITY")
        check_no_answer(rotator, strict, now)
        assert rotator.verify(strict, here.leaked, trusting).works
        new = rotator.make(strict, trusting)
        assert new is not None
        rotator.issue(strict, new, trusting)
        assert rotator.verify(strict, new, trusting).works
        assert rotator.verify(strict, here.leaked, trusting).refused
    finally:
        stop_mariadb(server)


@contextmanager
def greeting_as(version: str, way: str) -> Iterator[tuple[int, list[bytes]]]:
    """A server that greets as it is told and asks for a way to log in; yields its port and what it hears."""
    heard: list[bytes] = []
    capabilities = (0xF7FF).to_bytes(2, "little") + b"\x21\x02\0" + (0x80FF).to_bytes(2, "little")
    name = way.encode() + b"\0"
    greeting = (
        b"\x0a" + version.encode() + b"\0\x01\0\0\0" + b"12345678\0" + capabilities + b"\x15" + b"\0" * 10
        + b"123456789012\0" + name
    )  # fmt: skip

    def serve() -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            peer.settimeout(3)
            for number, packet in enumerate((greeting, b"\xfe" + name)):
                peer.sendall(len(packet).to_bytes(3, "little") + bytes([number * 2]) + packet)
                heard.append(peer.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join(5)


@pytest.mark.parametrize(
    ("version", "way", "words"),
    [
        ("5.5.5-10.11.1-MariaDB", "mysql_clear_password", "it wants the password in plain text"),
        ("8.4.3", "caching_sha2_password", "it is no MariaDB but '8.4.3', on which this was never tried"),
    ],
)
def test_a_server_that_asks_in_a_way_of_others_does_not_get_the_password(version: str, way: str, words: str) -> None:
    value = secrets.token_urlsafe(16)
    with greeting_as(version, way) as (port, heard):
        trial = tried(Address("127.0.0.1", port), Login("app", Secret(value)), context())
    assert trial.answer is Answer.UNKNOWN
    assert words in trial.words
    assert len(heard) == 2
    assert value.encode() not in b"".join(heard)


def test_the_native_form_is_the_documented_one() -> None:
    once = hashlib.sha1(b"x", usedforsecurity=False).digest()
    assert (
        stored_form("mysql_native_password", Secret("x"))
        == "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
    )
