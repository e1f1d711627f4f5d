"""The mask of `secretguard run --mask`: the same whatever the pieces, and nothing of a value comes through."""

import base64
import html
import json
import os
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.cli.masked_spellings import SHORTEST, spellings_of
from secretguard.cli.masked_stream import MASK, Masked, StreamMask, masked

ALPHABET = st.sampled_from([b"a", b"b", b"ab", b"\n", b"\xff", b"x"])
SPELLINGS = st.lists(st.lists(ALPHABET, min_size=4, max_size=9).map(b"".join), max_size=5)


def through(what: Masked, pieces: list[bytes]) -> bytes:
    stream = StreamMask(what)
    return b"".join([*map(stream.feed, pieces), stream.end()])


def covered(text: bytes, spellings: list[bytes]) -> bytes:
    """The definition: every place that a spelling covers, one mask for those that overlap."""
    spans = sorted((at, at + len(one)) for one in set(spellings) for at in range(len(text)) if text.startswith(one, at))
    out, end = b"", 0
    joined: list[list[int]] = []
    for start, stop in spans:
        if joined and start < joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    for start, stop in joined:
        out, end = out + text[end:start] + MASK, stop
    return out + text[end:]


@st.composite
def outputs(draw: st.DrawFn) -> tuple[list[bytes], bytes, list[bytes]]:
    """Spellings, a text in which some of them and parts of them stand, and the text in pieces."""
    spellings = draw(SPELLINGS)
    parts = [ALPHABET, st.binary(max_size=3)]
    if spellings:
        whole = st.sampled_from(spellings)
        parts += [whole, st.tuples(whole, st.integers(1, 8)).map(lambda pair: pair[0][: pair[1]])]
    text = b"".join(draw(st.lists(st.one_of(parts), max_size=25)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return spellings, text, pieces


@given(outputs())
@settings(max_examples=1500)
def test_any_cutting_masks_what_the_whole_text_masks(case: tuple[list[bytes], bytes, list[bytes]]) -> None:
    spellings, text, pieces = case
    what = masked(spellings)
    assert through(what, pieces) == covered(text, spellings)
    assert through(what, [bytes([byte]) for byte in text]) == covered(text, spellings)


@given(outputs())
@settings(max_examples=500)
def test_what_is_held_back_is_the_beginning_of_a_value_and_nothing_more(
    case: tuple[list[bytes], bytes, list[bytes]],
) -> None:
    spellings, _, pieces = case
    stream, so_far = StreamMask(masked(spellings)), b""
    for piece in pieces:
        stream.feed(piece)
        so_far += piece
        held = stream._held
        assert so_far.endswith(held)
        assert not held or any(one.startswith(held) and len(held) < len(one) for one in spellings)


@given(outputs())
@settings(max_examples=500)
def test_somebody_who_waits_sees_two_bytes_of_a_value_at_most(case: tuple[list[bytes], bytes, list[bytes]]) -> None:
    spellings, text, pieces = case
    stream, out = StreamMask(masked(spellings)), b""
    for piece in pieces:
        out += stream.feed(piece) + stream.early()
    out += stream.end()
    plain = out.replace(MASK, b"\0")
    longer = [one for one in spellings if b"\0" not in one]
    assert [one for one in longer if one in plain] == []
    assert len(out) <= len(text) + 4 * len(text)
    assert b"".join(part for part in out.split(MASK)) == out.replace(MASK, b"")


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=SHORTEST, max_size=40)
AROUND = st.binary(max_size=7)


def encoded(value: str, before: bytes, after: bytes) -> list[bytes]:
    data = os.fsencode(value)
    whole = before + data + after
    return [
        whole,
        before + quote(value, safe="").encode(),
        before + quote(value).encode(),
        before + quote_plus(value).encode(),
        before + json.dumps(value).encode(),
        before + json.dumps(value, ensure_ascii=False).encode(),
        before + html.escape(value).encode(),
        before + data.hex().encode(),
        before + data.replace(b"\n", b"\r\n") + after,
    ]


@given(VALUES, AROUND, AROUND)
@settings(max_examples=300)
def test_no_plain_or_escaped_spelling_of_a_value_comes_through(value: str, before: bytes, after: bytes) -> None:
    what = masked(spellings_of([value]))
    for text in encoded(value, before, after):
        shown = through(what, [text])
        assert MASK in shown
        assert os.fsencode(value) not in shown.replace(MASK, b"\0")


@given(st.binary(min_size=6, max_size=60), AROUND, AROUND)
@settings(max_examples=300)
def test_of_a_value_in_base64_less_than_a_byte_comes_through_at_each_end(
    data: bytes, before: bytes, after: bytes
) -> None:
    value = os.fsdecode(data)
    what = masked(spellings_of([value]))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(before + data + after)
        shown = through(what, [text])
        assert MASK in shown
        # Characters of what stands around, one that each end of the value shares with it, and what is filled up.
        plain = shown.replace(MASK, b"").rstrip(b"=")
        assert len(plain) <= len(before) * 8 // 6 + len(after) * 8 // 6 + 3


@pytest.mark.parametrize("width", [64, 76])
def test_lines_of_base64_are_masked_each(width: int) -> None:
    value = os.urandom(100).hex()
    text = base64.b64encode(value.encode())
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    assert through(masked(spellings_of([value])), [b"\n".join(lines)]) == b"\n".join([MASK] * len(lines))


def test_lines_of_a_value_are_masked_each_but_for_very_short_ones() -> None:
    what = masked(spellings_of(["-----BEGIN-----\n  first-line\r\nnext-line\n}\n"]))
    assert through(what, [b"see first-line, then next-line }"]) == b"see ****, then **** }"


def test_the_password_of_a_url_is_masked_by_itself() -> None:
    written = "p%40ss-w0rd"
    what = masked(spellings_of([f"postgresql://app:{written}@db.internal:5432/app"]))
    shown = through(what, [b"app said p@ss-w0rd, or p%40ss-w0rd, to db.internal"])
    assert shown == b"app said ****, or ****, to db.internal"


def test_what_shells_show_is_masked() -> None:
    value = 'it\'s $5 "worth" `x`'
    what = masked(spellings_of([value]))
    trace = b"+ echo 'it'\\''s $5 \"worth\" `x`'"
    declared = b'declare -x A="it\'s \\$5 \\"worth\\" \\`x\\`"'
    assert through(what, [trace]) == b"+ echo '****'"
    assert through(what, [declared]) == b'declare -x A="****"'


def test_very_short_values_are_not_masked_and_no_values_mask_nothing() -> None:
    text = b"0 1 on off abc"
    for values in ([], [""], ["1", "on", "abc"]):
        assert through(masked(spellings_of(values)), [text]) == text


def test_a_long_output_is_held_back_no_further_than_the_longest_spelling() -> None:
    what = masked([b"a" * 5000 + b"b"])
    stream = StreamMask(what)
    out = 0
    for _ in range(20):
        out += len(stream.feed(b"a" * 1000))
        assert len(stream._held) <= 5000
    assert out == 20 * 1000 - 5000
