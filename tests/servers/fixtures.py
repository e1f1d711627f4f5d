"""Session fixtures: each server starts once, for whoever asks first."""

import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from secretguard.transport import breaker
from tests.servers.mariadb import MariaDB, start_mariadb, stop_mariadb
from tests.servers.moto import Moto, start_moto, stop_moto
from tests.servers.openbao import OpenBao, start_openbao, stop_openbao
from tests.servers.pgbouncer import PgBouncer, start_pgbouncer, stop_pgbouncer
from tests.servers.postgres import Postgres, speak_tls, start_postgres, start_standby, stop_postgres
from tests.servers.processes import Unavailable
from tests.servers.rabbitmq import RabbitMQ, start_rabbitmq, stop_rabbitmq
from tests.servers.redis import Redis, start_redis, stop_redis
from tests.servers.strict_iam import StrictIam
from tests.servers.strict_secretsmanager import StrictSecretsManager

Server = TypeVar("Server")


def started(start: Callable[[], Server]) -> Server:
    """A server, or a skipped test where its package is not installed; in CI that fails, unless `.ci/run` could not."""
    try:
        return start()
    except Unavailable as missing:
        if os.environ.get("CI") and not os.environ.get("SERVERS_MISSING"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture
def fresh_breakers() -> Iterator[None]:
    """No breaker outlives a test that makes a server fail."""
    breaker.cache_clear()
    yield
    breaker.cache_clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL 18, or the release that POSTGRES_VERSION names."""
    server = started(lambda: start_postgres(os.environ.get("POSTGRES_VERSION", "18")))
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session", params=["14", "15", "16", "17", "18"])
def each_postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """PostgreSQL of each release that rotation is for."""
    server = started(lambda: start_postgres(request.param))
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def postgres16() -> Iterator[Postgres]:
    """PostgreSQL 16."""
    server = start_postgres("16")
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def postgres_with_statistics() -> Iterator[Postgres]:
    """PostgreSQL 18 that keeps the text of statements in pg_stat_statements."""
    server = start_postgres("18+contrib", "shared_preload_libraries=pg_stat_statements", "max_connections=300")
    server.run("CREATE EXTENSION pg_stat_statements")
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def standby(postgres: Postgres) -> Iterator[Postgres]:
    """A hot standby of the PostgreSQL 18."""
    server = start_standby(postgres)
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def postgres_with_tls() -> Iterator[Postgres]:
    """PostgreSQL 15 that speaks TLS, with a certificate of its own for 127.0.0.1, and keeps statistics."""
    server = started(lambda: start_postgres("15", "shared_preload_libraries=pg_stat_statements"))
    server.run("CREATE EXTENSION pg_stat_statements")
    speak_tls(server)
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def openbao() -> Iterator[OpenBao]:
    """OpenBao: Vault's API."""
    server = start_openbao()
    yield server
    stop_openbao(server)


@pytest.fixture(scope="session")
def openbao_with_tls() -> Iterator[OpenBao]:
    """OpenBao behind a certificate of an authority that nobody knows."""
    server = start_openbao(tls=True)
    yield server
    stop_openbao(server)


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """An imitation of AWS for plumbing."""
    server = start_moto()
    yield server
    stop_moto(server)


@pytest.fixture
def strict_secretsmanager() -> Iterator[StrictSecretsManager]:
    """Secrets Manager by the rules of its model; a new one each time."""
    with StrictSecretsManager().running() as server:
        yield server


@pytest.fixture
def strict_iam() -> Iterator[StrictIam]:
    """IAM and STS that check signatures and states of keys; a new one each time."""
    with StrictIam().running() as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer_with_file(postgres: Postgres) -> Iterator[PgBouncer]:
    """PgBouncer before PostgreSQL 18, with passwords in a file."""
    pooler = started(lambda: start_pgbouncer(postgres, query=False))
    yield pooler
    stop_pgbouncer(pooler)


@pytest.fixture(scope="session")
def pgbouncer_with_query(postgres: Postgres) -> Iterator[PgBouncer]:
    """PgBouncer before PostgreSQL 18, which asks the server for verifiers."""
    pooler = started(lambda: start_pgbouncer(postgres, query=True))
    yield pooler
    stop_pgbouncer(pooler)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """MariaDB with a general log."""
    server = started(start_mariadb)
    yield server
    stop_mariadb(server)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """Redis 7 whose users are in an ACL file."""
    server = started(start_redis)
    yield server
    stop_redis(server)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """RabbitMQ with its management API."""
    server = started(start_rabbitmq)
    yield server
    stop_rabbitmq(server)
