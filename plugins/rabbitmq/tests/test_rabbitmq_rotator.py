"""A leaked RabbitMQ login is replaced for real: in place, or by the user that takes turns with it."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from secretguard_rabbitmq import rotator
from secretguard_rabbitmq.addresses import API, addresses
from secretguard_rabbitmq.management import User, hashed
from secretguard_rabbitmq.two_users import other

from secretguard.config import environment_layer
from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Found, Login, Mode, Overlap, Spelling, Target
from secretguard.secret import Secret
from tests.servers.leaked_logins import LoginRotatorContract, check_no_answer, context, said, spelled, target, told
from tests.servers.proxy import proxy
from tests.servers.rabbitmq import RabbitMQ, is_alive

pytestmark = pytest.mark.usefixtures("fresh_breakers")


def of_operator(server: RabbitMQ, **more: Any) -> Context:
    """With the management API as the operator's environment names it."""
    return context(environ={API: server.operator}, **more)


def gracefully(server: RabbitMQ) -> Context:
    return of_operator(server, mode=Mode.GRACEFUL)


class TestRabbitmqLogins(LoginRotatorContract):
    rotator, fixture, tls = rotator, "rabbitmq", "amqps://{login}@{host}"


def test_in_place_the_new_password_ends_the_old_one_and_its_connections(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user(tags="monitoring")
    rabbitmq.ask("PUT", f"user-limits/{user}/max-connections", {"value": 9})
    here, now = target(rabbitmq, user, password), of_operator(rabbitmq)
    before = rabbitmq.ask("GET", f"users/{user}/permissions")
    assert rotator.overlap(here, now) is Overlap.NONE
    assert not rotator.preflight(here, now).stopped
    new = rotator.make(here, now)
    assert new is not None
    assert new.user == user
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    assert rotator.verify(here, here.leaked, now).works
    with rabbitmq.connected(user, password) as intruder:
        assert is_alive(intruder)
        rotator.issue(here, new, now)
        assert not is_alive(intruder)
    rotator.issue(here, new, now)
    assert rotator.reconcile(here, new, now) is Found.ISSUED
    assert rotator.disable(here, new, now) == rotator.disable(here, new, now)
    assert rotator.destroy(here, new, now) == ()
    assert rotator.usage(here, new, now).users == 0
    assert rotator.verify(here, new, now).works
    assert rotator.verify(here, here.leaked, now).refused
    kept = rabbitmq.ask("GET", f"users/{user}")
    assert (kept["tags"], kept["limits"]) == (["monitoring"], {"max-connections": 9})
    assert rabbitmq.ask("GET", f"users/{user}/permissions") == before


def test_issuing_again_sends_out_who_came_in_before(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    here, now = target(rabbitmq, user, password), of_operator(rabbitmq)
    new = rotator.make(here, now)
    assert new is not None
    with rabbitmq.connected(user, password) as intruder:
        # What a process leaves that is killed between the two calls.
        rabbitmq.ask("PUT", f"users/{user}", {"password_hash": hashed(new.secret), "tags": ""})
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        assert is_alive(intruder)
        rotator.issue(here, new, now)
        assert not is_alive(intruder)


def test_gracefully_another_user_takes_its_turn_with_the_same_rights(rabbitmq: RabbitMQ) -> None:
    rabbitmq.ask("PUT", "vhosts/prod")
    user, password = rabbitmq.user(tags="management,monitoring", vhost="prod")
    rabbitmq.ask("PUT", f"topic-permissions/prod/{user}", {"exchange": "amq.topic", "write": "^a", "read": "^b"})
    rabbitmq.ask("PUT", f"user-limits/{user}/max-channels", {"value": 5})
    here, now = target(rabbitmq, user, password, database="prod"), gracefully(rabbitmq)
    assert rotator.overlap(here, now) is Overlap.TWO
    assert not rotator.preflight(here, now).stopped
    new = rotator.make(here, now)
    assert new is not None
    assert new.user == f"{user}_alt"
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    with rabbitmq.connected(user, password, "prod") as application:
        rotator.issue(here, new, now)
        rotator.issue(here, new, now)
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).works
        assert is_alive(application)
        assert rotator.usage(here, new, now).users == 1
        rotator.disable(here, new, now)
        rotator.disable(here, new, now)
        assert not is_alive(application)
    assert rotator.usage(here, new, now).users == 0
    assert rotator.verify(here, here.leaked, now).refused
    assert rotator.destroy(here, new, now) == (f"{user} is removed",)
    assert rotator.destroy(here, new, now) == ()
    assert rotator.disable(here, new, now) == (f"{user} is gone",)
    assert rotator.verify(here, here.leaked, now).refused
    assert rotator.verify(here, new, now).works
    kept = rabbitmq.ask("GET", f"users/{new.user}")
    assert (kept["tags"], kept["limits"]) == (["management", "monitoring"], {"max-channels": 5})
    (permission,) = rabbitmq.ask("GET", f"users/{new.user}/permissions")
    assert (permission["vhost"], permission["configure"], permission["write"]) == ("prod", f"^{user}", ".*")
    (topic,) = rabbitmq.ask("GET", f"users/{new.user}/topic-permissions")
    assert (topic["exchange"], topic["write"], topic["read"]) == ("amq.topic", "^a", "^b")


def test_they_take_turns() -> None:
    assert other("app") == "app_alt"
    assert other("app_alt") == "app"
    assert other("_alt") == "_alt_alt"


def test_a_user_that_was_made_without_anybody_having_its_value_is_an_orphan(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    here, now = target(rabbitmq, user, password), gracefully(rabbitmq)
    new = rotator.make(here, now)
    assert new is not None
    rotator.issue(here, new, now)
    assert rotator.reconcile(here, None, now) is Found.ORPHAN
    assert rotator.withdraw(here, None, now) == (f"{user}_alt is removed again",)
    assert rotator.withdraw(here, None, now) == ()
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    assert rotator.verify(here, here.leaked, now).works
    assert rotator.verify(here, new, now).refused


def test_one_that_was_cut_off_before_its_rights_is_not_taken_for_whole(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    here, now = target(rabbitmq, user, password), gracefully(rabbitmq)
    new = rotator.make(here, now)
    assert new is not None
    rabbitmq.ask("PUT", f"users/{new.user}", {"password_hash": hashed(new.secret), "tags": now.name})
    assert rotator.reconcile(here, new, now) is Found.NOTHING
    rotator.issue(here, new, now)
    assert rotator.reconcile(here, new, now) is Found.ISSUED


def test_somebody_elses_user_of_that_name_is_left_alone(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    rabbitmq.user(name=f"{user}_alt")
    kept = rabbitmq.ask("GET", f"users/{user}_alt")
    here, now = target(rabbitmq, user, password), gracefully(rabbitmq)
    assert f"{user}_alt is there already" in said(rotator.preflight(here, now))
    with pytest.raises(IssuerError, match="not of this rotation"):
        rotator.issue(here, rotator.make(here, now), now)
    assert rotator.withdraw(here, None, now) == ()
    assert rabbitmq.ask("GET", f"users/{user}_alt") == kept


def test_no_password_is_in_the_brokers_log(rabbitmq: RabbitMQ) -> None:
    for now in (of_operator(rabbitmq), gracefully(rabbitmq)):
        user, password = rabbitmq.user()
        here = target(rabbitmq, user, password)
        new = rotator.make(here, now)
        assert new is not None
        rotator.issue(here, new, now)
        rotator.disable(here, new, now)
        rotator.destroy(here, new, now)
        log = rabbitmq.running.log.read_text("utf-8", "replace")
        assert user in log
        assert new.secret.reveal() not in log


def test_the_hash_is_what_the_broker_would_make_itself(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    told = rabbitmq.ask("GET", f"users/{user}")
    kept = User(user, told["password_hash"], told["hashing_algorithm"], ())
    assert kept.opens(Secret(password))
    assert not kept.opens(Secret(password + "x"))
    assert len(base64.b64decode(hashed(Secret("x")))) == 4 + 32


def test_where_the_api_is_comes_from_the_operator_only(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    here = target(rabbitmq, user, password)
    found = said(rotator.preflight(here, context()))
    assert API in found
    assert "--admin" in found
    assert not rotator.preflight(replace(here, admin=Secret(rabbitmq.operator)), context()).stopped


def test_the_variable_is_no_setting_that_is_not_known(rabbitmq: RabbitMQ) -> None:
    assert environment_layer({API: rabbitmq.operator}).values == {}


@pytest.mark.parametrize("text", ["keeper:pw@host", "amqp://a:b@c", "http://host:15672", "https://a:b@c:port"])
def test_an_api_that_is_none_is_not_repeated(rabbitmq: RabbitMQ, text: str) -> None:
    looked = rotator.preflight(replace(target(rabbitmq, "u", "p"), admin=Secret(text)), context())
    assert looked.stopped
    assert text not in told(looked)


def test_wrong_rights_are_told(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    keeper, word = rabbitmq.user(tags="monitoring")
    here = target(rabbitmq, user, password)

    def looked_as(name: str, secret: str) -> str:
        url = f"http://{name}:{secret}@{rabbitmq.host}:{rabbitmq.api_port}"
        return said(rotator.preflight(replace(here, admin=Secret(url)), context()))

    assert f"set_user_tags {keeper} administrator" in looked_as(keeper, word)
    assert "refuses its login" in looked_as(keeper, "wrong")
    assert "is the leaked one" in looked_as(user, password)
    assert said(rotator.preflight(replace(here, leaked=Login(user, Secret("x"))), of_operator(rabbitmq))).startswith(
        f"{user} at {rabbitmq.host}:{rabbitmq.api_port} has another password"
    )
    assert "keeps no user" in said(rotator.preflight(target(rabbitmq, "nobody", "x"), of_operator(rabbitmq)))


def test_an_administrator_that_leaked_may_have_left_things(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user(tags="administrator")
    looked = rotator.preflight(target(rabbitmq, user, password), of_operator(rabbitmq))
    assert not looked.stopped
    assert "an intruder may have left users, policies or shovels" in told(looked)


@pytest.mark.parametrize("mode", list(Mode))
def test_another_brokers_user_is_not_changed(rabbitmq: RabbitMQ, mode: Mode) -> None:
    user, password = rabbitmq.user()
    before = rabbitmq.ask("GET", f"users/{user}")
    here, now = target(rabbitmq, user, password + "x"), of_operator(rabbitmq, mode=mode)
    with pytest.raises(IssuerError, match="nothing was changed"):
        rotator.issue(here, rotator.make(here, now), now)
    assert rabbitmq.ask("GET", f"users/{user}") == before
    assert not rabbitmq.lets_in(f"{user}_alt", password)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_lost_reply_is_told_and_the_world_looked_at(rabbitmq: RabbitMQ, mode: Mode) -> None:
    user, password = rabbitmq.user()
    with proxy(rabbitmq.api_port) as between:
        api = f"http://{rabbitmq.keeper}:{rabbitmq.admin}@127.0.0.1:{between.port}"
        here = replace(target(rabbitmq, user, password), admin=Secret(api))
        now = context(mode=mode)
        new = rotator.make(here, now)
        assert new is not None
        between.will("drop", b"PUT /api/users/")
        with pytest.raises(IssuerError) as failed:
            rotator.issue(here, new, now)
        assert failed.value.unsure
        assert len(between.seen) == 1
        rotator.issue(here, new, now)
        assert rotator.reconcile(here, new, now) is Found.ISSUED
        rotator.disable(here, new, now)
        assert rotator.verify(here, new, now).works
        assert rotator.verify(here, here.leaked, now).refused


def test_a_virtual_host_that_is_gone_is_no_refusal(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    here = target(rabbitmq, user, password, database="gone")
    ((where, answer, words),) = rotator.verify(here, here.leaked, context()).answers
    assert where == f"{rabbitmq.host}:{rabbitmq.port}/gone"
    assert answer is Answer.WORKS
    assert "vhost gone not found" in words


@pytest.mark.parametrize(
    ("text", "port", "database", "expected"),
    [
        ("amqp://u:p@h", None, "", ("h", 5672, "/", False)),
        ("amqps://u:p@h/prod", None, "prod", ("h", 5671, "prod", True)),
        ("amqp+ssl://u:p@h/%2f", None, "%2f", ("h", 5671, "/", True)),
        ("pyamqp://u:p@h//", None, "/", ("h", 5672, "/", False)),
        ("amqp://u:p@h:5671/x", 5671, "x", ("h", 5671, "x", True)),
    ],
)  # fmt: skip
def test_virtual_hosts_and_tls_are_read_as_clients_do(
    text: str, port: int | None, database: str, expected: Any
) -> None:
    at = Endpoint("h", port, database)
    spelled = Target(
        "sg_0", "amqp-uri", "amqp", Login("u", Secret("p")), (at,), (Spelling("uri", Secret(text), (at,)),)
    )
    assert addresses(spelled) == (expected,)


def test_with_tls_the_certificate_is_checked(rabbitmq: RabbitMQ) -> None:
    user, password = rabbitmq.user()
    there = replace(target(rabbitmq, user, password), endpoints=(Endpoint("localhost", rabbitmq.tls_port),))
    here = spelled(there, f"amqps://{user}:{password}@localhost:{rabbitmq.tls_port}")
    now = context()
    trusting = replace(now, environ={"SSL_CERT_FILE": str(rabbitmq.running.workspace.path / "authority.pem")})
    check_no_answer(rotator, here, now, "certificate")
    assert rotator.verify(here, here.leaked, trusting).works
    assert rotator.verify(here, Login(user, Secret("x")), trusting).refused
