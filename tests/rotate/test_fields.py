"""One stored version has a real field for every form that the code needs, and the login can be read back from it."""

from dataclasses import replace

import pytest

from secretguard.errors import RotationError
from secretguard.model import Endpoint
from secretguard.reference import parse_reference
from secretguard.rotate.fields import field_for, fields_of, login_of
from secretguard.rotate.target import confirmed
from secretguard.rotation import Login, Spelling, Target
from secretguard.secret import Secret
from secretguard.spelling import respelled

DB = Endpoint("db", 5432, "orders")
OLD, NEW = "old-" + "Pass_word1", "new-" + "Pass_word2"
FRESH = Login("app", Secret(NEW))


def target(*texts: tuple[str, str], family: str = "postgres", kind: str = "postgres-uri") -> Target:
    spellings = tuple(Spelling(form, Secret(text), (DB,)) for form, text in texts)
    return Target("sg_000000000000", kind, family, Login("app", Secret(OLD)), (DB,), spellings)


def plain(to: str, of: Target, new: Login = FRESH) -> dict[str, str]:
    return {name: value.reveal() for name, value in fields_of(of, new, parse_reference(to)).items()}


def test_the_field_of_the_reference_is_what_the_code_reads() -> None:
    stored = plain("ref+vault://secret/app#/DATABASE_URL", target(("uri", f"postgresql://app:{OLD}@db:5432/orders")))
    assert stored == {
        "DATABASE_URL": f"postgresql://app:{NEW}@db:5432/orders",
        "username": "app",
        "password": NEW,
        "host": "db",
        "port": "5432",
        "dbname": "orders",
    }


def test_each_further_form_is_a_field_of_its_own() -> None:
    stored = plain(
        "ref+local://app",
        target(
            ("uri", f"postgresql://app:{OLD}@db:5432/orders"),
            ("uri", f"postgresql+asyncpg://app:{OLD}@db:5432/orders"),
            ("jdbc", f"jdbc:postgresql://db:5432/orders?user=app&password={OLD}"),
            ("keyword", f"host=db user=app password={OLD}"),
            ("uri", f"postgresql://app:{OLD}@replica:5432/orders"),
        ),
    )
    assert list(stored)[:5] == [
        "DATABASE_URL", "DATABASE_URL_ASYNCPG", "DATABASE_JDBC_URL", "DATABASE_DSN", "DATABASE_URL_ORDERS",
    ]  # fmt: skip
    assert stored["DATABASE_URL_ASYNCPG"].startswith("postgresql+asyncpg://app:" + NEW)
    assert OLD not in "".join(stored.values())


def test_a_login_that_is_nowhere_whole_gets_a_url_of_its_parts() -> None:
    assert plain("ref+local://app", target())["DATABASE_URL"] == f"postgresql://app:{NEW}@db:5432/orders"


def test_a_reference_to_the_password_alone_is_just_that() -> None:
    stored = plain("ref+vault://secret/app#/password", target())
    assert stored["password"] == NEW
    assert set(stored) == {"username", "password", "host", "port", "dbname"}


def test_an_aws_key_is_stored_under_the_names_that_its_tools_read() -> None:
    new = Login("AKIA" + "X" * 16, Secret(NEW), "AKIA" + "X" * 16)
    stored = plain("ref+local://deploy", target(family="aws", kind="aws-access-key"), new)
    assert stored == {"AWS_ACCESS_KEY_ID": "AKIA" + "X" * 16, "AWS_SECRET_ACCESS_KEY": NEW}


@pytest.mark.parametrize(
    ("family", "kind", "new"),
    [
        ("postgres", "postgres-uri", FRESH),
        ("aws", "aws-access-key", Login("AKIA" + "Y" * 16, Secret(NEW), "AKIA" + "Y" * 16)),
        ("token", "vault", Login("", Secret(NEW), "accessor-1")),
        ("token", "openai-project", Login("", Secret(NEW))),
    ],
)
@pytest.mark.parametrize("to", ["ref+local://app", "ref+local://app#/NAME"])
def test_the_login_is_read_back_as_it_was(family: str, kind: str, new: Login, to: str) -> None:
    of, reference = target(family=family, kind=kind), parse_reference(to)
    back = login_of(of, fields_of(of, new, reference), reference)
    assert (back.user, back.secret.reveal(), back.id) == (new.user, NEW, new.id)


def test_what_somebody_else_changed_is_not_taken_for_ours() -> None:
    with pytest.raises(RotationError, match="not what was put there"):
        login_of(target(), {"other": Secret("x")}, parse_reference("ref+local://app"))


def test_what_the_code_reads_leads_to_a_server_that_worked() -> None:
    """However often a repository names another one: whoever writes it there would be given the new value."""
    elsewhere = Endpoint("db.elsewhere.test", 5432, "orders")
    most, least = f"postgresql://app:{OLD}@db.elsewhere.test:5432/orders", f"postgresql://app:{OLD}@db:5432/orders"
    spellings = (Spelling("uri", Secret(most), (elsewhere,)), Spelling("uri", Secret(least), (DB,)))
    of = replace(target(), spellings=spellings, endpoints=(elsewhere, DB))
    stored = plain("ref+local://app", confirmed(of, (elsewhere, DB), (DB,)))
    assert stored["DATABASE_URL"] == f"postgresql://app:{NEW}@db:5432/orders"
    assert stored["host"] == "db"
    bare = confirmed(replace(of, spellings=()), (elsewhere, DB), (DB,))
    assert plain("ref+local://app", bare)["host"] == "db"


FORMS = {
    "uri": ("uri", f"postgresql://app:{OLD}@db:5432/orders", ()),
    "driver": ("uri", f"postgresql+asyncpg://app:{OLD}@db:5432/orders", ()),
    "jdbc": ("jdbc", f"jdbc:postgresql://db:5432/orders?user=app&password={OLD}", ()),
    "keyword": ("keyword", f"host=db user=app password={OLD}", ()),
    "password": ("password", OLD, ()),
    "quoted": ("quoted", OLD, ()),
    "password in base64": ("password", OLD, ("base64",)),
    "quoted in base64": ("quoted", OLD, ("base64",)),
    "uri in base64": ("uri", f"postgresql://app:{OLD}@db:5432/orders", ("base64",)),
}


@pytest.mark.parametrize(
    "to", ["ref+vault://secret/app", "ref+vault://secret/app#/SHOP", "ref+vault://secret/app#/password"]
)
def test_the_field_for_a_spelling_holds_just_that_spelling_of_any_new_login(to: str) -> None:
    spellings = tuple(Spelling(form, Secret(text), (DB,), encoding) for form, text, encoding in FORMS.values())
    wanted, reference = replace(target(), spellings=spellings), parse_reference(to)
    new = Login("app two", Secret("a b'\"$%/@:" + NEW))
    stored = fields_of(wanted, new, reference)
    for spelling in spellings:
        text = respelled(spelling, wanted.leaked, new)
        assert text is not None
        assert stored[field_for(wanted, spelling, reference)].reveal() == text.reveal()
