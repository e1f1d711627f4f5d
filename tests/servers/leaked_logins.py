"""A login of one of our servers that leaked, as a rotator sees it, and what holds of each rotator of such logins."""

import secrets
from dataclasses import replace
from typing import Any, Protocol

import pytest

from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Found, Login, Spelling, Target
from secretguard.secret import Secret
from tests.servers.proxy import proxy


class Server(Protocol):
    """A server that keeps logins."""

    host: str
    port: int
    rotator: str
    family: str
    kind: str

    @property
    def operator(self) -> str: ...

    def database(self, user: str) -> str: ...

    def dsn(self, user: str, password: str) -> str: ...


def context(**more: Any) -> Context:
    """What a rotation of its own is done with."""
    return Context(**{"environ": {}, "rotation": "rot_" + secrets.token_hex(8), "timeout": 5.0} | more)


def target(
    server: Server, user: str, password: str, *, admin: bool | str = False, port: int = 0, database: str | None = None
) -> Target:
    """The login in a URI; `admin`: the server's operator or another one helps; `port`: of what stands before it."""
    at = Endpoint(server.host, port or server.port, server.database(user) if database is None else database)
    operator = admin if isinstance(admin, str) else server.operator
    return Target(
        "sg_000000000000", server.kind, server.family, Login(user, Secret(password)), (at,),
        (Spelling("uri", Secret(server.dsn(user, password)), (at,)),), Secret(operator) if admin else None,
    )  # fmt: skip


def spelled(here: Target, text: str) -> Target:
    """The same login, leaked in another spelling."""
    return replace(here, spellings=(Spelling("uri", Secret(text), here.endpoints),))


def told(found: Any) -> str:
    """All that preflight says."""
    return " ".join(f"{one.what} {one.hint}" for one in found.findings)


def said(found: Any) -> str:
    """What stands in the way."""
    return " ".join(f"{one.what} {one.hint}" for one in found.findings if one.stops)


def check_no_answer(rotator: Rotator, here: Target, now: Context, words: str = "") -> None:
    """Nobody knows whether the leaked password works; what is said of it holds `words`, and not the password."""
    ((_, answer, told_of_it),) = rotator.verify(here, here.leaked, now).answers
    assert answer is Answer.UNKNOWN
    assert words in told_of_it
    assert here.leaked.secret.reveal() not in told_of_it


@pytest.mark.usefixtures("fresh_breakers")
class LoginRotatorContract:
    """What holds whichever server it is. A class of a plugin's tests names its rotator and the fixture of its server."""

    rotator: Rotator
    fixture: str
    tls: str
    """Begins a URI that asks for TLS."""

    @pytest.fixture
    def server(self, request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(self.fixture)

    def test_it_is_a_rotator(self, server: Any) -> None:
        as_protocol: Rotator = self.rotator
        assert as_protocol.families == (server.family,)

    def test_a_cut_connection_is_no_answer(self, server: Any) -> None:
        with proxy(server.port) as between:
            between.will("cut", times=9)
            check_no_answer(self.rotator, target(server, *server.user(), port=between.port), context())
            assert between.seen

    def test_a_link_local_address_is_not_contacted(self, server: Any) -> None:
        there = replace(target(server, "u", "password"), endpoints=(Endpoint("169.254.169.254", server.port),))
        check_no_answer(self.rotator, there, context(), "no address that may be contacted")

    def test_a_url_that_asks_for_tls_is_never_tried_without(self, server: Any) -> None:
        user, password = server.user()
        here = target(server, user, password)
        assert self.rotator.verify(here, here.leaked, context()).works
        strict = spelled(here, self.tls.format(login=f"{user}:{password}", host=server.host))
        check_no_answer(self.rotator, strict, context(timeout=1.0))


class TwoPasswordsContract(LoginRotatorContract):
    """Where an operator can put a second password beside the leaked one."""

    def test_what_was_put_beside_it_can_be_taken_back(self, server: Any) -> None:
        here, now = target(server, *server.user(), admin=True), context()
        new = self.rotator.make(here, now)
        assert new is not None
        self.rotator.issue(here, new, now)
        assert self.rotator.reconcile(here, new, now) is Found.ISSUED
        assert self.rotator.withdraw(here, new, now)
        self.rotator.withdraw(here, new, now)
        assert self.rotator.reconcile(here, new, now) is Found.NOTHING
        assert self.rotator.verify(here, here.leaked, now).works
        assert self.rotator.verify(here, new, now).refused
