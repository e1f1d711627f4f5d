"""A document of its own for each test, and the database engine of OpenBao in front of PostgreSQL."""

from collections.abc import Iterator

import pytest

from secretguard.reference import SecretReference, parse_reference
from tests.servers.openbao import OpenBao, a_path
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy, proxy

ENGINE = "database"


@pytest.fixture
def reference() -> SecretReference:
    return parse_reference(f"ref+vault://secret/{a_path()}")


@pytest.fixture(scope="session")
def link(openbao: OpenBao, postgres: Postgres) -> Iterator[Proxy]:
    """The database engine, configured with a superuser of its own, behind a proxy."""
    with proxy(postgres.port) as between:
        openbao.database_engine(ENGINE, postgres.role(attributes="SUPERUSER"), between.port)
        yield between
