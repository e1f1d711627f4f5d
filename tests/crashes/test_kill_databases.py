"""kill -9 before and after each effect at MariaDB, Redis and RabbitMQ, then resume: one live new value, the old dead."""

import secrets
from pathlib import Path

import pytest
from secretguard_rabbitmq.addresses import API

from secretguard.model import Endpoint
from tests.crashes.rotating import Death, Spec, rotate
from tests.crashes.test_kill import Case, Making, check_rotated, home
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis

HERE = "ref+local://app#/LOGIN_URL"


def mariadb_case(server: MariaDB, folder: Path, mode: str, *, admin: bool) -> Case:
    user, old = server.account()
    spec = Spec(
        rotator="mysql", family="mysql", kind="mysql-uri", user=user, old=old, reference=HERE, environ=home(folder),
        endpoints=(Endpoint(server.host, server.port, user),), uri=server.dsn(user, old), mode=mode,
        admin=f"mysql://root:{server.admin}@{server.host}:{server.port}" if admin else None,
    )  # fmt: skip

    def check(stored: dict[str, str]) -> None:
        assert stored["LOGIN_URL"] == server.dsn(user, stored["password"])
        assert server.lets_in(user, stored["password"])
        assert not server.lets_in(user, old)
        ((made,),) = server.run("SHOW CREATE USER %s@'127.0.0.1'", user)
        assert " OR " not in made
        assert stored["password"] not in server.general_log

    return Case(spec, check)


def redis_case(server: Redis, folder: Path, mode: str) -> Case:
    user, old = server.user()
    spec = Spec(
        rotator="redis", family="redis", kind="redis-uri", user=user, old=old, reference=HERE, environ=home(folder),
        endpoints=(Endpoint(server.host, server.port, "0"),), uri=server.dsn(user, old), mode=mode,
    )  # fmt: skip

    def check(stored: dict[str, str]) -> None:
        assert stored["LOGIN_URL"] == server.dsn(user, stored["password"])
        assert server.lets_in(user, stored["password"])
        assert len(server.passwords(user)) == 1

    return Case(spec, check)


def rabbitmq_case(server: RabbitMQ, folder: Path, mode: str) -> Case:
    user, old = server.user()
    spec = Spec(
        rotator="rabbitmq", family="amqp", kind="amqp-uri", user=user, old=old, reference=HERE, mode=mode,
        environ=home(folder) | {API: server.api}, endpoints=(Endpoint(server.host, server.port, "/"),),
        uri=server.dsn(user, old),
    )  # fmt: skip

    def check(stored: dict[str, str]) -> None:
        name = stored["username"]
        assert stored["LOGIN_URL"] == server.dsn(name, stored["password"])
        assert server.lets_in(name, stored["password"])
        assert not server.lets_in(user, old)
        live = [one["name"] for one in server.ask("GET", "users") if one["name"].startswith(user)]
        assert live == [name]
        assert server.ask("GET", f"users/{name}")["tags"] == []

    return Case(spec, check)


@pytest.fixture(
    params=[
        "mariadb in place", "mariadb with two passwords", "mariadb gracefully", "redis", "redis gracefully",
        "rabbitmq in place", "rabbitmq with two users",
    ]
)  # fmt: skip
def making(request: pytest.FixtureRequest) -> Making:
    server = request.getfixturevalue({"redis": "redis_server"}.get(request.param.split()[0], request.param.split()[0]))
    mode = "graceful" if request.param.endswith(("gracefully", "two users")) else "breach"
    if isinstance(server, MariaDB):
        return lambda folder, _: mariadb_case(server, folder, mode, admin="in place" not in request.param)
    if isinstance(server, Redis):
        return lambda folder, _: redis_case(server, folder, mode)
    return lambda folder, _: rabbitmq_case(server, folder, mode)


def test_killed_at_an_issuer_it_goes_on(making: Making, tmp_path: Path) -> None:
    def folder() -> Path:
        made = tmp_path / secrets.token_hex(4)
        made.mkdir()
        return made

    undisturbed = making(folder(), 0)
    effects = rotate(undisturbed.spec)
    check_rotated(undisturbed)
    at_issuer = [number for number, effect in enumerate(effects, 1) if effect.startswith("rotator.")]
    assert len(at_issuer) >= 3
    for number in at_issuer:
        for after in (False, True):
            case, death = making(folder(), number), Death(number, after)
            rotate(case.spec, death)
            rotate(case.spec)
            try:
                check_rotated(case)
            except AssertionError as error:
                raise AssertionError(f"killed {death}, {effects[number - 1]}: {error}") from error
