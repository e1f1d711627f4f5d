"""Lines that were clean before are not matched again, and nothing is missed for that."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.sweeps import Counting, Growing, assert_same_hits, matched_whole, prefilter_of, swept

KEY = b"acme_abcd"
LINES = [b"line %d says something of its own: %d\n" % (number, number * 7919 % 1000) for number in range(800)]
TEXT = b"".join(LINES)
LONG = b"".join(b"var a%d=%d;" % (number, number * 31) for number in range(2000))
"""A line without end."""
SHORT = 256
LONGEST_PIECE = 8192


@pytest.fixture(scope="session")
def acme() -> Any:
    return prefilter_of("acme_[a-z]{4}", "^from [a-z]{1,20}", "end[0-9]$", "wide[a-z]{0,500}tail")


@pytest.fixture
def clean(reader: SimpleNamespace) -> Any:
    return reader.clean_lines.CleanLines()


def matched_bytes(reader: SimpleNamespace, pack: Any, prefilter: Any, clean: Any) -> int:
    counting = Counting(prefilter)
    swept(reader, pack, counting, clean=clean)
    return counting.bytes


def test_a_text_that_comes_again_is_not_matched_again(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    history = Growing()
    for number in range(100):
        history.whole(b"%d\n" % number + TEXT)
    pack = history.pack(reader, tmp_path)
    # Until the common text is full nothing is known; then only what stands around the number of each version is new.
    first = matched_bytes(reader, pack, acme, clean)
    assert first < (1 << 20) + 100 * 2048 < 100 * len(TEXT) / 2
    # Two lines may fall on the same place of the table, whose key is another one each time.
    assert matched_bytes(reader, pack, acme, clean) < 16 * SHORT < len(TEXT)


def test_of_a_text_with_a_hit_that_comes_again_only_lines_near_the_hit_are_matched(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    history = Growing()
    history.whole(b"".join(LINES[:400]) + KEY + b"\n" + b"".join(LINES[400:]))
    pack = history.pack(reader, tmp_path)
    found = assert_same_hits(reader, pack, acme, clean=clean)
    assert len(found) == 1
    assert matched_bytes(reader, pack, acme, clean) < 2048


def test_what_is_short_is_matched_each_time(reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any) -> None:
    history = Growing()
    history.whole(b"x" * (SHORT - 1))
    history.whole(b"y" * SHORT)
    pack = history.pack(reader, tmp_path)
    both = matched_bytes(reader, pack, acme, clean)
    assert matched_bytes(reader, pack, acme, clean) == both - SHORT - 1


@pytest.mark.parametrize("key", [KEY, b"end7", b"from home", b"wide" + b"y" * 500 + b"tail"], ids=lambda key: key[:5])
def test_a_hit_is_found_at_every_place_of_lines_that_were_clean(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any, key: bytes
) -> None:
    history = Growing()
    text = b"".join(LINES[:60])
    first = history.whole(text)
    marks = [*range(0, len(text), 37), *(at for at in range(len(text)) if text[at] == 10)]
    for at in marks:
        history.whole(text[:at] + b"\n" * (key[:4] == b"from") + key + b"\n" * (key[:3] == b"end") + text[at:])
        history.version(
            first, (0, at), b"\n" * (key[:4] == b"from") + key + b"\n" * (key[:3] == b"end"), (at, len(text))
        )
    pack = history.pack(reader, tmp_path)
    swept(reader, pack, acme, (1,), clean)
    found = assert_same_hits(reader, pack, acme, (1,), clean=clean)
    assert len(found) == 2 * len(marks)


def test_a_key_that_comes_and_goes_is_found_when_it_is_there(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    history = Growing()
    last = history.whole(TEXT)
    there = []
    for number in range(40):
        size = len(history.contents[last])
        if number % 2:
            last = history.version(last, (0, 20_000), (20_000 + len(KEY), size))
        else:
            last = history.version(last, (0, 20_000), KEY, (20_000, size))
            there.append(last)
    pack = history.pack(reader, tmp_path)
    assert [*assert_same_hits(reader, pack, acme, range(1, len(pack)), clean=clean)] == there
    assert [*assert_same_hits(reader, pack, acme, clean=clean)] == there


def test_hits_are_inherited_past_lines_that_are_known(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    history = Growing()
    block = b"".join(LINES[:50])
    history.whole(block)
    swept(reader, history.pack(reader, tmp_path / "block"), acme, clean=clean)
    with_key = history.whole(TEXT + KEY + b"\n" + TEXT)
    end = len(TEXT) + len(KEY)
    size = len(history.contents[with_key])
    before = history.version(with_key, block, (0, size))
    both = history.version(before, (0, len(block) + end + 1), block, (len(block) + end + 1, len(block) + size))
    within = history.version(with_key, (0, len(TEXT) + 4), b"\n" + block, (len(TEXT) + 4, size))
    behind = history.version(with_key, (0, size), block, (len(TEXT), end))
    pack = history.pack(reader, tmp_path / "all")
    found = assert_same_hits(reader, pack, acme, (1,), clean=clean)
    assert {entry: sorted(at for at, _ in hits) for entry, hits in found.items()} == {
        with_key: [end],
        before: [len(block) + end],
        both: [len(block) + end],
        behind: [end, size + len(block) + len(KEY)],
    }
    assert within not in found
    # All there is to match are the lines around the key.
    assert matched_bytes(reader, pack, acme, clean) < 5 * 2048


@pytest.mark.parametrize("seed", range(4))
def test_windows_of_a_line_without_end_hide_nothing(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any, seed: int
) -> None:
    # The same few pieces go in and out at the same few places: windows come again, with another line around them.
    rng = random.Random(seed)
    pieces = (
        b"",
        b"acme_",
        b"abcd",
        KEY,
        b"wide",
        b"tail",
        b"y" * 450,
        b"y" * 500,
        b"z" * 900,
        b"\n",
        b"from ",
        b"end1",
    )
    history = Growing()
    for _ in range(4):
        places = sorted(rng.sample(range(len(LONG)), 3))
        last = history.whole(LONG)
        for _ in range(60):
            base = rng.randrange(max(last - 5, 0), last + 1)
            size = len(history.contents[base])
            at = min(rng.choice(places) + rng.choice((0, 0, 0, 5, 450)), size)
            last = history.version(
                base, (0, at), rng.choice(pieces), (min(at + rng.choice((0, 0, 4, 500)), size), size)
            )
    pack = history.pack(reader, tmp_path)
    found = assert_same_hits(reader, pack, acme, range(3, len(pack), 3), clean=clean)
    assert len(found) > 20
    # An empty instruction was left out, and it is the base once more: some windows are known, and not matched again.
    assert matched_bytes(reader, pack, acme, clean) < matched_bytes(reader, pack, acme, reader.clean_lines.CleanLines())


@pytest.mark.parametrize("size", [LONGEST_PIECE - 1, LONGEST_PIECE, LONGEST_PIECE + 1, 3 * LONGEST_PIECE])
def test_a_line_that_is_longer_than_a_piece_is_matched_each_time(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any, size: int
) -> None:
    history = Growing()
    line = b"z" * (size - 1) + b"\n"
    history.whole(TEXT + line + TEXT)
    for at in (0, 1, size // 2, size - len(KEY) - 1):
        history.whole(TEXT + line[:at] + KEY + line[at + len(KEY) :] + TEXT)
    pack = history.pack(reader, tmp_path)
    assert len(assert_same_hits(reader, pack, acme, range(1, len(pack)), clean=clean)) == 4
    only = Growing()
    only.whole(line)
    again = only.pack(reader, tmp_path / "only")
    matched_bytes(reader, again, acme, clean)
    assert (matched_bytes(reader, again, acme, clean) > 0) is (size > LONGEST_PIECE)


def test_what_is_clean_in_one_pack_is_found_where_another_has_a_key_in_it(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    rng = random.Random(5)
    for number in range(6):
        history = Growing()
        last = history.whole(TEXT)
        for _ in range(20):
            size = len(history.contents[last])
            start, stop = sorted(rng.sample(range(size), 2))
            stop = min(stop, start + 2000)
            new = rng.choice((KEY, b"", KEY + b"\n", b"\n", b"".join(LINES[:30])))
            last = rng.choice((last, history.version(last, (0, start), new, (start, size), (start, stop))))
        pack = history.pack(reader, tmp_path / str(number))
        assert assert_same_hits(reader, pack, acme, rng.sample(range(1, len(pack)), 3), clean=clean)


def test_the_end_of_one_text_and_the_middle_of_another_are_told_apart(
    reader: SimpleNamespace, tmp_path: Path, acme: Any, clean: Any
) -> None:
    # A last line without a line feed is as clean as what follows it in another text lets it be.
    text = b"".join(LINES[:30])
    history = Growing()
    for end in (b"acme_abc", b"acme_", b"wide", b"end", b"from "):
        base = history.whole(text + end)
        size = len(text + end)
        history.version(base, (0, size), b"d")
        history.version(base, (0, size), b"abcd")
        history.version(base, (0, size), b"tail")
        history.version(base, (0, size), b"1\n")
        history.version(base, (0, size), b"\n" + KEY)
    pack = history.pack(reader, tmp_path)
    found = assert_same_hits(reader, pack, acme, range(1, len(pack)), clean=clean)
    assert found == matched_whole(reader, pack, acme)
    assert len(found) > 10


def test_more_lines_than_are_remembered_are_no_trouble(reader: SimpleNamespace, tmp_path: Path, acme: Any) -> None:
    history = Growing()
    for number in range(12):
        history.whole(TEXT + KEY * (number % 3) + b"\n" + TEXT[:: 1 if number % 2 else -1])
    pack = history.pack(reader, tmp_path)
    clean = reader.clean_lines.CleanLines(2)
    assert len(assert_same_hits(reader, pack, acme, range(1, len(pack)), clean=clean)) == 8
