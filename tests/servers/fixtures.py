"""Session fixtures: each server starts once, for whoever asks first."""

from collections.abc import Iterator

import pytest

from tests.servers.moto import Moto, start_moto, stop_moto
from tests.servers.openbao import OpenBao, start_openbao, stop_openbao
from tests.servers.postgres import Postgres, start_postgres, stop_postgres
from tests.servers.strict_iam import StrictIam
from tests.servers.strict_secretsmanager import StrictSecretsManager


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL 18."""
    server = start_postgres("18")
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
