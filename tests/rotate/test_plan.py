"""What a plan tells before anything happens: whose fields are replaced, and who will see the new value."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from secretguard.errors import UsageError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.plugins import ROTATORS, load
from secretguard.reference import parse_reference
from secretguard.rotate.choose import default_reference
from secretguard.rotate.plan import Plan, make_plan
from secretguard.rotation import Context, Login, Spelling, Target
from secretguard.secret import Secret
from secretguard.stores import local
from tests.rotate.issuers import Passwords

OLD = "old-" + "Pass_word1"


def target(*hosts: str, user: str = "app") -> Target:
    endpoints = tuple(Endpoint(host, 5432, "orders") for host in hosts)
    text = Secret(f"postgresql://{user}:{OLD}@{hosts[0]}:5432/orders")
    spellings = (Spelling("uri", text, endpoints[:1]),)
    return Target("sg_000000000000", "postgres-uri", "postgres", Login(user, Secret(OLD)), endpoints, spellings)


def plan(folder: Path, to: str, *hosts: str, **there: str) -> Plan:
    issuer = Passwords(folder)
    issuer.state = {"password": OLD}
    environ = {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    if there:
        fields = {name: Secret(value) for name, value in there.items()}
        local.put(parse_reference("ref+local://doc"), fields, Context(environ))
    context = Context(environ, rotation="rot_0123456789abcdef")
    return make_plan(target(*hosts or ("db",)), ("test", issuer), local, parse_reference(to), context)


def told(made: Plan) -> str:
    return "\n".join(one.what for one in made.findings)


def test_a_document_of_another_credential_is_not_written_over(tmp_path: Path) -> None:
    made = plan(tmp_path, "ref+local://doc#/DATABASE_URL", password="another's", username="other", host="elsewhere")
    assert [one.what for one in made.obstacles] == [
        "ref+local://doc#/DATABASE_URL holds another credential in password, which would be replaced"
    ]


def test_the_url_that_nobody_named_is_not_written_over(tmp_path: Path) -> None:
    password = "another"
    made = plan(tmp_path, "ref+local://doc", DATABASE_URL=f"postgresql://other:{password}@elsewhere/x")
    assert "another credential in DATABASE_URL" in told(made)
    assert made.obstacles


def test_what_is_replaced_otherwise_is_told(tmp_path: Path) -> None:
    made = plan(tmp_path, "ref+local://doc#/DATABASE_URL", DATABASE_URL="old one", host="elsewhere", OTHER="kept")
    assert "something else in DATABASE_URL, host, which is replaced" in told(made)
    assert not made.obstacles


def test_the_leaked_login_itself_is_replaced_without_a_word(tmp_path: Path) -> None:
    url = f"postgresql://app:{OLD}@db:5432/orders?sslmode=require"
    made = plan(tmp_path, "ref+local://doc", DATABASE_URL=url, password=OLD, username="app", host="db", port="5432")
    assert "replaced" not in told(made)


@pytest.mark.parametrize("field", ["username", "host", "key_id"])
def test_a_field_that_stands_beside_the_value_is_not_the_value(field: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=field):
        plan(tmp_path, f"ref+local://doc#/{field}")


def test_every_host_that_will_see_the_new_value_is_named(tmp_path: Path) -> None:
    """Whoever can write to the repository can name a server of his own that takes the leaked login."""
    made = plan(tmp_path, "ref+local://doc", "db", "db.elsewhere.test")
    assert "tried at 2 hosts, which the code names: db, db.elsewhere.test" in told(made)
    assert "hosts" not in told(plan(tmp_path, "ref+local://doc", "db"))


def test_one_user_on_two_hosts_has_two_places() -> None:
    here, there = default_reference(target("db.one.test"), {}), default_reference(target("db.two.test"), {})
    assert str(here) == "ref+local://app-db.one.test"
    assert str(there) == "ref+local://app-db.two.test"
    assert default_reference(replace(target("::1"), endpoints=(Endpoint("::1"),)), {}).path == "app--1"


@pytest.mark.parametrize("name", ["mysql", "postgres", "rabbitmq", "redis"])
def test_a_login_without_a_server_stops_before_anything_happens(name: str, tmp_path: Path) -> None:
    login = Target("sg_000000000000", "database-settings", "database", Login("app", Secret(OLD)), ())
    context = Context({"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}, rotation="rot_0123456789abcdef")
    rotator = cast(Rotator, load(ROTATORS, name))
    made = make_plan(login, (name, rotator), local, parse_reference("ref+local://doc"), context)
    assert "nothing says at which server" in "\n".join(one.what for one in made.obstacles)
