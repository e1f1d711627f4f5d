"""The database engine of OpenBao in front of PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy, proxy

ENGINE = "database"


@pytest.fixture(scope="session")
def link(openbao: OpenBao, postgres: Postgres) -> Iterator[Proxy]:
    """The database engine, configured with a superuser of its own, behind a proxy."""
    with proxy(postgres.port) as between:
        openbao.database_engine(ENGINE, postgres.role(attributes="SUPERUSER"), between.port)
        yield between
