"""A text is known to be clean only if it is, to the last bit, one that was found to be; texts fall into pieces by lines."""

import random
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

LONGEST = 8192
SHORT = 256
ENOUGH = 1024
LINES = st.lists(st.one_of(st.binary(max_size=90), st.integers(0, 3000).map(bytes)), max_size=60).map(b"\n".join)


def known(reader: SimpleNamespace, *texts: bytes) -> Any:
    """What remembers these texts."""
    clean = reader.clean_lines.CleanLines(10)
    for text in texts:
        assert not clean.is_clean(text, 0, len(text))
        clean.add(clean.print)
        assert clean.is_clean(text, 0, len(text))
    return clean


def is_clean(clean: Any, text: bytes | bytearray) -> bool:
    found: bool = clean.is_clean(text, 0, len(text))
    return found


def pieces(reader: SimpleNamespace, text: bytes, start: int = 0) -> list[int]:
    """Where pieces end."""
    ends = []
    while start < len(text):
        start = reader.clean_lines.piece_end(text, start, len(text))
        ends.append(start)
    return ends


@given(text=st.binary(min_size=1, max_size=600), before=st.binary(max_size=20), behind=st.binary(max_size=20))
def test_the_same_bytes_are_clean_wherever_they_stand(
    reader: SimpleNamespace, text: bytes, before: bytes, behind: bytes
) -> None:
    clean = known(reader, text)
    data = bytearray(before + text + behind)
    assert clean.is_clean(data, len(before), len(before) + len(text))
    assert clean.is_clean(bytes(data), len(before), len(before) + len(text))


@given(text=st.binary(min_size=1, max_size=600), at=st.integers(0, 599), change=st.integers(1, 255))
def test_another_byte_is_another_text(reader: SimpleNamespace, text: bytes, at: int, change: int) -> None:
    other = bytearray(text)
    other[at % len(text)] ^= change
    assert not is_clean(known(reader, text), other)


def test_any_other_bit_is_another_text(reader: SimpleNamespace) -> None:
    text = random.Random(1).randbytes(301)
    clean = known(reader, text)
    for bit in range(8 * len(text)):
        other = bytearray(text)
        other[bit // 8] ^= 1 << bit % 8
        assert not is_clean(clean, other)


@given(text=st.binary(min_size=1, max_size=600), more=st.binary(min_size=1, max_size=20), fewer=st.integers(1, 600))
def test_another_length_is_another_text(reader: SimpleNamespace, text: bytes, more: bytes, fewer: int) -> None:
    clean = known(reader, text)
    assert not is_clean(clean, text + more)
    assert not is_clean(clean, more + text) or more + text == text + more
    assert fewer >= len(text) or not is_clean(clean, text[:-fewer])


def test_a_nul_more_or_less_is_another_text(reader: SimpleNamespace) -> None:
    for text in (b"x", b"some text", b"sixteen letters.", bytes(8), bytes(24), b"x" * 255 + b"\0"):
        clean = known(reader, text)
        for count in range(1, 20):
            assert not is_clean(clean, text + bytes(count))
            assert not is_clean(clean, bytes(count) + text)
        assert len(text) == 1 or not is_clean(clean, text[:-1])


def test_texts_that_trade_their_words_are_others(reader: SimpleNamespace) -> None:
    words = [b"%04d" % number for number in range(64)]
    clean = known(reader, b"".join(words))
    for one, other in pairwise(range(64)):
        traded = [*words]
        traded[one], traded[other] = words[other], words[one]
        assert not is_clean(clean, b"".join(traded))


def test_a_text_as_long_as_a_piece_may_be_is_known_to_its_last_byte(reader: SimpleNamespace) -> None:
    text = random.Random(2).randbytes(LONGEST)
    clean = known(reader, text)
    for at in (0, 1, 4096, LONGEST - 9, LONGEST - 8, LONGEST - 1):
        other = bytearray(text)
        other[at] ^= 128
        assert not is_clean(clean, other)


def test_nothing_is_clean_from_the_beginning(reader: SimpleNamespace) -> None:
    clean = known(reader)
    assert not any(is_clean(clean, text) for text in (b"x", b"\0", bytes(8), bytes(LONGEST)))


@pytest.mark.parametrize("bit", range(0, 64, 7))
def test_texts_that_differ_in_one_bit_have_fingerprints_that_differ_in_all(reader: SimpleNamespace, bit: int) -> None:
    # So the chance that they are the same does not hang on what somebody changes, say the highest bit of a word.
    differing = 0
    for _ in range(64):
        clean = reader.clean_lines.CleanLines(4)
        marks = []
        for change in (0, 1 << bit % 8):
            text = bytearray(300)
            text[bit // 8] ^= change
            assert not is_clean(clean, text)
            marks.append(clean.print)
        differing |= marks[0] ^ marks[1]
    assert differing == (1 << 64) - 1


def test_each_scan_has_a_key_of_its_own(reader: SimpleNamespace) -> None:
    marks = set()
    for _ in range(20):
        clean = reader.clean_lines.CleanLines(4)
        is_clean(clean, b"the same text")
        marks.add(clean.print)
    assert len(marks) == 20


def test_what_comes_later_takes_the_place_of_what_came_before(reader: SimpleNamespace) -> None:
    clean = reader.clean_lines.CleanLines(3)
    texts = [b"text %d" % number for number in range(200)]
    for text in texts:
        assert not is_clean(clean, text)
        clean.add(clean.print)
        assert is_clean(clean, text)
    assert 1 <= sum(is_clean(clean, text) for text in texts) <= 8


@given(size=st.integers(0, 300), start=st.integers(-300, 600), stop=st.integers(-300, 600))
def test_a_range_that_is_none_is_refused(reader: SimpleNamespace, size: int, start: int, stop: int) -> None:
    clean = reader.clean_lines.CleanLines(4)
    for ask in (clean.is_clean, reader.clean_lines.piece_end):
        if 0 <= start < stop <= size:
            ask(bytes(size), start, stop)
        else:
            with pytest.raises(ValueError):
                ask(bytes(size), start, stop)


def test_a_range_that_is_too_long_is_refused(reader: SimpleNamespace) -> None:
    clean = known(reader)
    for start in (0, 1, 5000):
        clean.is_clean(bytes(20_000), start, start + LONGEST)
        with pytest.raises(ValueError):
            clean.is_clean(bytes(20_000), start, start + LONGEST + 1)


@given(text=LINES)
def test_pieces_are_whole_lines_and_together_the_text(reader: SimpleNamespace, text: bytes) -> None:
    ends = pieces(reader, text)
    assert ends == sorted({*ends})
    assert ends[-1:] == ([len(text)] if text else [])
    assert all(text[end - 1] == 10 for end in ends[:-1])


@given(text=LINES)
def test_pieces_are_neither_short_nor_longer_than_a_line_more_than_enough(reader: SimpleNamespace, text: bytes) -> None:
    ends = pieces(reader, text)
    for start, end in pairwise([0, *ends]):
        assert end - start >= SHORT or end == len(text)
        assert text.rfind(b"\n", start, end - 1) + 1 - start < ENOUGH


@given(text=LINES, stop=st.integers(1, 4000))
def test_a_piece_ends_at_the_stop_where_it_would_go_on(reader: SimpleNamespace, text: bytes, stop: int) -> None:
    if stop <= len(text):
        whole = reader.clean_lines.piece_end(text, 0, len(text))
        assert reader.clean_lines.piece_end(text, 0, stop) == min(whole, stop)


def beginnings(seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    for _ in range(30):
        yield b"\n".join(rng.randbytes(rng.randrange(40)).hex().encode() for _ in range(rng.randrange(30))) + b"\n"


def test_the_same_lines_soon_make_the_same_pieces_whatever_stands_before_them(reader: SimpleNamespace) -> None:
    rng = random.Random(3)
    text = b"".join(b"x" * rng.randrange(70) + b"\n" for _ in range(600))
    alone = {*pieces(reader, text)}
    for before in beginnings(4):
        behind = {end - len(before) for end in pieces(reader, before + text)}
        assert max((end for end in alone ^ behind if end > 0), default=0) < 4096
        assert len(alone & behind) > len(alone) * 3 // 4
