"""Inline allow marks: which lines they speak for, and what they may say."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.engine.marks import ANY, BARE, REACH, marks_for_next, marks_near, marks_on

ONE, TWO = "sg_0123456789ab", "sg_ba9876543210"
IDS = st.text("0123456789abcdef", min_size=12, max_size=12).map("sg_{}".format)


def near(text: str, value: str = "VALUE") -> tuple[str, ...]:
    data = text.encode()
    start = data.index(value.encode())
    return marks_near(data, start, start + len(value))


@pytest.mark.parametrize(
    "line",
    [
        f"key = 'VALUE'  # secretguard:allow {ONE}",
        f"key = 'VALUE'  # secretguard: allow {ONE} a test server that only lives on my desk",
        f"key: VALUE # secretguard:allow,{ONE}",
        f"<!-- secretguard:allow {ONE} --> <key>VALUE</key>",
        f"# secretguard:allow {ONE}\nkey = VALUE",
        f"    // secretguard:allow {ONE} why\n    key = VALUE",
        f"/* secretguard:allow {ONE} */\r\nkey = VALUE\r\n",
        f"<!-- secretguard:allow {ONE} -->\n<key>VALUE</key>",
        f"-- secretguard:allow {ONE}\nVALUE",
        f"REM secretguard:allow {ONE}\nset KEY=VALUE",
    ],
)
def test_our_mark_counts_on_the_line_and_alone_on_the_line_above(line: str) -> None:
    assert near(line) == (ONE,)


@pytest.mark.parametrize(
    "text",
    [
        f"key = VALUE\n# secretguard:allow {ONE}",
        f"# secretguard:allow {ONE}\n\nkey = VALUE",
        f"other = 1  # secretguard:allow {ONE}\nkey = VALUE",
        f"# secretguard:allowed {ONE}\nkey = VALUE",
        f"# secretguard:allow-{ONE}\nkey = VALUE",
        "key = VALUE  # nosec",
    ],
)
def test_a_mark_elsewhere_or_of_another_kind_does_not_count(text: str) -> None:
    assert near(text) == ()


def test_one_mark_names_several_credentials() -> None:
    assert near(f"VALUE # secretguard:allow {ONE}, {TWO} both are fixtures") == (ONE, TWO)


@pytest.mark.parametrize(
    "text",
    ["VALUE # secretguard:allow", "VALUE # secretguard:allow because I say so", f"VALUE # secretguard:allow {ONE}9"],
)
def test_our_mark_without_an_id_is_told_apart(text: str) -> None:
    assert near(text) == (BARE,)


@pytest.mark.parametrize(
    "comment",
    ["gitleaks:allow", "betterleaks:allow", "trufflehog:ignore", "pragma: allowlist secret", "pragma: whitelist secret",
     "pragma:allowlist-secret"],
)  # fmt: skip
def test_bare_marks_of_other_tools_count_for_their_own_line_only(comment: str) -> None:
    assert near(f"key = VALUE  # {comment}") == (ANY,)
    assert near(f"# {comment}\nkey = VALUE") == ()
    assert near(f"key = VALUE\n# {comment}") == ()


def test_the_next_line_pragma_counts_for_the_next_line_only() -> None:
    assert near("# pragma: allowlist nextline secret\nkey = VALUE") == (ANY,)
    assert near("key = VALUE # pragma: allowlist nextline secret") == ()
    assert near("other = 1 # pragma: allowlist nextline secret\nkey = VALUE") == ()


def test_a_mark_on_any_line_of_a_long_match_counts() -> None:
    data = f"-----BEGIN\nline\n# secretguard:allow {ONE}\nline\n-----END\n# secretguard:allow {TWO}\n".encode()
    assert marks_near(data, 0, data.index(b"END") + 3) == (ONE,)
    assert marks_near(data, 0, data.index(b"END") + 4) == (ONE,), "its newline belongs to its last line"


def test_a_mark_far_away_on_a_line_of_megabytes_does_not_count_and_costs_nothing() -> None:
    filler = b"a:allow," * 700_000
    data = b"gitleaks:allow " + filler + b"VALUE" + filler + b" gitleaks:allow"
    start = data.index(b"VALUE")
    began = time.perf_counter()
    for _ in range(50):
        assert marks_near(data, start, start + 5) == ()
    assert time.perf_counter() - began < 1
    assert marks_near(b"VALUE" + b" " * (REACH - 100) + b"gitleaks:allow", 0, 5) == (ANY,)


def test_a_cut_off_line_above_may_hold_code_and_does_not_speak_for_the_next() -> None:
    above = b"x" * 10 + b" " * (REACH - 40) + f"# secretguard:allow {ONE}".encode()
    data = b"x" * REACH + above + b"\nVALUE"
    assert marks_near(data, len(data) - 5, len(data)) == ()


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 60))
def test_no_bytes_make_it_fail_and_only_ids_come_out(noise: bytes, start: int, length: int) -> None:
    found = {*marks_on(noise), *marks_for_next(noise), *marks_near(noise, min(start, len(noise)), start + length)}
    assert all(name in (ANY, BARE) or re.fullmatch(r"sg_[0-9a-f]{12}", name) for name in found)


@given(
    st.lists(
        st.sampled_from(["secretguard:allow", "sg_", "gitleaks:allow", ",", " ", "#", "\n", ONE, "x", "pragma: "])
    ),
    IDS,
)
def test_every_id_that_comes_out_stands_behind_a_mark_of_ours(pieces: list[str], name: str) -> None:
    text = "".join(pieces)
    found = marks_on(text.encode())
    for identifier in set(found) - {ANY, BARE}:
        assert identifier in text.partition("secretguard:allow")[2]
    assert name in marks_on(f"{text} secretguard:allow {name} {text}".encode())
