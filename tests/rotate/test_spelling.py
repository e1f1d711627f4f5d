"""A connection string keeps everything but its login."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.model import Endpoint
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around, built, dialect, respelled

OLD, NEW, OTHER = "old-" + "Pass_word1", "new-" + "Pass_word2", "another"
LEAKED, FRESH = Login("app", Secret(OLD)), Login("app_sg", Secret(NEW))

CASES = {
    "uri": ("uri", f"postgresql://app:{OLD}@db:5432/orders", f"postgresql://app_sg:{NEW}@db:5432/orders"),
    "driver and options": (
        "uri",
        f"postgresql+asyncpg://app:{OLD}@db/orders?ssl=require&application_name=x",
        f"postgresql+asyncpg://app_sg:{NEW}@db/orders?ssl=require&application_name=x",
    ),
    "several hosts": ("uri", f"postgres://app:{OLD}@a:1,b:2/x", f"postgres://app_sg:{NEW}@a:1,b:2/x"),
    "jdbc": (
        "jdbc",
        f"jdbc:postgresql://db:5432/orders?user=app&password={OLD}&ssl=true",
        f"jdbc:postgresql://db:5432/orders?user=app_sg&password={NEW}&ssl=true",
    ),
    "libpq": (
        "keyword",
        f"host=db port=5432 user=app password={OLD} dbname=orders sslmode=require",
        f"host=db port=5432 user=app_sg password={NEW} dbname=orders sslmode=require",
    ),
    "libpq, quoted": (
        "keyword",
        f"host=db user='app' password='{OLD}' dbname=orders",
        f"host=db user=app_sg password={NEW} dbname=orders",
    ),
}


@pytest.mark.parametrize(("form", "before", "after"), CASES.values(), ids=CASES)
def test_only_the_login_changes(form: str, before: str, after: str) -> None:
    new = respelled(Spelling(form, Secret(before)), LEAKED, FRESH)
    assert new is not None
    assert new.reveal() == after


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://app:{OTHER}@db/x",
        f"postgresql://somebody:{OLD}@db/x",
        f"postgresql://app:{OLD}@db/x?password={OLD}",
        "postgresql://db/x",
        f"jdbc:postgresql://db/x?user=app&password={OTHER}&comment={OLD}",
    ],
)
def test_what_is_not_certain_is_left_to_be_built(text: str) -> None:
    form = "jdbc" if text.startswith("jdbc") else "uri"
    assert respelled(Spelling(form, Secret(text)), LEAKED, FRESH) is None


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_login_survives_a_uri(user: str, password: str) -> None:
    new = Login(user, Secret(password))
    text = built("postgres", new, Endpoint("db", 5432, "orders")).reveal()
    login = text.removeprefix("postgresql://").rpartition("@")[0]
    assert [unquote(part) for part in login.split(":")] == [user, password]


@given(st.text(min_size=4, max_size=30).filter(lambda text: "\0" not in text))
def test_no_old_value_is_left_in_any_encoding(password: str) -> None:
    old = Login("app", Secret(password))
    spelling = Spelling("uri", Secret(f"mysql://app:{quote(password, safe='')}@db/x?note={quote(password, safe='')}"))
    new = respelled(spelling, old, FRESH)
    assert new is None or quote(password, safe="") not in new.reveal()


def test_the_driver_of_a_uri_names_its_field() -> None:
    assert dialect(Spelling("uri", Secret("postgresql+asyncpg://a:b@c"))) == "ASYNCPG"
    assert dialect(Spelling("uri", Secret("postgresql://a:b@c"))) == ""
    assert dialect(Spelling("jdbc", Secret("jdbc:postgresql://c"))) == ""


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"host=db user=app password={OLD} dbname=x", "keyword"),
        (f"psql 'host=db user=app password={OLD}' -c q", "keyword"),
        (f"serve --user=app --password={OLD} --host=db", "password"),
        (f"PASSWORD={OLD}", "password"),
        (f"password={OLD}", "password"),
    ],
)
def test_settings_of_libpq_stand_side_by_side_and_options_of_a_command_are_none(text: str, form: str) -> None:
    at = text.index(OLD)
    found = around(text, at, at + len(OLD), LEAKED)
    assert found.form == form
    assert text[found.start : found.end].count("=") == (0 if form == "password" else text.count("="))


@pytest.mark.parametrize("host", ["${DB_HOST}", "{host}", "{{ host }}:5432"])
def test_a_url_that_is_a_template_is_never_a_whole_value(host: str) -> None:
    text = f"postgresql://app:{OLD}@{host}/orders"
    assert respelled(Spelling("uri", Secret(text)), LEAKED, FRESH) is None
    start = text.index(OLD)
    assert around(text, start, start + len(OLD), LEAKED) == (start, start + len(OLD), "quoted")
