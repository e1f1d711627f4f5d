"""A leaked Redis login is replaced for real: the new password stands beside it, then the leaked one goes."""

import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from secretguard_redis import rotator
from secretguard_redis.acl import digest

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Found, Login, Mode, Overlap
from secretguard.secret import Secret
from tests.servers.fixtures import started
from tests.servers.leaked_logins import TwoPasswordsContract, check_no_answer, context, said, spelled, target, told
from tests.servers.proxy import proxy
from tests.servers.redis import Redis, is_alive, start_redis, stop_redis

pytestmark = pytest.mark.usefixtures("fresh_breakers")


@contextmanager
def running(*settings: str, users: str, tls: bool = False) -> Iterator[Redis]:
    server = started(lambda: start_redis(*settings, users=users, tls=tls))
    try:
        yield server
    finally:
        stop_redis(server)


class TestRedisLogins(TwoPasswordsContract):
    rotator, fixture, tls = rotator, "redis_server", "rediss://{login}@{host}"


@pytest.mark.parametrize("admin", [False, True])
def test_the_new_password_stands_beside_the_leaked_one_until_that_goes(redis_server: Redis, admin: bool) -> None:
    user, password = redis_server.user()
    here, now = target(redis_server, user, password, admin=admin), context()
    rights = next(one for one in redis_server.run("ACL", "LIST") if f"user {user} " in one).partition("~")[2]
    assert rotator.overlap(here, now) is Overlap.MANY
    looked = rotator.preflight(here, now)
    assert not looked.stopped
    new = rotator.make(here, now)
    assert new is not None
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    with redis_server.connected(user, password) as application:
        assert is_alive(application)
        rotator.issue(here, new, now)
        rotator.issue(here, new, now)
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).works
        assert is_alive(application)
        later = replace(now, rotated_at=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
        assert rotator.usage(here, new, later).users is None
        earlier = replace(now, rotated_at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
        assert rotator.usage(here, new, earlier).users == 1
        assert rotator.disable(here, new, now) == (f"{redis_server.host}:{redis_server.port}: kept in its ACL file",)
        assert not is_alive(application)
    rotator.disable(here, new, now)
    assert rotator.destroy(here, new, now) == ()
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    assert redis_server.passwords(user) == {digest(new.secret)}
    assert next(one for one in redis_server.run("ACL", "LIST") if f"user {user} " in one).partition("~")[2] == rights
    redis_server.restart()
    assert redis_server.lets_in(user, new.secret.reveal())
    assert not redis_server.lets_in(user, password)


def test_no_password_is_seen_by_who_watches_the_server(redis_server: Redis) -> None:
    user, password = redis_server.user()
    redis_server.run("CONFIG", "SET", "slowlog-log-slower-than", "0")
    with redis_server.watched() as heard:
        here, now = target(redis_server, user, password), context()
        rotator.preflight(here, now)
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        rotator.disable(here, new, now)
        redis_server.run("ECHO", "the-end")
        until = time.monotonic() + 5
        while b"the-end" not in heard and time.monotonic() < until:
            time.sleep(0.01)
    assert b"the-end" in heard
    slow = str(redis_server.run("SLOWLOG", "GET", "1000"))
    assert "SETUSER" in slow
    for value in (password, new.secret.reveal()):
        assert value.encode() not in heard
        assert value not in slow
        assert value not in (redis_server.running.workspace.path / "users.acl").read_text()


def test_the_default_user_with_a_server_password_survives_a_restart_without_it() -> None:
    old = secrets.token_urlsafe(12)
    with running(f"requirepass {old}", users="conf") as server:
        here, now = target(server, "", old), context()
        assert not rotator.preflight(here, now).stopped
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        assert rotator.verify(here, here.leaked, now).works
        server.restart()
        assert rotator.verify(here, here.leaked, now).works
        assert rotator.verify(here, new, now).works
        (evidence,) = rotator.disable(here, new, now)
        assert evidence.endswith("kept in redis.conf")
        assert old not in (server.running.workspace.path / "redis.conf").read_text()
        server.restart()
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).refused
        nobody = Login("", Secret(secrets.token_hex(4)))
        assert rotator.verify(here, nobody, now).refused


def test_the_rights_of_the_readme_are_enough() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    lines = re.findall(r"^ACL SETUSER keeper (.+)$", readme, re.MULTILINE)
    assert len(lines) == 3
    old, word = secrets.token_urlsafe(12), secrets.token_hex(12)
    with running(f"requirepass {old}", users="conf") as server:
        for line in lines[:2]:
            server.run("ACL", "SETUSER", "keeper", *line.replace("PASSWORD", word).split())
        here = target(server, "", old, admin=f"redis://keeper:{word}@{server.host}:{server.port}")
        assert "+config|set" in said(rotator.preflight(here, context()))
        server.run("ACL", "SETUSER", "keeper", *lines[2].split())
        looked, now = rotator.preflight(here, context()), context()
        assert [one.what for one in looked.findings] == []
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        assert "0 sessions" in rotator.usage(here, new, now).evidence[0]
        (evidence,) = rotator.disable(here, new, now)
        assert evidence.endswith("kept in redis.conf")
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).refused


def test_a_server_that_forgets_says_so() -> None:
    with running(users="memory") as server:
        user, password = server.user()
        here, now = target(server, user, password), context()
        looked = rotator.preflight(here, now)
        assert not looked.stopped
        assert "a restart undoes the rotation" in told(looked)
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        (evidence,) = rotator.disable(here, new, now)
        assert evidence.endswith("not kept over a restart")


def test_a_server_that_lets_everybody_in_is_not_rotated() -> None:
    with running(users="conf") as server:
        here = target(server, "default", "anything", admin=True)
        assert "lets default in with any password" in said(rotator.preflight(here, context()))
        with pytest.raises(IssuerError, match="nopass"):
            rotator.issue(here, rotator.make(here, context()), context())


def test_the_old_password_can_die_before_there_is_another(redis_server: Redis) -> None:
    user, password = redis_server.user()
    now = context()
    alone = target(redis_server, user, password)
    with pytest.raises(IssuerError, match="lock itself out"):
        rotator.disable(alone, None, now)
    assert redis_server.lets_in(user, password)
    here = target(redis_server, user, password, admin=True)
    rotator.disable(here, None, now)
    rotator.disable(here, None, now)
    assert rotator.verify(here, here.leaked, now).refused
    new = rotator.make(here, now)
    assert new is not None
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    rotator.issue(here, new, now)
    assert redis_server.passwords(user) == {digest(new.secret)}


@pytest.mark.parametrize("mode", list(Mode))
def test_other_passwords_of_the_user_stay_in_graceful_mode_only(redis_server: Redis, mode: Mode) -> None:
    user, password = redis_server.user()
    other = secrets.token_hex(8)
    redis_server.run("ACL", "SETUSER", user, f">{other}")
    here, now = target(redis_server, user, password), context(mode=mode)
    kept = mode is Mode.GRACEFUL
    words = "1 more passwords, which " + ("stay" if kept else "are removed, too")
    assert words in told(rotator.preflight(here, now))
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    rotator.disable(here, new, now)
    assert redis_server.passwords(user) == {digest(new.secret)} | ({digest(Secret(other))} if kept else set())


def test_without_the_rights_it_says_which_are_missing(redis_server: Redis) -> None:
    user, password = redis_server.user("-@all", "+get", "+acl|whoami")
    here = target(redis_server, user, password)
    assert f"ACL SETUSER {user} +acl|dryrun" in said(rotator.preflight(here, context()))
    redis_server.run("ACL", "SETUSER", user, "+acl|dryrun", "+acl|getuser")
    found = said(rotator.preflight(here, context()))
    assert f"ACL SETUSER {user} +acl|setuser" in found
    assert f"ACL SETUSER {user} +client|kill" in found
    redis_server.run("ACL", "SETUSER", user, "+acl|setuser", "+client|kill")
    looked = rotator.preflight(here, context())
    assert not looked.stopped
    assert f"{user} at {redis_server.host}:{redis_server.port} may not ACL SAVE" in told(looked)
    new, now = rotator.make(here, context()), context()
    assert new is not None
    rotator.issue(here, new, now)
    (evidence,) = rotator.disable(here, new, now)
    assert evidence.endswith("not kept over a restart")
    assert rotator.verify(here, here.leaked, now).refused


def test_an_operator_of_another_server_changes_nothing(redis_server: Redis) -> None:
    user, password = redis_server.user()
    here = target(redis_server, user, password + "x", admin=True)
    assert "has another password" in said(rotator.preflight(here, context()))
    new = rotator.make(here, context())
    with pytest.raises(IssuerError, match="nothing was changed"):
        rotator.issue(here, new, context())
    assert redis_server.passwords(user) == {digest(Secret(password))}


@pytest.mark.parametrize("text", ["admin:pw@host", "redis://host", "http://a:b@c", "redis://a:b@c:port"])
def test_an_admin_reference_that_is_none_is_not_repeated(redis_server: Redis, text: str) -> None:
    here = replace(target(redis_server, "u", "p"), admin=Secret(text))
    with pytest.raises(IssuerError) as failed:
        rotator.preflight(here, context())
    assert text not in str(failed.value)


@pytest.mark.parametrize("words", [[], ["resetpass"]])
def test_an_intruder_who_puts_it_back_is_thrown_out(redis_server: Redis, words: list[str]) -> None:
    user, password = redis_server.user()
    here, now = target(redis_server, user, password), context()
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    inside, ended = threading.Event(), threading.Event()

    def put_back() -> None:
        with redis_server.connected(user, password) as client:
            try:
                while True:
                    client.execute_command("ACL", "SETUSER", user, *words, f">{password}", ">of-the-intruder")
                    inside.set()
            except redis.RedisError:
                ended.set()

    threading.Thread(target=put_back, daemon=True).start()
    assert inside.wait(5)
    rotator.disable(here, new, now)
    assert ended.wait(5)
    assert redis_server.passwords(user) == {digest(new.secret)}
    assert rotator.verify(here, here.leaked, now).refused
    assert rotator.verify(here, new, now).works


def test_a_lost_reply_is_told_and_the_world_looked_at(redis_server: Redis) -> None:
    user, password = redis_server.user()
    with proxy(redis_server.port) as between:
        here, now = target(redis_server, user, password, port=between.port), context()
        new = rotator.make(here, now)
        assert new is not None
        between.will("drop", b"SETUSER")
        with pytest.raises(IssuerError) as failed:
            rotator.issue(here, new, now)
        assert failed.value.unsure
        assert len(between.seen) == 1
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        rotator.issue(here, new, now)
        between.will("drop", b"SETUSER")
        with pytest.raises(IssuerError):
            rotator.disable(here, new, now)
        rotator.disable(here, new, now)
        assert redis_server.passwords(user) == {digest(new.secret)}


def test_a_refused_password_takes_no_time(redis_server: Redis) -> None:
    user, _ = redis_server.user()
    here = target(redis_server, user, "wrong")
    asked_before = int(redis_server.run("INFO", "stats")["total_connections_received"])
    assert rotator.verify(here, here.leaked, context()).refused
    assert int(redis_server.run("INFO", "stats")["total_connections_received"]) == asked_before + 2


def test_with_tls_the_certificate_is_checked() -> None:
    with running(users="acl-file", tls=True) as server:
        user, password = server.user()
        port = int(server.run("CONFIG", "GET", "tls-port")["tls-port"])
        there = replace(target(server, user, password), endpoints=(Endpoint("localhost", port),))
        here = spelled(there, f"rediss://{user}:{password}@localhost:{port}")
        now = context()
        trusting = replace(now, environ={"SSL_CERT_FILE": str(server.running.workspace.path / "authority.pem")})
        check_no_answer(rotator, here, now, "certificate")
        assert rotator.verify(here, here.leaked, trusting).works
        new = rotator.make(here, trusting)
        assert new is not None
        assert not rotator.preflight(here, trusting).stopped
        rotator.issue(here, new, trusting)
        rotator.disable(here, new, trusting)
        assert rotator.verify(here, new, trusting).works
        assert rotator.verify(here, here.leaked, trusting).refused


def test_the_leaked_login_is_no_operator_of_its_own(redis_server: Redis) -> None:
    user, password = redis_server.user()
    here = target(redis_server, user, password, admin=redis_server.dsn(user, password))
    assert f"--admin is the leaked login {user} itself" in said(rotator.preflight(here, context()))
    assert not rotator.preflight(target(redis_server, user, password, admin=True), context()).stopped


def test_an_operator_who_is_not_let_in_is_told_what_to_look_at(redis_server: Redis) -> None:
    wrong = redis_server.operator.replace("admin:", "admin:wrong")
    found = said(rotator.preflight(target(redis_server, *redis_server.user(), admin=wrong), context()))
    assert "the operator's login: " in found
    assert "Check user, password, host and port of what the admin reference resolves to." in found
