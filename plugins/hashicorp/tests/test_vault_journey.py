"""From a leak in a repository to its end, on the command line, where Vault itself issues the credential."""

import re
import secrets
from pathlib import Path

import pytest

from secretguard.testing import RepositoryBuilder
from tests.journeys.running import CommandLine
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy, proxy


@pytest.fixture
def somebody(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path / "home", tmp_path_factory.getbasetemp() / "home" / "cache")


def leaked(somebody: CommandLine, folder: Path, text: str) -> str:
    """Commit `text`, scan for it, and return the id of the one credential in it."""
    builder = RepositoryBuilder(folder)
    builder.write("deploy/.env", text.encode())
    builder.commit("Deploy")
    (one,) = somebody.scan("--history", cwd=folder, code=1)["credentials"]
    return str(one["id"])


def test_a_token(somebody: CommandLine, openbao: OpenBao, tmp_path: Path) -> None:
    token, path = openbao.limited(), "journey-" + secrets.token_hex(4)
    credential = leaked(somebody, tmp_path / "repo", f"VAULT_TOKEN={token}\n")
    words = ("rotate", credential, "--to", f"ref+vault://secret/{path}#/VAULT_TOKEN", "--yes")
    done = somebody.run(*words, cwd=tmp_path / "repo", environ=openbao.environ())
    assert done.returncode == 0, done.stdout + done.stderr
    new = openbao.data(path)["VAULT_TOKEN"]
    assert openbao.ask("GET", "auth/token/lookup-self", token=new).ok
    assert openbao.ask("GET", "auth/token/lookup-self", token=token).status_code == 403
    assert not any(value in done.stdout + done.stderr for value in (token, new, openbao.root))
    again = somebody.run(*words, cwd=tmp_path / "repo", environ=openbao.environ())
    assert again.returncode == 0
    assert openbao.data(path)["VAULT_TOKEN"] == new


def test_a_secret_id_of_an_application(somebody: CommandLine, openbao: OpenBao, tmp_path: Path) -> None:
    """It is found beside its role id, its role is found without being named, and it dies with an intruder's token."""
    if "approle/" not in openbao.done("GET", "sys/auth")["data"]:
        openbao.done("POST", "sys/auth/approle", {"type": "approle"})
    name = "journey-" + secrets.token_hex(4)
    role = f"auth/approle/role/{name}"
    openbao.done("POST", role, {"token_policies": ["default"], "secret_id_ttl": "720h"})
    role_id = str(openbao.done("GET", f"{role}/role-id")["data"]["role_id"])
    old = str(openbao.done("POST", f"{role}/secret-id")["data"]["secret_id"])

    def login(secret_id: str) -> str:
        answer = openbao.ask("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id})
        return str(answer.json()["auth"]["client_token"]) if answer.ok else ""

    intruder = login(old)
    credential = leaked(somebody, tmp_path / "repo", f"ROLE_ID={role_id}\nSECRET_ID={old}\n")
    words = ("rotate", credential, "--to", f"ref+vault://secret/{name}#/VAULT_SECRET_ID")
    plan = somebody.run(*words, "--plan", cwd=tmp_path / "repo", environ=openbao.environ())
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "secret_id_ttl" in plan.stdout
    assert openbao.ask("POST", "auth/token/lookup", {"token": intruder}).ok
    done = somebody.run(*words, "--yes", cwd=tmp_path / "repo", environ=openbao.environ())
    assert done.returncode == 0, done.stdout + done.stderr
    new = openbao.data(name)["VAULT_SECRET_ID"]
    assert login(new)
    assert not login(old)
    assert not openbao.ask("POST", "auth/token/lookup", {"token": intruder}).ok
    assert len(openbao.done("LIST", f"{role}/secret-id")["data"]["keys"]) == 1
    assert not any(value in plan.stdout + done.stdout + done.stderr for value in (old, new, openbao.root))
    again = somebody.run(*words, "--yes", cwd=tmp_path / "repo", environ=openbao.environ())
    assert again.returncode == 0
    assert openbao.data(name)["VAULT_SECRET_ID"] == new


def test_a_password_of_a_static_role(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, link: Proxy, tmp_path: Path
) -> None:
    user, _ = postgres.role()
    body = {"db_name": "main", "username": user, "rotation_period": "24h"}
    openbao.done("POST", f"database/static-roles/{user}", body)
    old, path = openbao.done("GET", f"database/static-creds/{user}")["data"]["password"], "journey-" + user
    credential = leaked(somebody, tmp_path / "repo", f"DATABASE_URL={postgres.dsn(user, old)}\n")
    words = ("rotate", credential, "--rotator", "vault-database", "--to", f"ref+vault://secret/{path}#/DATABASE_URL")
    with postgres.connected(user, old) as intruder:
        done = somebody.run(*words, "--yes", cwd=tmp_path / "repo", environ=openbao.environ())
        assert done.returncode == 0, done.stdout + done.stderr
        assert intruder.closed or not postgres.run("SELECT 1 FROM pg_stat_activity WHERE usename = %s", user)
    fields = openbao.data(path)
    assert postgres.lets_in(fields["username"], fields["password"])
    assert not postgres.lets_in(user, old)
    assert fields["password"] == openbao.done("GET", f"database/static-creds/{user}")["data"]["password"]
    assert fields["DATABASE_URL"] == postgres.dsn(user, fields["password"])
    assert not any(value in done.stdout + done.stderr for value in (old, fields["password"], openbao.root))
    state = [one.read_bytes() for one in (tmp_path / "home").rglob("*") if one.is_file()]
    assert state
    assert not any(value.encode() in one for one in state for value in (old, fields["password"], openbao.root))


def stopped_before_publishing(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, folder: Path, path: str
) -> tuple[str, str, str]:
    """Rotate a role until its new password is in force, and no further; return the credential and the old login."""
    user, old = postgres.role()
    openbao.done("POST", f"secret/data/{path}", {"data": {"DATABASE_URL": postgres.dsn(user, old), "OTHER": "1"}})
    credential = leaked(somebody, folder, f"DATABASE_URL={postgres.dsn(user, old)}\n")
    with proxy(openbao.port) as between:
        between.will("cut", b"sg_rotation", times=99)
        words = ("rotate", credential, "--to", f"ref+vault://secret/{path}#/DATABASE_URL", "--yes")
        cut = openbao.environ(VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        done = somebody.run(*words, cwd=folder, environ=cut)
    assert done.returncode == 3, done.stdout + done.stderr
    assert not postgres.lets_in(user, old)
    return credential, user, old


def test_a_document_that_terraform_writes_anew_in_the_middle(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, tmp_path: Path
) -> None:
    path, folder = "journey-" + secrets.token_hex(4), tmp_path / "repo"
    credential, user, old = stopped_before_publishing(somebody, openbao, postgres, folder, path)
    theirs = {"DATABASE_URL": postgres.dsn(user, old), "OTHER": "2", "MORE": "3"}
    openbao.done("POST", f"secret/data/{path}", {"data": theirs})
    done = somebody.run("rotate", "resume", credential, cwd=folder, environ=openbao.environ())
    assert done.returncode == 0, done.stdout + done.stderr
    now = openbao.data(path)
    assert (now["OTHER"], now["MORE"]) == ("2", "3")
    assert postgres.lets_in(user, now["password"])
    assert now["password"] in now["DATABASE_URL"]


def test_what_somebody_wrote_to_the_field_in_the_middle_is_kept_until_he_says_otherwise(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, tmp_path: Path
) -> None:
    path, folder = "journey-" + secrets.token_hex(4), tmp_path / "repo"
    credential, user, _ = stopped_before_publishing(somebody, openbao, postgres, folder, path)
    theirs = "postgresql://elsewhere/db"
    openbao.done("POST", f"secret/data/{path}", {"data": {"DATABASE_URL": theirs, "OTHER": "2"}})
    resume = ("rotate", "resume", credential)
    told = somebody.run(*resume, cwd=folder, environ=openbao.environ())
    assert told.returncode == 4, told.stdout + told.stderr
    assert openbao.data(path)["DATABASE_URL"] == theirs
    assert "somebody wrote DATABASE_URL since the new value was staged" in told.stderr
    (emptying,) = re.findall(r"`secretguard (store put ref\S+ --empty)`", told.stderr)
    assert somebody.run(*emptying.split(), cwd=folder, environ=openbao.environ()).returncode == 0
    done = somebody.run(*resume, cwd=folder, environ=openbao.environ())
    assert done.returncode == 0, done.stdout + done.stderr
    assert postgres.lets_in(user, openbao.data(path)["password"])


def test_a_field_of_our_own_is_refused_and_nothing_is_begun(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, tmp_path: Path
) -> None:
    user, old = postgres.role()
    credential = leaked(somebody, tmp_path / "repo", f"DATABASE_URL={postgres.dsn(user, old)}\n")
    reference = f"ref+vault://secret/own-{secrets.token_hex(4)}#/sg_pending"
    words = ("rotate", credential, "--to", reference, "--yes")
    done = somebody.run(*words, cwd=tmp_path / "repo", environ=openbao.environ())
    assert done.returncode == 3
    assert "fields that begin with sg_ are kept for rotations" in done.stderr
    assert "rot_" not in somebody.run("rotate", "status", cwd=tmp_path).stdout
    assert postgres.lets_in(user, old)


def test_a_plan_needs_no_right_to_write(
    somebody: CommandLine, openbao: OpenBao, postgres: Postgres, tmp_path: Path
) -> None:
    user, old = postgres.role()
    path = "journey-" + secrets.token_hex(4)
    openbao.done("POST", f"secret/data/{path}", {"data": {"username": "somebody-else"}})
    reading = openbao.limited('path "secret/data/*" { capabilities = ["read"] }')
    credential = leaked(somebody, tmp_path / "repo", f"DATABASE_URL={postgres.dsn(user, old)}\n")
    words = ("rotate", credential, "--to", f"ref+vault://secret/{path}#/DATABASE_URL")
    plan = somebody.run(*words, "--plan", cwd=tmp_path / "repo", environ=openbao.environ(reading))
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "TO BE GRANTED" in plan.stdout
    assert f'path "secret/destroy/{path}"' in plan.stdout
    assert "IN THE WAY" not in plan.stdout
    assert "holds something else in username, which is replaced" in plan.stdout
    refused = somebody.run(*words, "--yes", cwd=tmp_path / "repo", environ=openbao.environ(reading))
    assert refused.returncode == 3
    assert postgres.lets_in(user, old)
    assert set(openbao.data(path)) == {"username"}
