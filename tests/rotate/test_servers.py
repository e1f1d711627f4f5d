"""Servers as they are named on a command line, and which of their names mean one host."""

import pytest

from secretguard.errors import UsageError
from secretguard.model import Endpoint
from secretguard.rotate.servers import Server, divided, host_of, hosts, said, server

DB, REPLICA = Endpoint("db", 5432, "orders"), Endpoint("replica.internal")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("db", Server("db")),
        ("db:5432", Server("db", 5432)),
        ("10.0.0.7:6379", Server("10.0.0.7", 6379)),
        ("2001:db8::7", Server("2001:db8::7")),
        ("[2001:db8::7]:5432", Server("2001:db8::7", 5432)),
    ],
)
def test_a_server_is_read_and_written_alike(text: str, read: Server) -> None:
    assert server(text) == read
    assert server(str(read)) == read


@pytest.mark.parametrize("text", ["", "db:", ":5432", "app@db", "redis://db", "db:port", "db/orders", "a b", "db:1:2"])
def test_what_is_no_server_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        server(text)
    assert len(text) < 3 or text not in str(refused.value)


def test_a_name_covers_its_host_and_with_a_port_that_port_only() -> None:
    assert server("DB.").covers(DB)
    assert server("db:5432").covers(DB)
    assert not server("db:5433").covers(DB)
    assert not server("db.internal").covers(DB)
    assert server("replica.internal:5432").covers(REPLICA)  # it names no port: its own is the usual one


@pytest.mark.parametrize("name", ["localhost", "LocalHost.", "127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "0.0.0.0", "::ffff:127.0.0.1"])  # fmt: skip
def test_this_machine_is_one_host(name: str) -> None:
    assert host_of(name) == "localhost"


def test_databases_and_ports_of_a_host_are_one_host_and_names_are_not_looked_up() -> None:
    named = [DB, Endpoint("DB", 6432, "other"), Endpoint("127.0.0.1"), Endpoint("localhost"), Endpoint("127.1")]
    assert hosts(named) == ("db", "127.0.0.1", "127.1")
    assert hosts([]) == ()


def test_the_new_value_is_for_the_hosts_where_the_old_one_works() -> None:
    other_port = Endpoint("db", 6432)
    assert divided((DB, REPLICA, other_port), (DB,)) == ((DB, other_port), (REPLICA,))
    assert divided((DB, REPLICA), ()) == ((DB, REPLICA), ())


def test_an_endpoint_is_written_as_people_write_it() -> None:
    assert said(DB) == "db:5432/orders"
    assert said(Endpoint("::1", 5432)) == "[::1]:5432"
