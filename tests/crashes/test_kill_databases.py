"""kill -9 at every boundary of rotations at MariaDB, Redis and RabbitMQ, then resume: one live new value, the old dead."""

from pathlib import Path

import pytest
from secretguard_rabbitmq.addresses import API

from tests.crashes.killing import Case, Making, killed_anywhere
from tests.crashes.rotating import home, of_login
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis


def mariadb_case(server: MariaDB, folder: Path, mode: str, *, admin: bool) -> Case:
    user, old = server.user()
    spec = of_login(server, (user, old), home(folder), mode=mode, admin=server.operator if admin else None)

    def check(stored: dict[str, str]) -> None:
        assert stored["DATABASE_URL"] == server.dsn(user, stored["password"])
        assert server.lets_in(user, stored["password"])
        assert not server.lets_in(user, old)
        ((made,),) = server.run("SHOW CREATE USER %s@'127.0.0.1'", user)
        assert " OR " not in made
        assert stored["password"] not in server.general_log

    return Case(spec, check)


def redis_case(server: Redis, folder: Path, mode: str) -> Case:
    user, old = server.user()
    spec = of_login(server, (user, old), home(folder), mode=mode)

    def check(stored: dict[str, str]) -> None:
        assert stored["DATABASE_URL"] == server.dsn(user, stored["password"])
        assert server.lets_in(user, stored["password"])
        assert not server.lets_in(user, old)
        assert len(server.passwords(user)) == 1

    return Case(spec, check)


def rabbitmq_case(server: RabbitMQ, folder: Path, mode: str) -> Case:
    user, old = server.user()
    spec = of_login(server, (user, old), home(folder) | {API: server.operator}, mode=mode)

    def check(stored: dict[str, str]) -> None:
        name = stored["username"]
        assert stored["DATABASE_URL"] == server.dsn(name, stored["password"])
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


def test_killed_anywhere_it_goes_on(making: Making, tmp_path: Path) -> None:
    killed_anywhere(making, tmp_path)
