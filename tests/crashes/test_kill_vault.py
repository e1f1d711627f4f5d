"""kill -9 around each effect where Vault issues dynamic logins and secret ids: one live new one, the old dead, no orphan."""

import secrets
from pathlib import Path

import pytest

from secretguard.model import Endpoint
from tests.crashes.killing import Case, Making, killed_anywhere
from tests.crashes.rotating import Spec, home
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres

CREATION = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"


def dynamic_logins(openbao: OpenBao, server: Postgres) -> Making:
    """Users that Vault's database engine makes for a while, each of a role of its own, in an engine of our own."""
    engine = "database-" + secrets.token_hex(4)
    openbao.database_engine(engine, server.role(attributes="SUPERUSER"), server.port)

    def make(folder: Path, number: int) -> Case:
        role = secrets.token_hex(4)
        body = {"db_name": "main", "creation_statements": [CREATION], "default_ttl": "1h", "max_ttl": "24h"}
        openbao.done("POST", f"{engine}/roles/{role}", body)
        leaked = openbao.done("GET", f"{engine}/creds/{role}")
        user, old = str(leaked["data"]["username"]), str(leaked["data"]["password"])
        named = {
            "SECRETGUARD_VAULT_ROLE": f"{engine}/{role}",
            "SECRETGUARD_VAULT_LEASE": str(leaked["lease_id"]),  # a moment ago: its time alone does not tell it
        }
        spec = Spec(
            rotator="vault-database-dynamic", family="postgres", kind="postgres-uri", user=user, old=old,
            reference="ref+local://app#/DATABASE_URL", endpoints=(Endpoint(server.host, server.port, "postgres"),),
            environ=home(folder) | openbao.environ(**named), uri=server.dsn(user, old),
            rotation="rot_" + secrets.token_hex(8),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            name = stored["username"]
            assert stored["DATABASE_URL"] == server.dsn(name, stored["password"])
            assert server.lets_in(name, stored["password"])
            assert not server.lets_in(user, old)
            assert server.roles_like(f"v-%-{role}-%", 1) == [name]  # a lease ends soon after its token
            assert len(openbao.done("LIST", f"sys/leases/lookup/{engine}/creds/{role}")["data"]["keys"]) == 1

        return Case(spec, check)

    return make


def secret_ids(openbao: OpenBao) -> Making:
    """Secret ids, each of a role of its own, with a token that somebody made with the leaked one."""
    mount = "approle-" + secrets.token_hex(4)
    openbao.done("POST", f"sys/auth/{mount}", {"type": "approle"})

    def make(folder: Path, number: int) -> Case:
        role = f"{mount}/app-{number}"
        path = f"auth/{mount}/role/app-{number}"
        openbao.done("POST", path, {"token_policies": ["default"]})
        role_id = str(openbao.done("GET", f"{path}/role-id")["data"]["role_id"])
        old = str(openbao.done("POST", f"{path}/secret-id")["data"]["secret_id"])

        def login(secret_id: str) -> str:
            body = {"role_id": role_id, "secret_id": secret_id}
            answer = openbao.ask("POST", f"auth/{mount}/login", body)
            return str(answer.json()["auth"]["client_token"]) if answer.ok else ""

        intruder = login(old)
        spec = Spec(
            rotator="vault-approle", family="token", kind="vault-approle", user="", old=old,
            reference="ref+local://app#/VAULT_SECRET_ID", rotation="rot_" + secrets.token_hex(8),
            environ=home(folder) | openbao.environ(SECRETGUARD_VAULT_APPROLE=role),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            assert login(stored["VAULT_SECRET_ID"])
            assert not login(old)
            assert openbao.done("LIST", f"{path}/secret-id")["data"]["keys"] == [stored["key_id"]]
            assert not openbao.ask("POST", "auth/token/lookup", {"token": intruder}).ok

        return Case(spec, check)

    return make


@pytest.fixture(params=["dynamic logins", "secret ids"])
def making(request: pytest.FixtureRequest) -> Making:
    openbao: OpenBao = request.getfixturevalue("openbao")
    if request.param == "secret ids":
        return secret_ids(openbao)
    return dynamic_logins(openbao, request.getfixturevalue("postgres"))


def test_killed_anywhere_it_goes_on(making: Making, tmp_path: Path) -> None:
    killed_anywhere(making, tmp_path)
