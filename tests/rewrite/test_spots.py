"""Every place that says the secret is found once, as narrow as it is written, and nothing that only looks like it."""

import base64
import html
from itertools import pairwise
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.rewrite.documents import read_document
from secretguard.rewrite.spots import spots_of
from secretguard.rewriting import USER, Spot
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.spelling import is_telling
from secretguard.testing import find
from tests.rewrite.logins import LEAKED, VALUE

ODD = "".join(Random(3).choices("abcXYZ789$&<>'\"\\/%", k=16)) + "$'\\&7q"


def spots(text: str, leaked: Login = LEAKED) -> list[Spot]:
    document = read_document("a", text.encode())
    assert document is not None
    return spots_of(document, text.encode(), (), leaked)


def test_a_value_is_found_wherever_it_stands_by_itself() -> None:
    text = f"é {VALUE}\r\n'{VALUE}'"
    assert [text[one.start : one.end] for one in spots(text)] == [VALUE, VALUE]


@pytest.mark.parametrize("text", [f"x{VALUE}", f"{VALUE}7", VALUE[:-1], VALUE.lower()])
def test_part_of_a_longer_word_is_another_value(text: str) -> None:
    assert spots(text) == []


@pytest.mark.parametrize("escape", [r"\n", r"\t", r"\\\n", r"\x0a", r"\u000a", r"\012", "%0A", "&#10;"])
def test_an_escape_before_a_value_is_no_part_of_its_word(escape: str) -> None:
    text = f'"app{escape}{VALUE}{escape}"'
    assert [text[one.start : one.end] for one in spots(text)] == [VALUE]


@pytest.mark.parametrize("before", [r"\\n", "n", r"\nx", "0A"])
def test_letters_before_a_value_are_part_of_its_word(before: str) -> None:
    assert spots(f'"app{before}{VALUE}"') == []


@pytest.mark.parametrize("word", ["postgres", "Password", "12345678", "short"])
def test_an_ordinary_word_is_not_looked_for_by_itself(word: str) -> None:
    assert spots(f"{word}: {word}", Login("app", Secret(word))) == []


ESCAPED = ODD.replace("\\", "\\\\")
WAYS = {
    "plain": ODD,
    "percent": quote(ODD, safe=""),
    "a literal in double quotes": ESCAPED.replace('"', '\\"'),
    "a literal in single quotes": ESCAPED.replace("'", "\\'"),
    "SQL": ODD.replace("'", "''"),
    "C#, verbatim": ODD.replace('"', '""'),
    "Kotlin": ESCAPED.replace('"', '\\"').replace("$", "\\$"),
    "a template of JavaScript": ESCAPED.replace("$", "\\$"),
    "Compose": ODD.replace("$", "$$"),
    "Compose, in quotes": ODD.replace("$", "$$").replace("'", "''"),
    "a shell": ODD.replace("'", "'\\''"),
    "XML": html.escape(ODD).replace("&#x27;", "&apos;"),
    "HTML": html.escape(ODD),
    "numbers": "".join(f"\\x{ord(char):02x}" for char in ODD),
    "wide numbers": "".join(f"\\u{ord(char):04X}" for char in ODD),
}


@pytest.mark.parametrize("form", WAYS.values(), ids=WAYS)
def test_each_written_form_of_a_value_is_one_spot(form: str) -> None:
    text = f"set ({form}) now"
    assert [text[one.start : one.end] for one in spots(text, Login("app", Secret(ODD)))] == [form]


def test_base64_and_hex_of_a_value_are_found_by_themselves() -> None:
    packed, hexed = base64.b64encode(VALUE.encode()).decode(), VALUE.encode().hex()
    text = f"password: {packed}\nother={hexed.upper()}\n{packed}AAAA\n"
    assert [(text[one.start : one.end], one.encoding) for one in spots(text)] == [
        (packed, ("base64",)),
        (hexed.upper(), ("hex",)),
    ]


@given(st.text(max_size=30), st.text(max_size=30), st.text(min_size=6, max_size=20))
def test_whatever_is_around_a_value_spots_never_overlap(before: str, after: str, value: str) -> None:
    text = f"{before}{value}{after}{value}"
    try:
        found = spots(text, Login("", Secret(value)))
    except (UnicodeEncodeError, AssertionError):
        return
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert not is_telling(Secret(value)) or all(one.start < one.end for one in found)


def test_many_copies_in_one_file_are_found_in_a_moment() -> None:
    assert len(spots(f"{VALUE}\n" * 50_000)) == 50_000


def users(text: str) -> list[str]:
    """The lines on which the user of the login is seen."""
    data = text.encode()
    document = read_document("a", data)
    assert document is not None
    found = spots_of(document, data, find(text), LEAKED)
    return [text[: one.end].rpartition("\n")[2] for one in found if one.form == USER]


@pytest.mark.parametrize(
    "user",
    [
        "DB_USER=app",
        'DB_USER = "app',
        "export DB_USER='app",
        "  DB_USER: app",
        "define('DB_USER', 'app",
        "DB_USER = os.getenv('DB_USER', 'app",
    ],
)
def test_the_user_beside_a_password_is_seen_too(user: str) -> None:
    quote = user[-4] if user[-4] in "'\"" else ""
    text = f"# é\nAPP=app\nDB_HOST=db.internal\n{user}{quote}\nDB_PASSWORD={VALUE}\nOTHER_USER=app\n"
    assert users(text) == [user]


@pytest.mark.parametrize("user", ["DB_USER=other", "DB_USER=$USER", "SMTP_USER=app", "# the user is app"])
def test_another_user_is_not(user: str) -> None:
    assert users(f"DB_HOST=db.internal\n{user}\nDB_PASSWORD={VALUE}\n") == []


def test_the_user_of_two_passwords_is_one() -> None:
    assert users(f"DB_HOST=db.internal\nDB_USER=app\nDB_PASSWORD={VALUE}\nDB_PASS={VALUE}\n") == ["DB_USER=app"]


def test_the_user_inside_a_connection_string_goes_with_it() -> None:
    text = f"print(psycopg.connect(\"host=127.0.0.1 port=44643 dbname=postgres user=app password='{VALUE}'\")\n"
    (match,) = find(text)
    assert (match.form, match.user, match.family) == ("split", "app", "postgres")  # by its quotes
    assert users(text) == []


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("psql -h db -U app", True),
        ("psql --username=app", True),
        ("psql -U 'app", True),
        ("psql -U application", False),
        ("psql -U app-2", False),
        ("curl -u app:x", False),
        ("echo app", False),
    ],
)
def test_the_user_of_a_command_belongs_to_a_password_without_one(command: str, seen: bool) -> None:
    text = f"export PGPASSWORD={VALUE}\n\necho connecting\n{command}{chr(39) if chr(39) in command else ''} shop\n"
    assert users(text) == ([command] if seen else [])
