"""What is read sooner, or in part, says the same as what is read slowly and whole."""

import re

from hypothesis import given
from hypothesis import strategies as st

from secretguard.engine import engines
from secretguard.engine.around import Around, setting_at

PIECES = st.sampled_from(
    (
        "DB_PASSWORD", "password", "user", "host", "name", "key", "value", "lookup", "getenv", "ENV ", "--password",
        "<password>", "</password>", '<add name="', "=", ":", ": ", " = ", "=>", ",", "(", ")", "{", "}", "${", ":-", '"',
        "'", "\\\"", "\n", " ", "\t", "x", "s3cr3t", "#", "-", "@",
    )
)  # fmt: skip
WORDS = st.sampled_from(
    (
        "postgres", "PostgreSQL", "PgConnectOptions", "Client({", "WP_DEBUG", "define('DB_", "redis", "Redis", "sqlserver",
        "SQL Server", "SqlConnection", "PlainTextAuthProvider", "MAIL_HOST", "smtp", "nats", "mqtt", "amqp", "'pg'", "_",
        "x", " ", "\n", "é", ".",
    )
)  # fmt: skip


@given(st.lists(PIECES, max_size=30))
def test_the_setting_at_a_place_needs_nothing_behind_it(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    around = Around(data, 0, len(data))
    for place in range(len(data)):
        assert setting_at(place, data, 0, len(data)) == around.setting_at(place)


@given(st.lists(WORDS, max_size=20), st.data())
def test_names_of_engines_are_found_as_an_expression_that_ignores_case_finds_them(
    words: list[str], drawn: st.DataObject
) -> None:
    data = "".join(words).encode()
    low = drawn.draw(st.integers(0, len(data)))
    high = drawn.draw(st.integers(low, len(data)))
    families = (f"(?P<{family}>{names.replace(' | ', '|')})" for family, names in engines._NAMES)
    slow = re.compile("|".join(families).encode(), re.IGNORECASE)
    expected = [(match.start(), match.lastgroup) for match in slow.finditer(data, low, high)]
    assert engines._spoken_of(data, low, high) == expected
