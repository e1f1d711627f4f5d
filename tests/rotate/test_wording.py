"""No value gets into a journal, an audit record or a terminal with the words of somebody else."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.rotate.wording import without_values
from secretguard.secret import Secret
from secretguard.spelling import holds

values = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)


@given(values, st.text(max_size=20), st.text(max_size=20))
def test_a_value_is_masked_as_it_is_and_percent_encoded(value: str, before: str, after: str) -> None:
    for form in (value, quote(value, safe="")):
        (line,) = without_values([f"{before}{form}{after}"], [Secret(value)])
        assert form not in line


@given(values, st.binary(max_size=5), st.binary(max_size=5))
def test_a_value_is_masked_in_base64_wherever_it_begins(value: str, before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + value.encode() + after).decode()
    (line,) = without_values([text], [Secret(value)])
    middle = text[(len(before) + 2) // 3 * 4 + 1 : (len(before) + len(value)) // 3 * 4 - 1]
    assert "****" in line
    assert middle not in line or len(middle) < 4


def test_other_words_stay() -> None:
    lines = ("db:5432: refused (28P01)", "v2 destroyed")
    assert without_values(lines, [Secret("another-value"), Secret("db")]) == lines


@pytest.mark.parametrize("value", ["caf\udce9-Pass_word1", "half\ud83d-Pass_word1"])
def test_a_value_that_is_no_utf_8_is_taken_out_too(value: str) -> None:
    assert without_values((f"no: {value}",), (Secret(value),)) == ("no: ****",)
    assert holds(f"x{value}", Secret(value))
    assert not holds("x", Secret(value))
