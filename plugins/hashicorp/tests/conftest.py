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
    user, password = postgres.role(attributes="SUPERUSER")
    with proxy(postgres.port) as between:
        openbao.done("POST", f"sys/mounts/{ENGINE}", {"type": "database"})
        openbao.done("POST", f"{ENGINE}/config/main", {
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "*",
            "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{between.port}/postgres?sslmode=disable",
            "username": user,
            "password": password,
            "password_authentication": "scram-sha-256",
        })  # fmt: skip
        yield between
