"""`scheme://user:password@host…` is taken apart as servers take it, and as people write it."""

import random
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.testing import find

WORD = "".join(random.Random(4).choices(string.ascii_letters + string.digits, k=14))
names = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=12).map(lambda s: "u" + s)
passwords = st.text(string.ascii_letters + string.digits + "@:/?#%&=+!$()[]{}<>\"' é\\", min_size=8, max_size=24).map(
    lambda s: WORD[:6] + s
)
hosts = st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z][a-z0-9]{1,8}){1,3}", fullmatch=True).filter(
    lambda h: not h.endswith((".test", ".invalid", ".local", ".localhost", ".example"))
)


@settings(max_examples=200, deadline=None)
@given(
    names,
    passwords,
    hosts,
    st.integers(1, 65535),
    st.sampled_from(["postgres", "mysql+pymysql", "mongodb+srv", "amqps"]),
)
def test_a_percent_encoded_login_comes_back_whole(user: str, password: str, host: str, port: int, scheme: str) -> None:
    uri = f"{scheme}://{user}:{quote(password, safe='')}@{host}:{port}/app?x=1"
    (match,) = find(f'url = "{uri}"\n')
    assert (match.user, match.secret.reveal()) == (user, password)
    assert [(e.host, e.port, e.database) for e in match.endpoints] == [(host, port, "app")]
    assert match.text.reveal() == uri


@pytest.mark.parametrize(
    ("uri", "secret", "endpoints"),
    [
        (f"postgres://app:p@{WORD}@db.prod-net.io/x", f"p@{WORD}", [("db.prod-net.io", None, "x")]),
        (f"postgres://app:p/{WORD}@db.prod-net.io/x", f"p/{WORD}", [("db.prod-net.io", None, "x")]),
        (f"postgres://app:p#{WORD}@db.prod-net.io", f"p#{WORD}", [("db.prod-net.io", None, "")]),
        (f"postgres://app:{WORD}@[fd00::7]:6432/x", WORD, [("fd00::7", 6432, "x")]),
        (f"postgres://app:{WORD}@%2Fvar%2Frun%2Fpg/x", WORD, [("/var/run/pg", None, "x")]),
        (f"postgres://app:{WORD}@/x", WORD, [("", None, "x")][:0]),
        (
            f"mongodb://app:{WORD}@m1.prod-net.io:27017,m2.prod-net.io/x",
            WORD,
            [("m1.prod-net.io", 27017, "x"), ("m2.prod-net.io", None, "x")],
        ),
        (
            f"postgres://app:{WORD}@h1.prod-net.io:5432,app:{WORD}@h2.prod-net.io:5433/x",
            WORD,
            [("h1.prod-net.io", 5432, "x"), ("h2.prod-net.io", 5433, "x")],
        ),
        (f"postgres://db.prod-net.io/x?user=app&password={WORD}", WORD, [("db.prod-net.io", None, "x")]),
    ],
)
def test_uncommon_but_real_spellings(uri: str, secret: str, endpoints: list[tuple[str, int | None, str]]) -> None:
    (match,) = find(f"{uri}\n")
    assert (match.user, match.secret.reveal()) == ("app", secret)
    assert [(e.host, e.port, e.database) for e in match.endpoints] == endpoints


@pytest.mark.parametrize("around", ["({})", "<{}>", "see {}.", "[{}],", "`{}`", "'{}'", '"{}\\n"', "{};", "url: {}\r"])
def test_the_text_around_a_uri_is_not_part_of_it(around: str) -> None:
    uri = f"redis://app:{WORD}@cache.prod-net.io:6379/0"
    (match,) = find(around.replace("{}", uri) + "\n")
    assert match.text.reveal() == uri


def test_two_uris_side_by_side_are_two_logins() -> None:
    found = find(f"a=postgres://one:{WORD}@h.prod-net.io/x,postgres://two:{WORD}@h.prod-net.io/x\n")
    assert [m.user for m in found] == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:${PASSWORD}@db/x", "postgres://app:{{ password }}@db/x", "postgres://app:%(password)s@db/x", "postgres://app@db/x",
        "postgres://app:<password>@db/x", "postgres://app:$PGPASSWORD@db/x", "postgres://db:5432/x", "postgres://:@db/x",
        "postgres://app:{settings.password}@db/x", "postgres://app:#{pw}@db/x", "postgres://app:%s@db/x", "http://host:80/a@b",
    ],
)  # fmt: skip
def test_references_and_urls_without_password_are_not_findings(text: str) -> None:
    assert [m for m in find(text + "\n") if not m.placeholder] == []


def test_a_default_password_on_this_machine_is_low_and_not_silent() -> None:
    name = "postgres"
    (match,) = find(f"{name}://{name}:{name}@localhost:5432/x\n")
    assert (match.severity, match.placeholder) == ("low", "")
    assert "postgres:****@" not in match.redacted.replace("postgres://", "")
