"""The network and the server fail in the middle of a rotation: it goes on by itself, or says how, and loses nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secretguard import transport
from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.stores import local
from tests.crashes.rotating import Spec, home, of_login, rotate_here, rotate_with
from tests.servers.postgres import Postgres
from tests.servers.proxy import Fault, Proxy, proxy

pytestmark = pytest.mark.usefixtures("fresh_breakers")


@pytest.fixture
def between(postgres: Postgres) -> Iterator[Proxy]:
    with proxy(postgres.port) as made:
        yield made


@pytest.fixture
def spec(postgres: Postgres, between: Proxy, tmp_path: Path) -> Spec:
    """A credential whose server is behind the proxy."""
    endpoints = (Endpoint("127.0.0.1", between.port, "postgres"),)
    return of_login(postgres, postgres.role(), home(tmp_path), endpoints=endpoints)


def check_rotated(spec: Spec, server: Postgres) -> None:
    fields = local.read(parse_reference(spec.reference), Context(spec.environ))
    assert fields is not None
    assert server.lets_in(spec.user, fields["password"].reveal())
    assert not server.lets_in(spec.user, spec.old)


def finish(spec: Spec) -> int:
    """Run until it is closed; return how many runs that took."""
    for number in range(1, 5):
        try:
            rotate_here(spec)
        except IssuerError:
            continue
        return number
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("statement", [b"SCRAM-SHA-256$", b"COMMIT", b"pg_terminate_backend", b"pg_backend_pid"])
@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_a_connection_that_ends_before_or_after_the_effect(
    spec: Spec, postgres: Postgres, between: Proxy, statement: bytes, fault: Fault
) -> None:
    between.will(fault, statement)
    assert finish(spec) <= 2
    assert between.seen
    check_rotated(spec, postgres)


def test_a_server_that_takes_long_is_waited_for_only_so_long(spec: Spec, postgres: Postgres, between: Proxy) -> None:
    between.will("hold", b"COMMIT")
    assert finish(replace(spec, timeout=2.0)) <= 3
    between.release()
    check_rotated(spec, postgres)


def test_a_server_that_restarts_in_the_middle(spec: Spec, postgres: Postgres) -> None:
    def restart(name: str, after: bool) -> None:
        if (name, after) == ("store.stage", True):
            postgres.restart()

    rotate_with(spec, restart)
    check_rotated(spec, postgres)


def test_a_server_that_is_away_for_a_while(spec: Spec, postgres: Postgres) -> None:
    def stop(name: str, after: bool) -> None:
        if (name, after) == ("store.stage", True):
            postgres.running.stop()

    try:
        with pytest.raises(IssuerError):
            rotate_with(replace(spec, timeout=2.0), stop)
    finally:
        postgres.restart()
    transport.breaker.cache_clear()  # another run is another process
    rotate_here(spec)
    check_rotated(spec, postgres)
