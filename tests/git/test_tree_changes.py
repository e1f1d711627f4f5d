"""What a tree changes of its base is told exactly, whatever bytes are in names and ids, or the tree is refused."""

import re
from array import array
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.git.crafted import delta_of
from tests.git.test_tree_walk import walk

__all__ = ["walk"]

WIDTH = 20
DIRECTORIES = [bytes([number]) * 8 + b"\0 40000 d\0\0\0" for number in range(3)] + [bytes(20)]
WANTED = [b"100644 a\x00100644 b\x00" + bytes([0, number]) for number in range(3)]
UNWANTED = [b"100644 a\x00100644 b\x00" + bytes([1, number]) for number in range(3)]
STRANGER = b"not in the table" + bytes(4)
MODES = ("40000", "100644", "100755", "120000", "160000", "60000", "644")
KINDS = {0o4: "directory", 0o10: "file", 0o12: "file"}
"""By the highest bits of the mode; git takes all else for a submodule."""
ENTRIES = st.tuples(
    st.sampled_from(MODES),
    st.sampled_from((b"a", b"a.b", b"a-", b"a0", b"ab", b"b", b"100644 a", b"\xff\xfe", b"new\nline", b"b" * 70)),
    st.sampled_from([*DIRECTORIES, *WANTED, *UNWANTED, STRANGER]),
)
Entry = tuple[str, bytes, bytes]


def kind(mode: str) -> str | None:
    """None for what is no mode."""
    number = int(mode, 8) if re.fullmatch("[0-7]+", mode) else 1 << 16
    return KINDS.get(number >> 12, "module") if number < 1 << 16 else None


def sort_key(entry: Entry) -> bytes:
    return entry[1] + b"/" if kind(entry[0]) == "directory" else entry[1]


def written(entries: Sequence[Entry]) -> bytes:
    return b"".join(b"%s %s\0%s" % (mode.encode(), name, raw_id) for mode, name, raw_id in entries)


TREES = st.lists(ENTRIES, max_size=14, unique_by=sort_key).map(lambda entries: sorted(entries, key=sort_key))


def taken_apart(tree: bytes) -> list[Entry] | None:
    """The entries of a tree; None for one that git would not write."""
    entries: list[Entry] = []
    at = 0
    while at < len(tree):
        nul = tree.find(b"\0", at)
        mode, blank, name = tree[at:nul].partition(b" ")
        if nul < 0 or not blank or not name or nul + WIDTH >= len(tree) or not kind(mode.decode("latin-1")):
            return None
        entries.append((mode.decode("latin-1"), name, tree[nul + 1 : nul + 1 + WIDTH]))
        at = nul + 1 + WIDTH
    keys = [sort_key(entry) for entry in entries]
    return entries if all(one < other for one, other in pairwise(keys)) else None


def values(entries: Sequence[Entry]) -> dict[bytes, bytes]:
    """Key -> id, of what is of interest."""
    return {
        name + (b"\0" if kind(mode) == "directory" else b""): raw_id
        for mode, name, raw_id in entries
        if kind(mode) == "directory" or (kind(mode) == "file" and raw_id in WANTED)
    }


class Read:
    """A reader with a table of some directories."""

    def __init__(self, walk: SimpleNamespace) -> None:
        self.walk = walk
        table = walk.tree_table.TreeTable(10, WIDTH)
        for number, raw_id in enumerate(DIRECTORIES):
            table.add(raw_id, 0, 50 + number)
        wanted = {raw_id: number for number, raw_id in enumerate(WANTED)}
        self.reader = walk.tree_changes.TreeReader(table, wanted, walk.tree_changes.beginnings(wanted), 100)

    def changes(self, base: bytes, tree: bytes, delta: bytes | None) -> dict[bytes, tuple[bytes, bytes]] | None:
        """Key -> ids before and after; None if the tree is refused."""
        steps = array("q", bytes(8 * 4096))
        end = 0 if delta is None else self.walk.delta.parse_delta(delta, steps)
        before = self.reader.count
        if not self.reader.read(base, tree, steps, end):
            assert self.reader.count == before
            return None
        records = self.reader.room[3 * before : 3 * self.reader.count]
        rows = list(zip(records[::3], records[1::3], records[2::3], strict=True))
        found = {self.reader.spelled[key]: (self.id_of(old), self.id_of(new)) for key, old, new in rows}
        assert len(found) == len(rows)
        return found

    def id_of(self, value: int) -> bytes:
        if value <= -2:
            return WANTED[-2 - value]
        if value >= 100:
            return list(self.reader.strangers)[value - 100]
        return b"" if value == -1 else DIRECTORIES[value - 50]


def changes(base: Sequence[Entry], tree: Sequence[Entry]) -> dict[bytes, tuple[bytes, bytes]]:
    old, new = values(base), values(tree)
    keys = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return {key: (old.get(key, b""), new.get(key, b"")) for key in keys}


def delta_between(base: bytes, tree: bytes, cut: int) -> bytes:
    """A delta of the longest common pieces, each cut in two now and then."""
    pieces: list[bytes | tuple[int, int]] = []
    for tag, start, stop, begin, end in SequenceMatcher(None, base, tree, autojunk=False).get_opcodes():
        if tag == "equal":
            middle = start + (stop - start) * cut // 10
            pieces += [(one, size) for one, size in ((start, middle - start), (middle, stop - middle)) if size]
        elif begin < end:
            pieces.append(tree[begin:end])
    return delta_of(len(base), len(tree), *pieces)


SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(trees=st.lists(TREES, min_size=1, max_size=4), cut=st.integers(0, 9))
def test_changes_are_what_the_entries_say(walk: SimpleNamespace, trees: list[list[Entry]], cut: int) -> None:
    read = Read(walk)
    base: list[Entry] = []
    for tree in trees:
        data, base_data = written(tree), written(base)
        assert read.changes(b"", data, None) == changes([], tree)
        assert read.changes(base_data, data, delta_between(base_data, data, cut)) == changes(base, tree)
        assert read.changes(base_data, data, None) == changes(base, tree)
        base = tree


@SETTINGS
@given(base=TREES, pieces=st.lists(st.one_of(st.tuples(st.integers(0, 13), st.integers(1, 6)), ENTRIES), max_size=6))
def test_whole_entries_in_any_order_are_a_tree_if_they_are_in_order(
    walk: SimpleNamespace, base: list[Entry], pieces: list[tuple[int, int] | Entry]
) -> None:
    starts = [len(written(base[:number])) for number in range(len(base) + 1)]
    instructions: list[bytes | tuple[int, int]] = []
    tree = b""
    for piece in pieces:
        if len(piece) == 3:
            instructions.append(written([piece]))
            tree += written([piece])
        elif piece[0] < len(base):
            start, stop = starts[piece[0]], starts[min(piece[0] + piece[1], len(base))]
            instructions.append((start, stop - start))
            tree += written(base)[start:stop]
    entries = taken_apart(tree)
    found = Read(walk).changes(written(base), tree, delta_of(starts[-1], len(tree), *instructions))
    assert found == (None if entries is None else changes(base, entries))


@SETTINGS
@given(
    base=TREES.filter(bool),
    pieces=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 100)), max_size=4),
    whole=st.booleans(),
)
def test_pieces_that_begin_anywhere_are_no_tree_or_the_tree_that_they_are(
    walk: SimpleNamespace, base: list[Entry], pieces: list[tuple[int, int]], whole: bool
) -> None:
    data = written(base)
    instructions: list[bytes | tuple[int, int]] = []
    tree = b""
    for place, share in pieces:
        start = len(data) * place // 100
        size = max(1, (len(data) - start) * share // 100)
        instructions.append((start, size))
        tree += data[start : start + size]
    delta = None if whole else delta_of(len(data), len(tree), *instructions)
    entries = taken_apart(tree)
    found = Read(walk).changes(b"" if whole else data, tree, delta)
    assert found == (None if entries is None else changes([] if whole else base, entries))


def test_a_tree_with_more_than_a_share_may_have_is_refused(
    walk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if walk.tree_pairs.COMPILED:
        pytest.skip("a number of the compiler's")
    monkeypatch.setattr(walk.tree_changes, "_MOST_CHANGES", 1)
    read = Read(walk)
    tree = written([("40000", b"a", DIRECTORIES[0])])
    assert read.changes(b"", tree, None) is not None
    assert read.changes(b"", tree, None) is None
