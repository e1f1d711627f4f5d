"""kill -9 at every boundary, before and after each effect, then resume: one live new value, in the store, the old dead."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from secretguard.model import Endpoint
from secretguard.reference import parse_reference
from secretguard.resolve import store
from secretguard.rotate.audit import verify
from secretguard.rotate.journal import open_journal
from secretguard.rotate.records import State
from secretguard.rotate.state_directory import state_directory
from secretguard.rotation import Context
from tests.crashes.rotating import CREDENTIAL, Death, Spec, rotate
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.strict_iam import StrictIam
from tests.servers.strict_secretsmanager import StrictSecretsManager

Environ = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One credential, fresh, and how one sees that it was rotated well."""

    spec: Spec
    check: Callable[[dict[str, str]], None]
    """Given what the store gives: asserts what is true of the issuer."""


Making = Callable[[Path, int], Case]


def postgres_in_place(server: Postgres, reference: str, environ: Environ) -> Making:
    def make(folder: Path, number: int) -> Case:
        user, old = server.role()
        spec = Spec(
            rotator="postgres", family="postgres", kind="postgres-uri", user=user, old=old,
            reference=reference.format(number=number), environ=home(folder) | dict(environ),
            endpoints=(Endpoint(server.host, server.port, "postgres"),), uri=server.dsn(user, old),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            assert stored["DATABASE_URL"] == server.dsn(user, stored["password"])
            assert server.lets_in(user, stored["password"])
            assert not server.lets_in(user, old)
            assert stored["password"] not in server.log

        return Case(spec, check)

    return make


def home(folder: Path) -> dict[str, str]:
    """An environment with nothing but directories of its own."""
    return {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_STATE_HOME": str(folder / "state")}


def in_local(request: pytest.FixtureRequest) -> Making:
    return postgres_in_place(request.getfixturevalue("postgres"), "ref+local://app#/DATABASE_URL", {})


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
    params=[in_local, in_vault, in_secrets_manager, with_two_roles, of_iam, of_vault_tokens, of_static_roles],
    ids=lambda one: one.__name__,
)
def making(request: pytest.FixtureRequest) -> Making:
    made: Making = request.param(request)
    return made


def two_roles(server: Postgres) -> Making:
    def make(folder: Path, number: int) -> Case:
        user, old = server.role()
        spec = Spec(
            rotator="postgres", family="postgres", kind="postgres-uri", user=user, old=old, mode="graceful",
            reference="ref+local://app#/DATABASE_URL", environ=home(folder), uri=server.dsn(user, old),
            endpoints=(Endpoint(server.host, server.port, "postgres"),), admin=server.dsn("postgres", server.admin),
        )  # fmt: skip

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
    admin, password = server.role(attributes="SUPERUSER")
    openbao.done("POST", f"sys/mounts/{engine}", {"type": "database"})
    openbao.done("POST", f"{engine}/config/main", {
        "plugin_name": "postgresql-database-plugin",
        "allowed_roles": "*",
        "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.port}/postgres?sslmode=disable",
        "username": admin,
        "password": password,
        "password_authentication": "scram-sha-256",
    })  # fmt: skip

    def make(folder: Path, number: int) -> Case:
        user, _ = server.role()
        openbao.done(
            "POST", f"{engine}/static-roles/{user}", {"db_name": "main", "username": user, "rotation_period": "24h"}
        )
        kept = f"{engine}/static-creds/{user}"
        old = str(openbao.done("GET", kept)["data"]["password"])
        spec = Spec(
            rotator="vault-database", family="postgres", kind="postgres-uri", user=user, old=old,
            reference="ref+local://app#/DATABASE_URL", endpoints=(Endpoint(server.host, server.port, "postgres"),),
            environ=home(folder) | openbao.environ(SECRETGUARD_VAULT_ROLE=f"{engine}/{user}"), uri=server.dsn(user, old),
        )  # fmt: skip

        def check(stored: dict[str, str]) -> None:
            assert stored["password"] == openbao.done("GET", kept)["data"]["password"]
            assert server.lets_in(user, stored["password"])
            assert not server.lets_in(user, old)

        return Case(spec, check)

    return make


def check_rotated(case: Case) -> None:
    """What must hold however often it was killed."""
    journal = open_journal(None, case.spec.environ)
    rotation = journal.rotations(CREDENTIAL)[0]
    assert rotation.state is State.CLOSED
    assert verify(state_directory(case.spec.environ), journal).ok
    journal.close()
    reference = parse_reference(case.spec.reference)
    fields = store(reference.backend).read(reference, Context(case.spec.environ))
    stored = {name: value.reveal() for name, value in (fields or {}).items()}
    assert case.spec.old not in "".join(stored.values())
    case.check(stored)
    written = b"".join(one.read_bytes() for one in Path(case.spec.environ["HOME"]).rglob("*") if one.is_file())
    (new,) = [stored[name] for name in ("password", "AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN") if name in stored]
    for value in (case.spec.old, new):
        assert value.encode() not in written


def test_killed_anywhere_it_goes_on(making: Making, tmp_path: Path) -> None:
    def folder() -> Path:
        made = tmp_path / secrets.token_hex(4)
        made.mkdir()
        return made

    undisturbed = making(folder(), 0)
    effects = rotate(undisturbed.spec)
    check_rotated(undisturbed)
    assert {"store.stage", "store.publish", "rotator.issue", "rotator.disable", "journal.settle"} <= set(effects)
    for number, effect in enumerate(effects, 1):
        # Before a note in the journal nothing has happened since the one before it.
        for after in (True,) if effect.startswith("journal.") else (False, True):
            case, death = making(folder(), number * 2 + after), Death(number, after)
            rotate(case.spec, death)
            rotate(case.spec)
            try:
                check_rotated(case)
            except AssertionError as error:
                raise AssertionError(f"killed {death}, {effect}: {error}") from error
