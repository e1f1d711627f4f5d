"""A line of megabytes on which rules hit a hundred thousand times costs seconds, and what stands on it is found."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.engine.detect import Detector, detect
from secretguard.engine.parts import Found
from secretguard.engine.text import LONG_LINE, Positions, enclosing_lines
from secretguard.examples import fill
from secretguard.model import Blob, Match
from secretguard.scan.cache import compiled_rules

REPEATED = [
    "password=x;", "Password=x;", "pwd=x;", "db_password=x;", "DB_PASSWORD='x';", "api_key=x ", "password=correcthorse;",
    "user=a host=b password=c ", '{"user":"a","host":"b","password":"c"},', "AKIA", "postgres://", "jdbc:postgresql://",
    "sk-", "ghp_", "-----BEGIN PRIVATE KEY-----", "cG9zdGdyZXM6Ly",
]  # fmt: skip
MORE = 3
"""Times that a byte may be read: what stands near a block is read with it."""


@pytest.fixture
def detector() -> Detector:
    return compiled_rules().detector


def found(detector: Detector, text: str) -> tuple[Match, ...]:
    return detect(Blob("0" * 40, text.encode()), detector).matches


@pytest.mark.parametrize("repeated", REPEATED)
def test_the_surroundings_of_hits_are_read_together(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, repeated: str
) -> None:
    read: Counter[object] = Counter()
    once = Found.once

    def counted(self: Found, reader: Callable[[bytes, int, int], Any], span: tuple[int, int]) -> Any:
        before = self.already_read.get(reader)
        result = once(self, reader, span)
        if self.already_read[reader] is not before:
            read[self.rule.id, reader] += span[1] - span[0]
        return result

    monkeypatch.setattr(Found, "once", counted)
    line = repeated * (2 * LONG_LINE // len(repeated))
    found(detector, line)
    assert all(size <= MORE * len(line) for size in read.values()), read


def test_a_megabyte_of_hits_costs_seconds(detector: Detector) -> None:
    line = "".join(one * (LONG_LINE // len(one)) for one in REPEATED)
    key = fill("{{alnum:36}}", 1)
    started = time.monotonic()
    secrets = [match.secret.reveal() for match in found(detector, f"{line};token='ghp_{key}';")]
    assert time.monotonic() - started < 60
    assert f"ghp_{key}" in secrets


@pytest.mark.parametrize(
    "login",
    [
        "Server=db{{digits:3}}.corp.net;User Id=app;Password={{lowernum:14}};",
        "host=db{{digits:3}}.corp.net user=app dbname=shop password={{lowernum:14}} ",
        '{"db_user": "app", "db_host": "db.corp.net", "db_password": "{{lowernum:14}}"}, ',
        "postgresql://app:{{lowernum:14}}@db.corp.net/shop ",
    ],
)
def test_every_login_on_the_line_is_found(detector: Detector, login: str) -> None:
    size = 2 * LONG_LINE // len(login)
    logins = [fill(login, seed) for seed in range(size)]
    line = "".join(logins)
    secrets = {match.secret.reveal() for match in found(detector, line)}
    assert len(secrets) == size
    assert all(secret in line for secret in secrets)


@given(
    st.text(st.sampled_from("ab\n\u00e9\u20ac\U0001f511"), max_size=40).map(str.encode) | st.binary(max_size=40),
    st.lists(st.integers(0, 40), max_size=12),
)
def test_positions_are_counted_on(data: bytes, offsets: list[int]) -> None:
    positions = Positions(data)
    for offset in (min(one, len(data)) for one in offsets):
        begin = data.rfind(b"\n", 0, offset) + 1
        column = len(data[begin:offset].decode("utf-8", "replace")) + 1
        assert positions.of(offset) == (data.count(b"\n", 0, offset) + 1, column)


def test_lines_are_whole_unless_very_long() -> None:
    rng = random.Random(1)
    for size in (10, LONG_LINE - 1, LONG_LINE, LONG_LINE + 1, 3 * LONG_LINE):
        data = b"above\n" + b"x" * size + b"\nbelow"
        for start in (6, 7, 6 + size // 2, 6 + size, rng.randrange(6, 6 + size)):
            end = min(start + 4, 6 + size)
            whole = (6, 6 + size)
            cut = (max(6, start - 100), min(6 + size, end + 100))
            assert enclosing_lines(data, start, end, 100) == (whole if size <= LONG_LINE else cut)
