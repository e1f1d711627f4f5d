"""`user@host` is an account a host: what is refused to this machine may open another one's."""

import secrets
from pathlib import Path

import pytest
from secretguard_mysql import rotator
from secretguard_mysql.passwords import stored_form

from secretguard.errors import IssuerError
from secretguard.rotation import Found
from secretguard.secret import Secret
from secretguard.testing import RepositoryBuilder
from tests.journeys.running import CommandLine
from tests.servers.leaked_logins import context, said, target, told
from tests.servers.mariadb import MariaDB

pytestmark = pytest.mark.usefixtures("fresh_breakers")
FAR = "10.%"


@pytest.fixture
def somebody(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path / "home", tmp_path_factory.getbasetemp() / "home" / "cache")


def leaked(somebody: CommandLine, folder: Path, dsn: str) -> str:
    builder = RepositoryBuilder(folder)
    builder.write("deploy/.env", f"DATABASE_URL={dsn}\n".encode())
    builder.commit("Deploy")
    (one,) = somebody.scan("--history", cwd=folder, code=1)["credentials"]
    return str(one["id"])


def kept(mariadb: MariaDB, user: str) -> dict[str, str]:
    """What the server keeps of each account of a name."""
    return dict(
        mariadb.run(
            "SELECT Host, JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = %s", user
        )
    )


def hashed(password: str) -> str:
    return stored_form("mysql_native_password", Secret(password))


def test_an_account_for_other_hosts_is_rotated_by_an_operator(
    somebody: CommandLine, mariadb: MariaDB, tmp_path: Path
) -> None:
    user, password = mariadb.user(at=FAR)
    credential = leaked(somebody, tmp_path / "repo", mariadb.dsn(user, password))
    words = ("rotate", credential, "--to", "ref+local://far#/DATABASE_URL", "--yes")
    alone = somebody.run(*words, cwd=tmp_path / "repo")
    assert alone.returncode == 3
    assert "is refused to this machine, and may live" in alone.stderr
    assert "--admin REF" in alone.stderr
    assert "nothing to rotate" not in alone.stdout + alone.stderr
    assert kept(mariadb, user) == {FAR: hashed(password)}
    helped = somebody.run(
        *words, "--admin", "ref+env://KEEPER", cwd=tmp_path / "repo", environ={"KEEPER": mariadb.operator}
    )
    assert helped.returncode == 0, helped.stdout + helped.stderr
    assert "not proven" not in helped.stdout
    assert f"no account of {user} has this password" in helped.stdout
    new = somebody.run("store", "get", "ref+local://far#/password", "--show-secrets", cwd=tmp_path).stdout.strip()
    assert kept(mariadb, user) == {FAR: hashed(new)}


def test_without_an_operator_the_end_says_which_accounts_nobody_saw(
    somebody: CommandLine, mariadb: MariaDB, tmp_path: Path
) -> None:
    user, password = mariadb.user()
    mariadb.run("CREATE USER %s@'%%' IDENTIFIED BY %s", user, password)
    credential = leaked(somebody, tmp_path / "repo", mariadb.dsn(user, password))
    words = ("rotate", credential, "--to", "ref+local://both#/DATABASE_URL", "--yes")
    done = somebody.run(*words, cwd=tmp_path / "repo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(mariadb, user)["%"] == hashed(password)
    unseen = f"accounts of {user} for other hosts than this machine, at 127.0.0.1:{mariadb.port}"
    assert f"not proven dead: {unseen}" in done.stdout
    assert f"{credential} is dead as far as it can be seen" in done.stdout
    assert unseen in somebody.run("rotate", "report", credential, cwd=tmp_path / "repo").stdout
    assert unseen in somebody.run("rotate", "status", cwd=tmp_path / "repo").stdout
    again = somebody.run(*words, cwd=tmp_path / "repo")
    assert again.returncode == 0
    assert kept(mariadb, user)["%"] == hashed(password)
    keeper = {"KEEPER": mariadb.operator}
    apart = ("rotate", credential, "--to", "ref+local://others#/DATABASE_URL", "--yes", "--admin", "ref+env://KEEPER")
    helped = somebody.run(*apart, cwd=tmp_path / "repo", environ=keeper)
    assert helped.returncode == 0, helped.stdout + helped.stderr
    assert "not proven" not in helped.stdout
    assert hashed(password) not in kept(mariadb, user).values()
    closed = somebody.run(*apart, cwd=tmp_path / "repo", environ=keeper)
    assert closed.returncode == 0
    assert "Plan for" not in closed.stdout


def test_with_an_operator_the_accounts_of_every_host_are_seen_whatever_the_server_is_called(mariadb: MariaDB) -> None:
    user, password = mariadb.user(at=FAR)
    mariadb.run("CREATE USER %s@'192.0.2.%%' IDENTIFIED BY %s", user, password)
    named = mariadb.operator.replace("@127.0.0.1:", "@localhost:")
    here, now = target(mariadb, user, password, admin=named), context()
    assert rotator.verify(here, here.leaked, now).works
    assert not rotator.preflight(here, now).stopped
    new = rotator.make(here, now)
    assert new is not None
    assert rotator.verify(here, new, now).refused
    rotator.issue(here, new, now)
    assert rotator.reconcile(here, new, now) is Found.ISSUED
    assert rotator.verify(here, new, now).works
    rotator.disable(here, new, now)
    assert rotator.verify(here, here.leaked, now).refused
    assert rotator.unproven(here, now) == ()
    assert set(kept(mariadb, user).values()) == {hashed(new.secret.reveal())}


def test_an_operator_who_does_not_answer_leaves_a_refusal_unproven(mariadb: MariaDB) -> None:
    user, password = mariadb.user(at=FAR)
    wrong = mariadb.operator.replace("root:", "root:wrong")
    here, now = target(mariadb, user, password, admin=wrong), context()
    ((_, answer, words),) = rotator.verify(here, here.leaked, now).answers
    assert str(answer) == "unknown"
    assert "the operator's login does not tell" in words


def test_an_account_that_keeps_the_leaked_password_in_another_form_is_in_the_way(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    mariadb.run("CREATE USER %s@'10.%%' IDENTIFIED VIA ed25519 USING PASSWORD(%s)", user, password)
    found = rotator.preflight(target(mariadb, user, password, admin=True), context())
    assert f"also opens {user}@{FAR} by ed25519" in said(found)


def test_an_account_whose_password_nobody_keeps_is_named_as_unproven(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    mariadb.run("CREATE USER %s@'10.%%' IDENTIFIED VIA mysql_old_password USING '0123456789abcdef'", user)
    here, now = target(mariadb, user, password, admin=True), context()
    assert f"whether the leaked password opens {user}@{FAR} cannot be seen" in told(rotator.preflight(here, now))
    assert rotator.unproven(here, now) == (
        f"{user}@{FAR} at 127.0.0.1:{mariadb.port}, which logs in by mysql_old_password",
    )


def test_a_leaked_login_that_sees_the_others_is_not_rotated_alone(mariadb: MariaDB) -> None:
    user, password = mariadb.user()
    mariadb.run("GRANT SELECT ON mysql.global_priv TO %s@'127.0.0.1'", user)
    here = target(mariadb, user, password)
    assert not rotator.preflight(here, context()).stopped
    mariadb.run("CREATE USER %s@'10.%%' IDENTIFIED BY %s", user, password)
    mariadb.run("CREATE USER %s@'192.0.2.1' IDENTIFIED BY %s", user, secrets.token_hex(8))
    found = said(rotator.preflight(here, context()))
    assert f"opens {user}@{FAR} too" in found
    assert "--admin" in found


def test_an_operator_who_is_not_let_in_is_told_what_to_look_at(mariadb: MariaDB) -> None:
    wrong = mariadb.operator.replace("root:", "root:wrong")
    here = target(mariadb, *mariadb.user(), admin=wrong)
    with pytest.raises(IssuerError, match="the operator's login: ") as refused:
        rotator.preflight(here, context())
    assert refused.value.hint == "Check user, password, host and port of what the admin reference resolves to."
