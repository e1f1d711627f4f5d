"""Deltas are taken apart and applied exactly, whatever the bytes, and never beyond their bounds."""

import random
from array import array
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.git.crafted import delta_of

REACH = 6
"""So small that a line of a test is longer."""
BASES = st.lists(
    st.sampled_from((b"a", b"b", b"key", b"\n", b"\r\n", b" = ", b"long" * 9)), min_size=1, max_size=40
).map(b"".join)
PIECES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 100), st.integers(1, 100)),
        st.lists(st.sampled_from((b"x", b"\n", b"key", b"zz" * 8)), min_size=1, max_size=6).map(b"".join),
    ),
    max_size=8,
)


def made(base: bytes, pieces: list[bytes | tuple[int, int]]) -> tuple[bytes, bytes]:
    """A delta with these inserts and copies (place and size in percent of the base), and what it makes of `base`."""
    result, instructions = b"", []
    for piece in pieces:
        if isinstance(piece, tuple):
            start = len(base) * piece[0] // 101
            size = max(1, (len(base) - start) * piece[1] // 100)
            result += base[start : start + size]
            instructions.append((start, size))
        else:
            result += piece
            instructions.append(piece)
    return delta_of(len(base), len(result), *instructions), result


def taken_apart(reader: SimpleNamespace, delta: bytes, room: int = 4096) -> tuple["array[int]", int]:
    steps = array("q", bytes(8 * room))
    return steps, reader.delta.parse_delta(delta, steps)


def applied(reader: SimpleNamespace, base: bytes, delta: bytes) -> bytes:
    steps, end = taken_apart(reader, delta)
    result = bytearray(steps[1])
    reader.delta.apply_delta(base, delta, steps, end, result)
    return bytes(result)


@given(base=BASES, pieces=PIECES)
def test_a_delta_makes_of_its_base_what_it_says(
    reader: SimpleNamespace, base: bytes, pieces: list[bytes | tuple[int, int]]
) -> None:
    delta, result = made(base, pieces)
    assert applied(reader, base, delta) == result


def test_large_copies_and_far_offsets_are_understood(reader: SimpleNamespace) -> None:
    base = random.Random(1).randbytes(300_000)
    for start, size in ((0, 65_536), (65_535, 65_537), (200_001, 99_999), (0, 300_000), (299_999, 1), (256, 256)):
        delta = delta_of(len(base), size + 3, b"new", (start, size))
        assert applied(reader, base, delta) == b"new" + base[start : start + size]


@settings(max_examples=300)
@given(delta=st.binary(max_size=80))
def test_any_bytes_are_a_delta_or_an_error(reader: SimpleNamespace, delta: bytes) -> None:
    check_bounds(reader, delta)


@settings(max_examples=300)
@given(base=BASES, pieces=PIECES, seed=st.integers(0, 2**32))
def test_a_damaged_delta_is_a_delta_or_an_error(
    reader: SimpleNamespace, base: bytes, pieces: list[bytes | tuple[int, int]], seed: int
) -> None:
    rng = random.Random(seed)
    delta = bytearray(made(base, pieces)[0])
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(delta) + 1)
        delta[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    if delta:
        check_bounds(reader, bytes(delta))


def check_bounds(reader: SimpleNamespace, delta: bytes) -> None:
    try:
        steps, end = taken_apart(reader, delta)
    except reader.delta.DeltaError:
        return
    base_size, size = steps[:2]
    done = 0
    for source, count in zip(steps[2:end:2], steps[3:end:2], strict=True):
        assert count > 0
        assert source + count <= base_size if source >= 0 else count - source <= len(delta)
        done += count
    assert done == size
    if base_size < 1 << 20 and size < 1 << 20:
        reader.delta.apply_delta(bytes(base_size), delta, steps, end, bytearray(size))


BROKEN = {
    "nothing": b"",
    "half a size": b"\x85",
    "a size without end": b"\xff" * 12 + b"\x01\x01",
    "a copy beyond the base": delta_of(10, 20, (0, 20)),
    "a copy from beyond the base": delta_of(10, 2, (9, 2)),
    "a copy that is cut off": delta_of(70_000, 70_000, (65_537, 4000))[:-1],
    "an insert that is cut off": delta_of(3, 5, b"abcde")[:-1],
    "no instruction": delta_of(3, 3, (0, 3)) + b"\0",
    "a result that is shorter": delta_of(10, 9, (0, 8)),
    "a result that is longer": delta_of(10, 7, (0, 8)),
    "a terabyte": delta_of(10, 1 << 40, (0, 10)),
}


@pytest.mark.parametrize("delta", BROKEN.values(), ids=BROKEN)
def test_what_is_no_delta_is_refused(reader: SimpleNamespace, delta: bytes) -> None:
    with pytest.raises(reader.delta.DeltaError):
        taken_apart(reader, delta)


def test_where_there_is_no_room_it_says_so_and_writes_nothing_beyond(reader: SimpleNamespace) -> None:
    delta = delta_of(10, 30, (0, 10), (0, 10), (0, 10))
    assert [taken_apart(reader, delta, room)[1] for room in range(2, 10)] == [-1, -1, -1, -1, -1, -1, 8, 8]
    for room in (0, 1):
        with pytest.raises(reader.delta.DeltaError):
            taken_apart(reader, delta, room)
    steps, end = reader.delta.parse_with_room(delta, 2)
    assert (end, [*steps[:8]]) == (8, [10, 30, 0, 10, 0, 10, 0, 10])


def test_a_delta_of_millions_of_pieces_is_left_to_git(reader: SimpleNamespace) -> None:
    with pytest.raises(reader.delta.DeltaError):  # declares a terabyte, in instructions of one byte
        reader.delta.parse_with_room(delta_of(65_536, 1 << 40) + b"\x80" * 1_200_000)


def test_instructions_of_another_delta_are_refused(reader: SimpleNamespace) -> None:
    base = b"0123456789"
    delta = delta_of(10, 12, b"ab", (0, 10))
    steps, end = taken_apart(reader, delta)
    apply = reader.delta.apply_delta
    for wrong_base, wrong_delta, wrong_result in ((b"short", delta, 12), (base, delta[:3], 12), (base, delta, 11)):
        with pytest.raises(reader.delta.DeltaError):
            apply(wrong_base, wrong_delta, steps, end, bytearray(wrong_result))
    for at, value in (
        (2, -1 << 62),
        (2, -(1 << 63)),
        (3, 1 << 62),
        (3, -1),
        (3, 0),
        (4, 1 << 62),
        (4, 1),
        (5, 9),
        (5, 11),
    ):
        changed = array("q", steps)
        changed[at] = value
        with pytest.raises(reader.delta.DeltaError):
            apply(base, delta, changed, end, bytearray(12))
    with pytest.raises(reader.delta.DeltaError):
        apply(base, delta, steps, end - 2, bytearray(12))
    with pytest.raises(reader.delta.DeltaError):
        reader.delta.add_windows(b"short", steps, end, REACH, array("q", bytes(800)), 0)


def context(text: bytes, end: int) -> bytes:
    """All that decides whether a match of at most REACH bytes ends at `end`: within a line, with a byte on each side.

    The beginning and the end of a text are to an expression what a line feed is.
    """
    line = text.rfind(b"\n", 0, end) + 1
    before = (b"\n" + text[line:end])[-REACH - 1 :]
    return before + (text[end : end + 1] or b"\n")


def windows(reader: SimpleNamespace, delta: bytes, result: bytes) -> list[list[int]]:
    steps, end = taken_apart(reader, delta)
    table = array("q", bytes(8 * 4 * 64))
    rows = reader.delta.add_windows(result, steps, end, REACH, table, 0)
    assert rows >= 0
    assert not any(table[4 * rows :])
    return [[*table[row * 4 : row * 4 + 4]] for row in range(rows)]


@settings(max_examples=400)
@given(base=BASES, pieces=PIECES)
def test_what_may_match_differently_ends_in_a_window_and_is_seen_there_as_in_the_whole(
    reader: SimpleNamespace, base: bytes, pieces: list[bytes | tuple[int, int]]
) -> None:
    delta, result = made(base, pieces)
    fresh: set[int] = set()
    before = seen = -1
    for low, first, last, high in windows(reader, delta, result):
        assert 0 <= low <= first <= last <= high <= len(result)
        assert before < first
        assert seen < low
        before, seen = last, high
        fresh.update(range(first, last + 1))
        for end in range(first, last + 1):
            assert context(result[low:high], end - low) == context(result, end)
    # Every other place is copied together with all that decides about it.
    done = 0
    for piece_source, count in steps_of(reader, delta):
        if piece_source >= 0:
            for end in {*range(done, done + count + 1)} - fresh:
                assert context(base, piece_source + end - done) == context(result, end)
        else:
            assert fresh.issuperset(range(done, done + count + 1))
        done += count


def steps_of(reader: SimpleNamespace, delta: bytes) -> list[tuple[int, int]]:
    steps, end = taken_apart(reader, delta)
    return [(steps[at], steps[at + 1]) for at in range(2, end, 2)]


def test_a_change_in_one_line_shows_that_line_only(reader: SimpleNamespace) -> None:
    base = b"".join(b"%03d\n" % number for number in range(50))
    delta = delta_of(len(base), len(base) + 2, (0, 82), b"xy", (82, len(base) - 82))
    result = base[:82] + b"xy" + base[82:]
    assert windows(reader, delta, result) == [[80, 82, 85, 86]]
    assert result[80:86] == b"02xy0\n"


def test_where_the_table_is_full_it_says_so(reader: SimpleNamespace) -> None:
    base = b"".join(b"%03d\n" % number for number in range(50))
    instructions = [piece for number in range(9) for piece in (b"new\n", (number * 20, 20))]
    delta, result = made(base, []), b""
    delta = delta_of(len(base), 216, *instructions)
    result = applied(reader, base, delta)
    steps, end = taken_apart(reader, delta)

    def add(table: int, rows: int = 0) -> int:
        room = array("q", bytes(8 * table))
        added: int = reader.delta.add_windows(result, steps, end, REACH, room, rows)
        assert not any(room[: 4 * rows])  # what is there stays
        return added

    enough = add(500)
    assert enough > 5
    assert add(500, rows=3) == 3 + enough
    assert add(4 * enough) == enough
    assert add(4 * enough - 1) == -1
    assert add(4 * enough, rows=1) == -1
    assert add(0) == -1


@given(
    base=BASES,
    pieces=PIECES,
    ends=st.lists(st.integers(0, 400), max_size=20).map(sorted),
    seams=st.lists(st.integers(0, 800), unique=True, max_size=6).map(sorted),
)
def test_an_offset_moves_with_every_copy_of_it_but_into_what_is_fresh(
    reader: SimpleNamespace, base: bytes, pieces: list[bytes | tuple[int, int]], ends: list[int], seams: list[int]
) -> None:
    delta, _ = made(base, pieces)
    fresh = seams[: len(seams) // 2 * 2]
    expected, done = set(), 0
    for source, count in steps_of(reader, delta):
        moved = {(k, end - source + done) for k, end in enumerate(ends) if 0 <= source <= end <= source + count}
        expected |= {(k, at) for k, at in moved if not any(a <= at <= b for a, b in pairs_of(fresh))}
        done += count
    steps, end = taken_apart(reader, delta)
    found = reader.delta.copied_ends(steps, end, array("q", ends), array("q", fresh))
    assert set(pairs_of(found)) == expected


def pairs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))
