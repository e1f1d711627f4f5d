"""PostgreSQL users that the database engine manages: real OpenBao in front of real PostgreSQL."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest
import secretguard_hashicorp.database_rotator as rotator
from psycopg import sql

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Target
from secretguard.secret import Secret
from secretguard.testing import exposure
from secretguard.testing.store_place import a_rotation
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy, proxy

as_protocol: Rotator = rotator
"""mypy sees here that the module is one."""
ENGINE = "database"


@dataclass
class Managed:
    """A PostgreSQL user whose password OpenBao manages, as a static role of the same name."""

    openbao: OpenBao
    postgres: Postgres
    user: str
    leaked: str
    link: Proxy
    """Between OpenBao and the database."""

    @property
    def target(self) -> Target:
        return Target(
            "sg_000000000000",
            "postgres",
            "postgres",
            Login(self.user, Secret(self.leaked)),
            (Endpoint(self.postgres.host, self.postgres.port, "postgres"),),
        )

    def context(self, token: str | None = None, **environ: str) -> Context:
        return Context(self.openbao.environ(token, **environ), a_rotation(), timeout=8.0)

    def kept(self) -> str:
        return str(self.openbao.done("GET", f"{ENGINE}/static-creds/{self.user}")["data"]["password"])

    def set_password(self, password: str) -> None:
        self.postgres.run(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(self.user), sql.Literal(password))  # type: ignore[arg-type]
        )

    def sessions(self) -> int:
        return len(self.postgres.run("SELECT pid FROM pg_stat_activity WHERE usename = %s", self.user))


@pytest.fixture
def managed(openbao: OpenBao, postgres: Postgres, link: Proxy) -> Iterator[Managed]:
    user, _ = postgres.role()
    made = {"db_name": "main", "username": user, "rotation_period": "24h"}
    openbao.done("POST", f"{ENGINE}/static-roles/{user}", made)
    one = Managed(openbao, postgres, user, "", link)
    one.leaked = one.kept()
    yield one
    link.will("")
    openbao.done("DELETE", f"{ENGINE}/static-roles/{user}")


def is_alive(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_rotation_from_beginning_to_end(managed: Managed) -> None:
    target, context = managed.target, managed.context()
    with managed.postgres.connected(managed.user, managed.leaked) as intruder:
        seen = rotator.preflight(target, context)
        assert not seen.stopped
        assert any("again every 86400 seconds" in one.what for one in seen.findings)
        assert rotator.overlap(target, context) is Overlap.NONE
        assert rotator.make(target, context) is None
        assert rotator.reconcile(target, None, context) is Found.NOTHING
        assert is_alive(intruder)
        new = rotator.issue(target, None, context)
        assert not is_alive(intruder)
    assert rotator.reconcile(target, new, context) is Found.ISSUED
    assert rotator.verify(target, new, context).works
    assert rotator.verify(target, target.leaked, context).refused
    assert new.secret.reveal() == managed.kept()
    rotator.disable(target, new, context)
    rotator.destroy(target, new, context)
    assert managed.sessions() == 0
    assert new.secret.reveal() not in managed.postgres.log
    assert managed.leaked not in managed.postgres.log


def test_issuing_twice_makes_one_new_password(managed: Managed) -> None:
    first = rotator.issue(managed.target, None, managed.context())
    again = rotator.issue(managed.target, None, managed.context())
    assert first.secret.same_as(again.secret)
    assert rotator.issue(managed.target, first, managed.context()).secret.same_as(first.secret)


def test_one_with_an_open_session_who_sets_the_password_back_loses(managed: Managed) -> None:
    """The database has the leaked password again, the server another one: it is made anew, and the session ended."""
    first = rotator.issue(managed.target, None, managed.context())
    managed.set_password(managed.leaked)
    new = rotator.issue(managed.target, None, managed.context())
    assert not new.secret.same_as(first.secret)
    assert rotator.verify(managed.target, new, managed.context()).works
    assert rotator.verify(managed.target, managed.target.leaked, managed.context()).refused


def test_a_stored_password_that_somebody_replaced_is_told_and_not_swapped(managed: Managed) -> None:
    """What is pending in a store cannot change any more."""
    new = rotator.issue(managed.target, None, managed.context())
    managed.set_password(managed.leaked)
    with pytest.raises(IssuerError, match="somebody set another one"):
        rotator.issue(managed.target, new, managed.context())
    managed.openbao.done("POST", f"{ENGINE}/rotate-role/{managed.user}")
    with pytest.raises(IssuerError, match="rotated again since"):
        rotator.issue(managed.target, new, managed.context())
    assert rotator.reconcile(managed.target, new, managed.context()) is Found.NOTHING


def test_an_answer_that_is_lost_is_looked_for(managed: Managed) -> None:
    with proxy(managed.openbao.port) as between:
        lossy = managed.context(VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("drop", b"POST /v1/database/rotate-role/", times=100)
        new = rotator.issue(managed.target, None, lossy)
        assert len(between.seen) == 1
    assert rotator.verify(managed.target, new, managed.context()).works


def test_a_request_that_never_arrived_changes_nothing(managed: Managed) -> None:
    with proxy(managed.openbao.port) as between:
        lossy = managed.context(VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("cut", b"POST /v1/database/rotate-role/")
        with pytest.raises(IssuerError) as caught:
            rotator.issue(managed.target, None, lossy)
    assert caught.value.unsure
    assert exposure(caught.value, managed.leaked) == []
    assert managed.kept() == managed.leaked


def test_a_password_that_never_reached_the_database_is_made_anew(managed: Managed) -> None:
    """The server's own commit is lost on the way to the database: what it has then may not log in."""
    managed.link.will("drop", b"COMMIT", times=1)
    managed.openbao.ask("POST", f"{ENGINE}/rotate-role/{managed.user}")
    managed.link.will("")
    managed.set_password("another")
    new = rotator.issue(managed.target, None, managed.context())
    assert managed.postgres.lets_in(managed.user, new.secret.reveal())


def test_a_database_that_cannot_be_reached_by_the_server_is_told(managed: Managed) -> None:
    managed.link.will("cut", times=1000)
    with pytest.raises(IssuerError) as caught:
        rotator.issue(managed.target, None, managed.context())
    assert caught.value.transient
    managed.link.will("")
    assert managed.postgres.lets_in(
        managed.user, rotator.issue(managed.target, None, managed.context()).secret.reveal()
    )


def test_the_role_is_found_by_its_user_or_named_by_the_operator(managed: Managed) -> None:
    named = managed.context(SECRETGUARD_VAULT_ROLE=f"{ENGINE}/{managed.user}")
    assert not rotator.preflight(managed.target, named).stopped
    for role in ("nosuch", f"nosuch/{managed.user}", "../../sys/mounts"):
        with pytest.raises(IssuerError):
            rotator.preflight(managed.target, managed.context(SECRETGUARD_VAULT_ROLE=role))
    stranger = replace(managed.target, leaked=Login("stranger", Secret("x")))
    with pytest.raises(IssuerError, match="no static role for the user stranger"):
        rotator.preflight(stranger, managed.context())
    assert rotator.preflight(stranger, named).stopped


def test_a_role_of_another_database_is_not_rotated(managed: Managed, postgres16: Postgres) -> None:
    """The same user at another server: the leaked password leads there, the role does not."""
    postgres16.role(managed.user)
    other = "other-" + secrets.token_hex(8)
    postgres16.run(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(managed.user), sql.Literal(other))  # type: ignore[arg-type]
    )
    target = replace(
        managed.target,
        leaked=Login(managed.user, Secret(other)),
        endpoints=(Endpoint(postgres16.host, postgres16.port, "postgres"),),
    )
    assert rotator.verify(target, target.leaked, managed.context()).works
    seen = rotator.preflight(target, managed.context())
    assert seen.stopped
    assert any("refused where the leaked one leads" in one.what for one in seen.findings)


def test_the_servers_own_login_is_never_rotated(managed: Managed) -> None:
    user, password = managed.postgres.role()
    managed.openbao.done("POST", f"{ENGINE}/config/own-{user}", {
        "plugin_name": "postgresql-database-plugin",
        "allowed_roles": "*",
        "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{managed.postgres.port}/postgres",
        "username": user,
        "password": password,
    })  # fmt: skip
    managed.openbao.done(
        "POST", f"{ENGINE}/static-roles/{user}", {"db_name": f"own-{user}", "username": user, "rotation_period": "24h"}
    )
    target = replace(managed.target, leaked=Login(user, Secret(password)))
    seen = rotator.preflight(target, managed.context())
    (stop,) = [one for one in seen.findings if one.stops]
    assert "itself manages the database" in stop.what
    assert "rotate-root" in stop.hint
    assert any("plain text" in one.what for one in seen.findings)


def test_preflight_names_the_rights_that_are_missing(managed: Managed) -> None:
    limited = managed.openbao.limited(f"""
        path "{ENGINE}/static-roles" {{ capabilities = ["list"] }}
        path "{ENGINE}/static-roles/*" {{ capabilities = ["read"] }}
    """)
    seen = rotator.preflight(managed.target, managed.context(limited))
    hints = "\n".join(one.hint for one in seen.findings if one.stops)
    assert f'path "{ENGINE}/static-creds/{managed.user}" {{ capabilities = ["read"] }}' in hints
    assert f'path "{ENGINE}/rotate-role/{managed.user}" {{ capabilities = ["update"] }}' in hints


def test_the_rights_that_the_readme_names_are_enough(managed: Managed) -> None:
    limited = managed.openbao.limited(f"""
        path "{ENGINE}/static-roles" {{ capabilities = ["list"] }}
        path "{ENGINE}/static-roles/{managed.user}" {{ capabilities = ["read"] }}
        path "{ENGINE}/static-creds/{managed.user}" {{ capabilities = ["read"] }}
        path "{ENGINE}/rotate-role/{managed.user}" {{ capabilities = ["update"] }}
        path "{ENGINE}/config/main" {{ capabilities = ["read"] }}
    """)
    context = managed.context(limited, SECRETGUARD_VAULT_ROLE=managed.user)
    seen = rotator.preflight(managed.target, context)
    assert not seen.stopped
    assert not any("cannot be looked at" in one.what for one in seen.findings)
    assert rotator.verify(managed.target, rotator.issue(managed.target, None, context), context).works


def test_a_server_that_does_not_answer_is_unknown(managed: Managed) -> None:
    target = replace(managed.target, endpoints=(Endpoint("127.0.0.1", 1, "x"), Endpoint("169.254.169.254", 5432)))
    answers = rotator.verify(target, target.leaked, managed.context()).answers
    assert [answer for _, answer, _ in answers] == [Answer.UNKNOWN, Answer.UNKNOWN]
    assert managed.leaked not in repr(answers)


def test_a_database_that_does_not_exist_still_tells_who_may_log_in(managed: Managed) -> None:
    target = replace(managed.target, endpoints=(Endpoint("127.0.0.1", managed.postgres.port, "nosuch"),))
    assert rotator.verify(target, target.leaked, managed.context()).works
    wrong = Login(managed.user, Secret("wrong"))
    assert rotator.verify(target, wrong, managed.context()).refused
