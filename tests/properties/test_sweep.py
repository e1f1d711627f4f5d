"""Theorem (a) of the design: the sweep's hits are those of every object matched as a whole."""

import base64
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from secretguard.engine.prefilter import Prefilter
from secretguard.examples import fill
from secretguard.plugins import installed_rules
from secretguard.scan.cache import compiled_rules
from tests.engine.sweeps import REACH, Counting, Growing, Piece, assert_same_hits, prefilter_of, swept
from tests.git.builds import reader
from tests.git.histories import as_git_reads, grow
from tests.git.repositories import make

__all__ = ["reader"]

EXPRESSIONS = (
    "acme_[a-z]{4}", "(?i:key)[ :=]{1,3}[0-9]{2}", "^from [a-z]{1,20}", "end[0-9]$", r"\bword\b", "x{3}",
    "wide[a-z]{0,500}tail", "[0-9a-f]{512}",
)  # fmt: skip
PARTS = (
    b"acme_", b"abcd", b"key", b"KEY", b" = ", b"12", b"from ", b"end1", b"word", b" ", b"x", b"xxx", b"wide", b"tail",
    b"wide" + b"y" * 500 + b"tail", b"0" * 256, b"z" * (REACH - 4), b"z" * 600, b"\n", b"\n", b"\n", b"\r\n", b"\n\x00a\x00", b"\x00",
)  # fmt: skip
BLOCKS = (
    b"".join(b"a line %d of a block\n" % number for number in range(20)),
    b"".join(b"%s and so on\n" % (b"b" * 70) for _ in range(30)),
    b"z" * 299 + b"\n" + b"c" * 30 + b"\n" + b"z" * 1200 + b"\n",
    b"d\r\n" * 100,
    b"\x00" * 400 + b"\n\x00" * 30,
    b"".join(b"%d and a key\n" % number for number in range(40)) + b"acme_abcd\n" + b"e" * 300 + b"\n",
)
"""So long that they are looked up, before they are matched: nothing shorter than 256 bytes is."""
TEXTS = st.lists(st.one_of(st.sampled_from(PARTS), st.sampled_from(PARTS + BLOCKS)), max_size=24).map(b"".join)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 7),  # which of the last versions it changes
        st.lists(st.one_of(TEXTS, st.tuples(st.integers(0, 100), st.integers(0, 100))), max_size=5),
        st.booleans(),
    ),
    max_size=14,
)


@cache
def tiny() -> Prefilter:
    return prefilter_of(*EXPRESSIONS)


@cache
def all_rules() -> Prefilter:
    prefilter = compiled_rules().detector.prefilter
    assert prefilter is not None
    return prefilter


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(first=TEXTS, edits=EDITS, cuts=st.sets(st.integers(1, 14)))
@example(
    b"".join(BLOCKS), [(0, [BLOCKS[0], BLOCKS[2], b"acme_", BLOCKS[4]], True), (0, [BLOCKS[2] * 3], False)], {1, 2}
)
def test_hits_of_any_versions_are_those_of_the_whole(
    reader: SimpleNamespace, tmp_path: Path, first: bytes, edits: list[tuple[int, list[Piece], bool]], cuts: set[int]
) -> None:
    pack = versions(first, edits).pack(reader, tmp_path)
    clean = reader.clean_lines.CleanLines(12)
    assert_same_hits(reader, pack, tiny(), sorted(cut for cut in cuts if cut < len(pack)), clean=clean)
    unknown, known = (matched_bytes(reader, pack, one) for one in (reader.clean_lines.CleanLines(12), clean))
    assert known <= unknown
    event(f"something was clean: {known < unknown}")


def test_blocks_in_any_surroundings_are_known_when_they_come_again(reader: SimpleNamespace, tmp_path: Path) -> None:
    clean = reader.clean_lines.CleanLines()
    learned = versions(b"".join(BLOCKS[:3]), []).pack(reader, tmp_path / "learned")
    assert swept(reader, learned, tiny(), clean=clean) == {}
    other = versions(b"acme_abcd\n" + BLOCKS[1] * 3 + b"x\n" + BLOCKS[2], [(0, [BLOCKS[1] * 2, b"key = 12"], True)])
    pack = other.pack(reader, tmp_path / "other")
    unknown = matched_bytes(reader, pack, reader.clean_lines.CleanLines())
    assert matched_bytes(reader, pack, clean) < unknown // 2
    assert len(assert_same_hits(reader, pack, tiny(), clean=clean)) == 2


def matched_bytes(reader: SimpleNamespace, pack: Any, clean: Any) -> int:
    counting = Counting(tiny())
    swept(reader, pack, counting, clean=clean)
    return counting.bytes


def versions(first: bytes, edits: list[tuple[int, list[Piece], bool]]) -> Growing:
    history = Growing()
    history.whole(first)
    for back, pieces, keeps_all in edits:
        base = max(0, len(history.contents) - 1 - back)
        size = len(history.contents[base])
        ranges = [
            piece if isinstance(piece, bytes) else (*sorted(size * place // 100 for place in piece),)
            for piece in pieces
        ]
        if keeps_all and ranges:  # a small change in a text that stays
            at = size * len(ranges) // 6
            ranges = [(0, at), ranges[0], (at, size)]
        history.version(base, *ranges)
    return history


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_hits_in_packs_of_git_are_those_of_the_whole(
    reader: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    text = b"".join(rng.choice(PARTS) + rng.randbytes(6).hex().encode() + rng.choice((b" ", b"\n")) for _ in range(400))
    history = [{"f": text}]
    for _ in range(30):
        at = rng.randrange(len(text))
        text = (
            text[:at] + b"".join(rng.choices(PARTS, k=rng.randrange(4))) + text[at + rng.choice((0, 0, 1, 30, 600)) :]
        )
        history.append({"f": text})
    repo = make(tmp_path_factory.mktemp("packs"))
    grow(repo, history)
    repo.git("repack", "-adfq", "--depth=20")
    store = reader.store.open_store(repo.open())
    found = assert_same_hits(reader, store.packs[0], tiny(), [rng.randrange(len(history))])
    assert len(found) > 20
    assert len(as_git_reads(repo)) == len(store.packs[0])


RULES = installed_rules().rules
LINES = [b"some text in line %d, nothing more\n" % number for number in range(60)]
TEXT = b"".join(LINES)
LONG = b"var a=1;" * 200
ROOTS = (
    TEXT,
    TEXT.replace(b"\n", b"\r\n"),
    TEXT[:-1],
    LONG + LONG,
    LONG + b"\n" + TEXT,
    TEXT.decode().encode("utf-16-le"),
)


def splices(history: Growing, root: int, example: bytes, rng: random.Random) -> None:
    """Versions of one text in which an example comes and goes in every way a delta can write."""
    text = history.contents[root]
    size = len(text)
    middle = text.find(b"\n", size // 2) + 1 or size // 2
    cut = rng.randrange(1, len(example)) if len(example) > 1 else 1
    head, tail = example[:cut], example[cut:]
    whole = [(0, middle), example + b"\n", (middle, size)]
    history.version(root, *whole)
    history.version(root, example, (0, size))
    history.version(root, (0, size), example)
    history.version(root, (0, size), b"\r\n" + example + b"\r\n")
    history.version(root, (0, middle + 9), b" " + example + b" ", (middle + 9, size))  # in a line
    history.version(root, (0, middle), LONG + example + LONG, (middle, size))
    # Its halves stand apart, and come together without a new byte.
    apart = history.version(root, (0, middle), head + b"\n", (middle, size), b"\n" + tail)
    length = len(history.contents[apart])
    history.version(apart, (0, middle + len(head)), (length - len(tail), length), (middle + len(head), length))
    # It is there, and is cut through, filled up, or carried on.
    there = history.version(root, *whole)
    length = len(history.contents[there])
    history.version(there, (0, middle + cut), (middle + cut + 1, length))
    history.version(there, (0, middle + cut), b"?", (middle + cut, length))
    history.version(there, (0, middle + len(example)), b"9", (middle + len(example), length))
    history.version(there, (0, middle), b"9", (middle, length))
    history.version(there, (middle, length), (0, middle))
    history.version(there, (middle + cut, length), (0, middle + cut))
    longer = history.version(there, (0, middle), LONG, (middle, length))
    history.version(longer, (0, middle + len(LONG) - 100), b"new", (middle + len(LONG) - 100, length + len(LONG)))


ENDING = frozenset(number for number, rule in enumerate(RULES) if any("\\Z" in one for one in rule.prefilters))
"""Rules with an expression for the end of a text, which is no end where many stand behind each other."""
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "base64": base64.b64encode,
    "hex": lambda text: text.hex().encode(),
    "percent": lambda text: b"".join(b"%%%02X" % byte for byte in text),
    "u escapes": lambda text: b"".join(b"\\u%04x" % byte for byte in text),
    "UTF-16 LE": lambda text: text.decode().encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.decode().encode("utf-16-be"),
    "UTF-32 LE": lambda text: text.decode().encode("utf-32-le"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_hits_of_every_rule_are_those_of_the_whole(reader: SimpleNamespace, tmp_path: Path, encoding: str) -> None:
    rng = random.Random(encoding)
    examples = [fill(rng.choice(rule.examples), 1).encode() for rule in RULES]
    if encoding != "plain" or not reader.delta.COMPILED:
        examples = rng.sample(examples, 60)
    history = Growing()
    for number, one in enumerate(examples):
        root = history.whole(ROOTS[number % len(ROOTS)])
        splices(history, root, ENCODINGS[encoding](one), rng)
    pack = history.pack(reader, tmp_path)
    found = assert_same_hits(reader, pack, all_rules(), rng.sample(range(len(pack)), 5), ENDING)
    assert len(found) > 4 * len(examples)
