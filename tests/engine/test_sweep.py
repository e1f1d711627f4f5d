"""The sweep looks at what versions change, and misses nothing for that."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from secretguard.engine.anchors import encoded_anchors
from secretguard.engine.prefilter import HyperscanPrefilter, compile_prefilter
from tests.engine.sweeps import Counting, Growing, assert_same_hits, matched_whole, prefilter_of, swept

KEY = b"acme_abcd"
LINES = [b"line %d of some text\n" % number for number in range(400)]
TEXT = b"".join(LINES)


@pytest.fixture(scope="session")
def acme() -> object:
    return prefilter_of("acme_[a-z]{4}")


def test_only_changed_lines_are_matched(reader: SimpleNamespace, tmp_path: Path, acme: object) -> None:
    history = Growing()
    last = history.whole(TEXT)
    for number in range(50):
        size = len(history.contents[last])
        last = history.version(last, (0, 2000), b"one more %d\n" % number, (2000, size))
    counting = Counting(acme)
    assert swept(reader, history.pack(reader, tmp_path), counting) == {}
    assert counting.bytes < len(TEXT) + 50 * 100
    assert counting.calls == 1


def test_a_hit_is_inherited_where_it_moves_and_lost_where_it_is_deleted(
    reader: SimpleNamespace, tmp_path: Path, acme: object
) -> None:
    history = Growing()
    text = TEXT + KEY + b"\n" + TEXT
    at = len(TEXT)
    end = at + len(KEY)
    first = history.whole(text)
    moved = history.version(first, b"a line before\n", (0, len(text)))
    twice = history.version(moved, (0, len(text)), (at, at + 500))
    gone = history.version(twice, (0, at))
    back = history.version(gone, (0, at), KEY)
    found = swept(reader, pack := history.pack(reader, tmp_path), acme)
    assert found == matched_whole(reader, pack, acme)
    ends = {entry: sorted(end for end, _ in hits) for entry, hits in found.items()}
    assert ends == {
        first: [end],
        moved: [end + 14],
        twice: [end + 14, len(text) + 14 + len(KEY)],
        back: [at + len(KEY)],
    }


def test_an_object_matched_alone_takes_nobodys_hits(reader: SimpleNamespace, tmp_path: Path, acme: object) -> None:
    # Between small objects stand some that are too large for the common text.
    rng = random.Random(1)
    history = Growing()
    for number in range(40):
        large = number % 3 == 1
        history.whole(
            (rng.randbytes(1_100_000).hex().encode() if large else TEXT) + (b"\n" + KEY if number % 2 else b"")
        )
    assert len(assert_same_hits(reader, history.pack(reader, tmp_path), acme)) == 20


def test_a_stretch_that_begins_in_the_middle_of_a_family_loses_nothing(
    reader: SimpleNamespace, tmp_path: Path, acme: object
) -> None:
    history = Growing()
    last = history.whole(TEXT + KEY + b"\n")
    branches = [last]
    for number in range(40):
        base = branches[number // 3]
        size = len(history.contents[base])
        branches.append(history.version(base, (0, 60), b"more %d\n" % number, (60, size)))
    pack = history.pack(reader, tmp_path)
    for cut in range(1, len(pack)):
        found = swept(reader, pack, acme, [cut])
        assert len(found) == len(pack)
        assert found == matched_whole(reader, pack, acme)


def test_hits_that_were_forgotten_are_found_again(
    reader: SimpleNamespace, tmp_path: Path, acme: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.sweep, "_MOST_KEPT", 5)
    rng = random.Random(3)
    history = Growing()
    history.whole(TEXT + KEY + b" " + KEY + b"\n")
    for number in range(60):
        base = rng.randrange(max(0, number - 6), number + 1)
        size = len(history.contents[base])
        history.version(base, (0, 60), KEY * (number % 3) + b"\n", (60, size if number % 7 else 100))
    assert len(assert_same_hits(reader, history.pack(reader, tmp_path), acme)) > 40


def test_many_windows_and_large_changes_fit_or_are_matched_alone(
    reader: SimpleNamespace, tmp_path: Path, acme: object
) -> None:
    rng = random.Random(4)
    history = Growing()
    base = history.whole(b"".join(b"%06d a line\n" % number for number in range(60_000)))
    size = len(history.contents[base])
    history.version(
        base, *(piece for at in range(0, size - 28, 28) for piece in (b"x", (at, at + 28)))
    )  # 28,000 windows
    history.version(base, *(piece for at in range(0, size - 14, 14) for piece in (b"x", (at, at + 14))))  # 60,000
    history.version(base, (0, 700), rng.randbytes(900_000).hex().encode() + b"\n" + KEY, (700, size))
    history.version(base, (0, 700), b"\n" + KEY + b"\n", (700, size))
    assert len(assert_same_hits(reader, history.pack(reader, tmp_path), acme)) == 2


def test_more_objects_than_fit_into_one_text_are_all_matched(
    reader: SimpleNamespace, tmp_path: Path, acme: object
) -> None:
    history = Growing()
    for number in range(300):
        history.whole(TEXT + b"%d\n" % number + (KEY if number % 5 == 0 else b""))
    counting = Counting(acme)
    pack = history.pack(reader, tmp_path)
    assert len(swept(reader, pack, counting)) == 60
    assert counting.calls > 1
    assert_same_hits(reader, pack, acme)


def test_text_of_two_bytes_a_character_is_seen_behind_its_line_feed(reader: SimpleNamespace, tmp_path: Path) -> None:
    # The line feed of the line before belongs to what is looked for, also where a line is the first of the common text.
    wide = HyperscanPrefilter(compile_prefilter((), encoded_anchors(())), ())
    history = Growing()
    base = history.whole(TEXT * 120)
    size = len(history.contents[base])
    version = history.version(base, (0, len(TEXT)), b"\x00" + "password".encode("utf-16-le") + b"\n", (len(TEXT), size))
    assert list(assert_same_hits(reader, history.pack(reader, tmp_path), wide)) == [version]


def test_objects_of_no_bytes_and_of_one_are_no_trouble(reader: SimpleNamespace, tmp_path: Path, acme: object) -> None:
    history = Growing()
    empty = history.whole(b"")
    one = history.version(empty, b"\n")
    key = history.version(one, KEY)
    history.version(key)
    history.version(key, (0, len(KEY)))
    history.version(key, (4, 9), (0, 4))
    assert len(assert_same_hits(reader, history.pack(reader, tmp_path), acme)) == 2


def test_nothing_to_sweep_is_nothing_found(reader: SimpleNamespace, acme: object) -> None:
    assert [*reader.sweep.sweep(iter([]), acme)] == []
