"""A table of commits says what each commit says of its tree and its parents, however odd the commit is."""

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secretguard.git.commit_graph import CommitGraph, CommitTable
from secretguard.git.history import Links, head_of, links_of
from tests.git.repositories import make

WIDTHS = st.sampled_from((20, 32))
NAMES = st.integers(0, 5).map(lambda number: hashlib.sha256(b"%d" % number).hexdigest().encode())
IDS = st.one_of(
    NAMES.map(lambda name: name[:40]),
    NAMES,
    NAMES.map(lambda name: name[:40].upper()),
    st.sampled_from(
        (b"", b"0" * 40, b"0" * 64, b"a" * 39, b"a" * 41, b"g" * 40, b"-" + b"a" * 39, b" " * 40, b"\xff" * 40)
    ),
)
LINES = st.one_of(
    st.builds(lambda key, name: key + b" " + name, st.sampled_from((b"tree", b"parent", b"parent", b"Parent")), IDS),
    st.builds(lambda name: b"parent " + name[:40], NAMES),
    st.sampled_from(
        (
            b"author A <a@example.org> 1748772000 +0000", b"committer C <c@example.org> 1748772000 +0000", b"author ",
            b"authors", b"encoding latin1", b"gpgsig -----BEGIN", b" parent more of it", b"mergetag object", b"tree", b"parent", b"",
            b"\r", b"a message", b"\x00",
        )
    ),
    st.binary(max_size=30),
)  # fmt: skip
USUAL = st.builds(
    lambda tree, parents, rest: b"\n".join((b"tree " + tree, *(b"parent " + one for one in parents), *rest)),
    st.one_of(NAMES, NAMES.map(lambda name: name[:40])),
    st.lists(st.one_of(NAMES, NAMES.map(lambda name: name[:40])), max_size=4),
    st.lists(LINES, max_size=4),
)
COMMITS = st.one_of(USUAL, USUAL.map(lambda data: data + b"\nauthor A"), st.lists(LINES, max_size=8).map(b"\n".join))
ONE, TWO = b"1" * 40, b"2" * 40


def said(data: bytes, width: int) -> Links:
    """What a commit names that is an id."""
    tree, parents = links_of(head_of(data))
    is_id = re.compile(f"[0-9a-fA-F]{{{2 * width}}}").fullmatch
    kept = tree.lower() if is_id(tree) and {*tree} != {"0"} else ""
    return kept, tuple(one.lower() for one in parents if is_id(one))


@given(commits=st.lists(COMMITS, max_size=5), width=WIDTHS)
@example(commits=[b"tree " + ONE + b"\nparent " + TWO + b"\nauthor A", b"tree " + TWO + b"\nauthor A"], width=20)
@example(commits=[b"tree " + ONE + b"\nparent " + TWO + b"\ncommitter C\n\nparent " + ONE], width=20)
@example(commits=[b"tree " + ONE + b"\nencoding x\nparent " + TWO + b"\nauthor A"], width=20)
@example(commits=[b"tree " + ONE + b"\nauthor A\nparent " + TWO + b"\nauthor B"], width=20)
@example(commits=[b"tree " + b"AB" * 20 + b"\nparent " + b"CD" * 20 + b"\nauthor A"], width=20)
@example(commits=[b"tree " + ONE + b"\nparent " + b"3" * 64 + b"\nauthor A", b"tree " + ONE], width=32)
@example(commits=[b"", b"\n\nauthor A", b"tree", b"author A"], width=20)
def test_a_table_says_what_each_commit_says(commits: list[bytes], width: int) -> None:
    table = CommitTable(width)
    names = []
    for number, data in enumerate(commits):
        raw_id = number.to_bytes(width, "big")
        table.add(raw_id, data)
        names.append(raw_id.hex())
    assert len(table) == len(commits)
    assert [*table.links()] == list(zip(names, (said(data, width) for data in commits), strict=True))


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_commits_of_git_are_read_as_git_reads_them(tmp_path: Path, object_format: str) -> None:
    repo = make(tmp_path / "repo", f"--object-format={object_format}")
    repo.commit("root", f="x\n")
    repo.git("branch", "other")
    repo.commit("second", f="y\n")
    repo.git("checkout", "-q", "other")
    repo.commit("third", g="z\n")
    repo.git("merge", "-q", "-m", "a merge", "main")
    repo.git("-c", "i18n.commitEncoding=latin1", "commit", "-q", "--allow-empty", "-m", "parent 1")
    listed = [line.split() for line in repo.git("log", "--all", "--format=%H %T %P").splitlines()]
    table = CommitTable(20 if object_format == "sha1" else 32)
    for name, *_ in listed:
        table.add(bytes.fromhex(name), repo.raw("cat-file", "commit", name))
    assert [*table.links()] == [(name, (tree, tuple(parents))) for name, tree, *parents in listed]
    assert sorted(len(parents) for _, _, *parents in listed) == [0, 1, 1, 1, 2]


def name_of(number: int) -> str:
    return number.to_bytes(20, "big").hex()


def table_of(commits: dict[int, list[int]]) -> CommitTable:
    """Commits with their parents, each with a tree a hundred further on."""
    table = CommitTable(20)
    for commit, parents in commits.items():
        lines = [f"tree {name_of(commit + 100)}\n", *(f"parent {name_of(one)}\n" for one in parents), "author A"]
        table.add(bytes.fromhex(name_of(commit)), "".join(lines).encode())
    return table


def test_a_graph_knows_which_parents_are_not_here() -> None:
    graph = CommitGraph([table_of({1: [], 2: [1, 7]}), table_of({3: [2, 8, 9], 4: [8]})], 20)
    assert not graph.is_whole
    assert {one.hex() for one in graph.absent()} == {name_of(7), name_of(8), name_of(9)}
    assert {one.hex() for one in graph.absent([name_of(3), name_of(6)])} == {name_of(7), name_of(8)}
    assert CommitGraph([table_of({1: [], 2: [1]})], 20).absent() == set()


def test_a_commit_that_several_tables_hold_is_one_commit() -> None:
    graph = CommitGraph([table_of({1: [], 2: [1]}), table_of({3: [2], 2: [1]})], 20)
    assert [graph.name(number) for number in range(len(graph.table))] == [name_of(one) for one in (1, 2, 3)]
    assert [*graph.firsts] == [0, 0, 1, 2]
    assert [graph.name(number) for number in graph.parents] == [name_of(1), name_of(2)]
    assert [*graph.table.links()] == [*table_of({1: [], 2: [1], 3: [2]}).links()]


def test_what_is_not_usable_is_no_parent_either() -> None:
    usable = {bytes.fromhex(name_of(one)) for one in (1, 3)}
    assert [*table_of({1: [], 2: [1], 3: [2, 1]}).within(usable).links()] == [*table_of({1: [], 3: [1]}).links()]
