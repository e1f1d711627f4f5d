"""The servers that rotation is tested on are real ones."""

import secrets

import pytest

from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis


@pytest.mark.parametrize("fixture", ["mariadb", "redis_server", "rabbitmq"])
def test_only_the_right_password_lets_in(fixture: str, request: pytest.FixtureRequest) -> None:
    server: MariaDB | Redis | RabbitMQ = request.getfixturevalue(fixture)
    user, password = server.user()
    assert server.lets_in(user, password)
    assert not server.lets_in(user, secrets.token_urlsafe(24))
