"""kill -9 at every boundary, before and after each effect, then resume: one live new value, in the store, the old dead."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crashes.killing import Case, Making, killed_anywhere
from tests.crashes.rotating import HERE, Spec, home, of_login
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.strict_iam import StrictIam
from tests.servers.strict_secretsmanager import StrictSecretsManager

Environ = Mapping[str, str]


def postgres_in_place(server: Postgres, reference: str, environ: Environ) -> Making:
    def make(folder: Path, number: int) -> Case:
        user, old = server.role()
        spec = of_login(server, (user, old), home(folder) | dict(environ), reference.format(number=number))

        def check(stored: dict[str, str]) -> None:
            assert stored["DATABASE_URL"] == server.dsn(user, stored["password"])
            assert server.lets_in(user, stored["password"])
            assert not server.lets_in(user, old)
            assert stored["password"] not in server.log

        return Case(spec, check)

    return make


def in_vault(request: pytest.FixtureRequest) -> Making:
    openbao: OpenBao = request.getfixturevalue("openbao")
    name = "app-" + secrets.token_hex(4)
    return postgres_in_place(
        request.getfixturevalue("postgres"), f"ref+vault://secret/{name}-{{number}}#/DATABASE_URL", openbao.environ()
    )


def in_secrets_manager(request: pytest.FixtureRequest) -> Making:
    manager: StrictSecretsManager = request.getfixturevalue("strict_secretsmanager")
    return postgres_in_place(
        request.getfixturevalue("postgres"), "ref+awssecrets://app-{number}#/DATABASE_URL", manager.environ()
    )


def with_two_roles(request: pytest.FixtureRequest) -> Making:
    return two_roles(request.getfixturevalue("postgres"))


def of_iam(request: pytest.FixtureRequest) -> Making:
    return iam_keys(request.getfixturevalue("strict_iam"))


def of_vault_tokens(request: pytest.FixtureRequest) -> Making:
    return vault_tokens(request.getfixturevalue("openbao"))


def of_static_roles(request: pytest.FixtureRequest) -> Making:
    return static_roles(request.getfixturevalue("openbao"), request.getfixturevalue("postgres"))


@pytest.fixture(
    params=[in_vault, in_secrets_manager, with_two_roles, of_iam, of_vault_tokens, of_static_roles],
    ids=lambda one: one.__name__,
)
def making(request: pytest.FixtureRequest) -> Making:
    made: Making = request.param(request)
    return made


def two_roles(server: Postgres) -> Making:
    def make(folder: Path, number: int) -> Case:
        user, old = server.role()
        spec = of_login(server, (user, old), home(folder), mode="graceful", admin=server.operator)

        def check(stored: dict[str, str]) -> None:
            assert stored["username"] != user
            assert server.lets_in(stored["username"], stored["password"])
            assert not server.lets_in(user, old)
            roles = server.run("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", user + "%")
            assert sorted(str(row[0]) for row in roles) == sorted([user, stored["username"]])

        return Case(spec, check)

    return make


def iam_keys(iam: StrictIam) -> Making:
    operator = iam.user("operator", administrator=True)

    def make(folder: Path, number: int) -> Case:
        user = f"deploy-{number}-{secrets.token_hex(4)}"
        old = iam.user(user)
        spec = Spec(
            rotator="aws", family="aws", kind="aws-access-key", user=old.id, old=old.secret,
            reference="ref+local://deploy", environ=home(folder) | dict(iam.environ(operator)),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            assert iam.of(user) == {stored["AWS_ACCESS_KEY_ID"]: True}
            assert iam.keys[stored["AWS_ACCESS_KEY_ID"]].secret == stored["AWS_SECRET_ACCESS_KEY"]

        return Case(spec, check)

    return make


def vault_tokens(server: OpenBao) -> Making:
    def lives(token: str) -> bool:
        return server.ask("POST", "auth/token/lookup", {"token": token}).ok

    def make(folder: Path, number: int) -> Case:
        old = server.limited(display_name=f"app-{secrets.token_hex(4)}")
        spec = Spec(
            rotator="vault", family="token", kind="vault", user="", old=old, reference="ref+local://app#/VAULT_TOKEN",
            environ=home(folder) | server.environ(), rotation="rot_" + secrets.token_hex(8),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            assert lives(stored["VAULT_TOKEN"])
            assert not lives(old)
            accessors = server.done("LIST", "auth/token/accessors")["data"]["keys"]
            known = [server.ask("POST", "auth/token/lookup-accessor", {"accessor": one}) for one in accessors]
            mine = [one for one in known if one.ok and spec.rotation.removeprefix("rot_") in one.text]
            assert len(mine) == 1

        return Case(spec, check)

    return make


def static_roles(openbao: OpenBao, server: Postgres) -> Making:
    """Logins whose passwords Vault's database engine makes, in an engine of our own."""
    engine = "database-" + secrets.token_hex(4)
    openbao.database_engine(engine, server.role(attributes="SUPERUSER"), server.port)

    def make(folder: Path, number: int) -> Case:
        user, _ = server.role()
        openbao.done(
            "POST", f"{engine}/static-roles/{user}", {"db_name": "main", "username": user, "rotation_period": "24h"}
        )
        kept = f"{engine}/static-creds/{user}"
        old = str(openbao.done("GET", kept)["data"]["password"])
        environ = home(folder) | openbao.environ(SECRETGUARD_VAULT_ROLE=f"{engine}/{user}")
        spec = replace(of_login(server, (user, old), environ), rotator="vault-database")

        def check(stored: dict[str, str]) -> None:
            assert stored["password"] == openbao.done("GET", kept)["data"]["password"]
            assert server.lets_in(user, stored["password"])
            assert not server.lets_in(user, old)

        return Case(spec, check)

    return make


def test_killed_anywhere_it_goes_on(making: Making, tmp_path: Path) -> None:
    killed_anywhere(making, tmp_path)


def test_killed_after_any_note_in_the_journal_it_goes_on(postgres: Postgres, tmp_path: Path) -> None:
    killed_anywhere(postgres_in_place(postgres, HERE, {}), tmp_path, each_note=True)
