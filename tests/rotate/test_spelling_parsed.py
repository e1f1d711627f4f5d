"""What is written with a new login is read back by real parsers as just that login, whatever characters are in it."""

import base64
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around, holds, respelled

ODD = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_categories=("Cc", "Cs")), min_size=8, max_size=20
)
USER = st.from_regex(r"[a-z][a-z0-9_]{2,8}", fullmatch=True)
LOGINS = st.builds(Login, USER, st.builds(Secret, ODD))
LEAKED = st.builds(
    lambda user, word: Login(user, Secret("Old-9" + word)), USER, st.from_regex(r"[A-Z0-9]{12}", fullmatch=True)
)


def written(form: str, text: str, leaked: Login, new: Login, encoding: tuple[str, ...] = ()) -> str:
    """The spelling with the new login, without the old value; discarded where one value is part of the other."""
    assume(not holds(new.secret.reveal(), leaked.secret))
    found = respelled(Spelling(form, Secret(text), encoding=encoding), leaked, new)
    assert found is not None
    assert not holds(found.reveal(), leaked.secret)
    return found.reveal()


@given(LEAKED, LOGINS)
def test_a_uri(leaked: Login, new: Login) -> None:
    text = f"postgresql://{leaked.user}:{quote(leaked.secret.reveal(), safe='')}@db:5432/shop?sslmode=require"
    after = written("uri", text, leaked, new)
    parts = urlsplit(after)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (new.user, new.secret.reveal())
    assert conninfo_to_dict(after) == {
        **conninfo_to_dict(text), "user": new.user, "password": new.secret.reveal()
    }  # fmt: skip


@given(LEAKED, LOGINS)
@example(Login("app", Secret("Old-" + "Pass_word1")), Login("app", Secret("a'b\\c d" + "123")))
def test_a_libpq_string(leaked: Login, new: Login) -> None:
    text = make_conninfo(host="db", user=leaked.user, password=leaked.secret.reveal(), dbname="a 'shop'")
    after = written("keyword", text, leaked, new)
    assert conninfo_to_dict(after) == {
        **conninfo_to_dict(text), "user": new.user, "password": new.secret.reveal()
    }  # fmt: skip


@given(LEAKED, LOGINS)
def test_a_jdbc_url(leaked: Login, new: Login) -> None:
    old = quote(leaked.secret.reveal(), safe="")
    text = f"jdbc:postgresql://db/shop?user={leaked.user}" + f"&password={old}&ssl=true"
    read = parse_qs(written("jdbc", text, leaked, new).partition("?")[2], strict_parsing=True)
    assert read == {"user": [new.user], "password": [new.secret.reveal()], "ssl": ["true"]}


@pytest.mark.parametrize("driver", ["", "Driver={ODBC Driver 18 for SQL Server};"])
@given(leaked=LEAKED, new=LOGINS)
def test_an_ado_or_odbc_string_written_again_is_the_first(driver: str, leaked: Login, new: Login) -> None:
    text = (
        f"{driver}Server=db;Database=shop;User Id={leaked.user};"
        + "Password="
        + leaked.secret.reveal()
        + ";Encrypt=yes"
    )
    there = written("ado", text, leaked, new)
    assert written("ado", there, new, leaked) == text
    value = there.partition("Password=")[2].removesuffix(";Encrypt=yes")
    if ";" in new.secret.reveal():
        assert value[0] + value[-1] in (("{}",) if driver else ('""', "''"))


@given(LEAKED, LOGINS)
def test_the_password_alone_plain_percent_encoded_and_in_base64(leaked: Login, new: Login) -> None:
    old, value = leaked.secret.reveal(), new.secret.reveal()
    assert written("password", old, leaked, new) == value
    assert unquote(written("quoted", quote(old, safe=""), leaked, new)) == value
    assert base64.b64decode(written("password", old, leaked, new, ("base64",))).decode() == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("jdbc", "jdbc:postgresql://db/x?user=somebody&password={}"),
        ("keyword", "host=db user=somebody password={}"),
        ("ado", "Server=db;User Id=somebody;Password={};"),
        ("uri", "postgresql://somebody:{}@db/x"),
    ],
)
def test_the_login_of_somebody_else_is_never_replaced(form: str, text: str) -> None:
    value = "Same-" + "Pass_word1"
    spelling, mine = Spelling(form, Secret(text.format(value))), Login("app", Secret(value))
    assert respelled(spelling, mine, Login("new", Secret("Fresh-1"))) is None


@pytest.mark.parametrize("word", ["postgres", "app", "db"])
def test_a_password_that_is_a_word_of_its_own_url_is_replaced_alone(word: str) -> None:
    text, fresh = f"postgresql://{word}:{word}@{word}/{word}", "Fresh-" + "1"
    new = respelled(Spelling("uri", Secret(text)), Login(word, Secret(word)), Login("new", Secret(fresh)))
    assert new is not None
    assert new.reveal() == f"postgresql://new:{fresh}@{word}/{word}"


@given(LEAKED, st.text(max_size=40), st.text(max_size=40))
def test_the_stretch_around_a_secret_always_holds_it(leaked: Login, before: str, after: str) -> None:
    value = leaked.secret.reveal()
    text = before + value + after
    found = around(text, len(before), len(before) + len(value), leaked)
    assert found.start <= len(before)
    assert found.end >= len(before) + len(value)
    if found.form not in ("password", "quoted"):
        stand_in = Login("app_two", Secret("Fresh-1"))
        assert respelled(Spelling(found.form, Secret(text[found.start : found.end])), leaked, stand_in) is not None


@pytest.mark.parametrize("filling", ["a", "a1+", "; ", ";", " ", ".", "a=b ", "'", "://", "jdbc:a"])
def test_a_secret_in_a_huge_line_is_looked_at_in_a_moment(filling: str) -> None:
    value = "Same-" + "Pass_word1"
    text = filling * 300_000 + value + filling * 300_000
    at = len(filling) * 300_000
    assert around(text, at, at + len(value), Login("app", Secret(value))).form
