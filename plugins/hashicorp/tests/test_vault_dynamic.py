"""Logins that the database engine made for a while: the lease ends, and the sessions with it."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest
import secretguard_hashicorp.dynamic_rotator as rotator

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.rotation import Context, Found, Login, Overlap, Target
from secretguard.secret import Secret
from secretguard.testing.store_place import a_rotation
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy, proxy

as_protocol: Rotator = rotator
"""mypy sees here that the module is one."""
CREATION = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"


@dataclass
class Made:
    """A login that OpenBao made, and its lease."""

    openbao: OpenBao
    postgres: Postgres
    role: str
    user: str
    password: str
    lease: str

    @property
    def target(self) -> Target:
        at = Endpoint(self.postgres.host, self.postgres.port, "postgres")
        return Target("sg_000000000000", "postgres", "postgres", Login(self.user, Secret(self.password)), (at,))

    def context(self, token: str | None = None, **environ: str) -> Context:
        named = {"SECRETGUARD_VAULT_ROLE": f"database/{self.role}", **environ}
        return Context(self.openbao.environ(token, **named), a_rotation(), timeout=8.0)

    def users(self, expected: int) -> list[str]:
        """The users that are there of those that this role made."""
        return self.postgres.roles_like(f"v-%-{self.role[:8]}-%", expected)

    def sessions(self) -> list[object]:
        """Sessions of users that are not there any more."""
        return [
            row[0]
            for row in self.postgres.run(
                "SELECT pid FROM pg_stat_activity LEFT JOIN pg_roles ON pg_roles.oid = usesysid"
                " WHERE usesysid IS NOT NULL AND pg_roles.oid IS NULL"
            )
        ]


def a_login(openbao: OpenBao, postgres: Postgres, role: str) -> Made:
    answer = openbao.done("GET", f"database/creds/{role}")
    return Made(openbao, postgres, role, answer["data"]["username"], answer["data"]["password"], answer["lease_id"])


@pytest.fixture
def made(openbao: OpenBao, postgres: Postgres, link: Proxy) -> Iterator[Made]:
    role = "app-" + secrets.token_hex(4)
    body = {"db_name": "main", "creation_statements": [CREATION], "default_ttl": "1h", "max_ttl": "24h"}
    openbao.done("POST", f"database/roles/{role}", body)
    yield a_login(openbao, postgres, role)
    link.will("")
    openbao.done("PUT", f"sys/leases/revoke-prefix/database/creds/{role}", {"sync": True})


def is_alive(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("SELECT count(*) FROM pg_class")
    except psycopg.OperationalError:
        return False
    return True


def test_a_revoked_lease_alone_leaves_sessions_alive(made: Made) -> None:
    """Why `disable` does more than that."""
    with made.postgres.connected(made.user, made.password) as intruder:
        made.openbao.done("PUT", "sys/leases/revoke", {"lease_id": made.lease, "sync": True})
        assert not made.postgres.lets_in(made.user, made.password)
        assert is_alive(intruder)


def test_a_rotation_from_beginning_to_end(made: Made) -> None:
    target, context = made.target, made.context()
    time.sleep(2)  # the new one is of another second, as it is with one that leaked
    with made.postgres.connected(made.user, made.password) as intruder:
        seen = rotator.preflight(target, context)
        assert not seen.stopped
        assert any("no longer than the token" in one.what for one in seen.findings)
        assert rotator.overlap(target, context) is Overlap.MANY
        assert rotator.make(target, context) is None
        assert rotator.reconcile(target, None, context) is Found.NOTHING
        new = rotator.issue(target, None, context)
        assert new.user != made.user
        assert rotator.reconcile(target, new, context) is Found.ISSUED
        assert rotator.verify(target, new, context).works
        assert rotator.usage(target, new, context).users == 1
        assert is_alive(intruder)
        evidence = rotator.disable(target, new, context)
        assert not is_alive(intruder)
    assert "1 other sessions" in " ".join(evidence)
    assert rotator.verify(target, target.leaked, context).refused
    assert rotator.verify(target, new, context).works
    rotator.disable(target, new, context)
    rotator.destroy(target, new, context)
    assert made.sessions() == []


def test_the_leases_of_others_live_on(made: Made) -> None:
    """Logins of one role are told apart by when they were made; those of the same moment have to be named."""
    neighbour = a_login(made.openbao, made.postgres, made.role)
    seen = rotator.preflight(made.target, made.context())
    assert seen.stopped
    assert any("2 leases" in one.what for one in seen.findings)
    with pytest.raises(IssuerError, match="2 leases"):
        rotator.disable(made.target, None, made.context())
    assert made.postgres.lets_in(made.user, made.password)
    named = made.context(SECRETGUARD_VAULT_LEASE=made.lease)
    assert not rotator.preflight(made.target, named).stopped
    rotator.disable(made.target, None, named)
    assert rotator.verify(made.target, made.target.leaked, named).refused
    assert made.postgres.lets_in(neighbour.user, neighbour.password)


def test_what_is_withdrawn_is_dropped_and_the_leaked_login_is_not(made: Made) -> None:
    """Also when its lease is not known any more, as after a crash."""
    for forgotten in (False, True):
        context = made.context()
        new = rotator.issue(made.target, None, context)
        rotator.withdraw(made.target, replace(new, id="") if forgotten else new, context)
        assert not made.postgres.lets_in(new.user, new.secret.reveal())
    assert made.postgres.lets_in(made.user, made.password)


def test_a_login_whose_answer_was_lost_is_found_by_the_token_that_had_it_made(made: Made) -> None:
    context = made.context()
    with proxy(made.openbao.port) as between:
        lossy = replace(context, environ={**context.environ, "VAULT_ADDR": f"http://127.0.0.1:{between.port}"})
        between.will("drop", f"GET /v1/database/creds/{made.role} ".encode())
        with pytest.raises(IssuerError) as caught:
            rotator.issue(made.target, None, lossy)
    assert caught.value.unsure
    assert len(made.users(2)) == 2
    assert rotator.reconcile(made.target, None, context) is Found.ORPHAN
    assert rotator.reconcile(made.target, None, made.context()) is Found.NOTHING
    rotator.withdraw(made.target, None, context)
    assert rotator.reconcile(made.target, None, context) is Found.NOTHING
    assert made.users(1) == [made.user]
    assert made.postgres.lets_in(made.user, made.password)


def test_a_revocation_whose_answer_is_lost_can_be_repeated(made: Made) -> None:
    new = rotator.issue(made.target, None, made.context())
    with proxy(made.openbao.port) as between:
        lossy = made.context(VAULT_ADDR=f"http://127.0.0.1:{between.port}", SECRETGUARD_VAULT_LEASE=made.lease)
        between.will("drop", b"PUT /v1/sys/leases/revoke")
        with pytest.raises(IssuerError) as caught:
            rotator.disable(made.target, new, lossy)
        assert caught.value.unsure
        rotator.disable(made.target, new, lossy)
    assert rotator.verify(made.target, made.target.leaked, made.context()).refused


def test_sessions_that_outlived_a_broken_run_are_told(made: Made) -> None:
    """The lease was revoked and nobody sent out the sessions: only a superuser can now."""
    new = rotator.issue(made.target, None, made.context())
    with made.postgres.connected(made.user, made.password) as intruder:
        made.openbao.done("PUT", "sys/leases/revoke", {"lease_id": made.lease, "sync": True})
        with pytest.raises(IssuerError, match="dropped are alive") as caught:
            rotator.disable(made.target, new, made.context(SECRETGUARD_VAULT_LEASE=made.lease))
        assert "pg_terminate_backend" in caught.value.hint
        assert is_alive(intruder)
    made.postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s)", made.sessions())
    rotator.disable(made.target, new, made.context(SECRETGUARD_VAULT_LEASE=made.lease))


def test_without_the_name_of_its_role_nothing_is_guessed(made: Made) -> None:
    with pytest.raises(IssuerError, match="which role"):
        rotator.preflight(made.target, Context(made.openbao.environ(), a_rotation()))


def test_the_rights_that_the_readme_names_are_enough(made: Made) -> None:
    limited = made.openbao.limited(f"""
        path "database/roles/{made.role}" {{ capabilities = ["read"] }}
        path "database/creds/{made.role}" {{ capabilities = ["read"] }}
        path "sys/leases/lookup/database/creds/{made.role}/" {{ capabilities = ["list", "sudo"] }}
        path "sys/leases/lookup" {{ capabilities = ["update"] }}
        path "sys/leases/revoke" {{ capabilities = ["update"] }}
        path "auth/token/create" {{ capabilities = ["update"] }}
        path "auth/token/accessors" {{ capabilities = ["list", "sudo"] }}
        path "auth/token/lookup-accessor" {{ capabilities = ["update"] }}
        path "auth/token/revoke-accessor" {{ capabilities = ["update"] }}
    """)
    context = made.context(limited)
    assert not rotator.preflight(made.target, context).stopped
    new = rotator.issue(made.target, None, made.context(limited, SECRETGUARD_VAULT_LEASE=made.lease))
    rotator.disable(made.target, new, made.context(limited, SECRETGUARD_VAULT_LEASE=made.lease))
    assert rotator.verify(made.target, made.target.leaked, context).refused
    nothing = made.openbao.limited(f'path "database/roles/{made.role}" {{ capabilities = ["read"] }}')
    hints = " ".join(one.hint for one in rotator.preflight(made.target, made.context(nothing)).findings if one.stops)
    lookup = f"sys/leases/lookup/database/creds/{made.role}/"
    for path in (
        f"database/creds/{made.role}",
        "auth/token/create",
        "auth/token/accessors",
        "sys/leases/revoke",
        lookup,
    ):
        assert f'path "{path}"' in hints
