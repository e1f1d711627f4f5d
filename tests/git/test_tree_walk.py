"""Attribution from the trees themselves says what `git diff-tree` says, and what is known of each commit."""

import random
import tempfile
import time
from array import array
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretguard.git import command
from secretguard.git.additions import Addition, find_additions
from secretguard.git.commit_graph import CommitGraph, CommitTable
from secretguard.model import Problem
from tests.git import builds
from tests.git.forests import CONTENTS, WHATS, Change, Step, blob_id, plant, some_steps
from tests.git.repositories import Workshop, make
from tests.git.test_store import SHAPES, packs_of

TREES = ("tree_table", "tree_changes", "packed_trees", "tree_pairs")
WALK = ("tree_skeleton", "tree_walk")
STEPS = st.lists(
    st.builds(
        Step,
        st.lists(st.integers(1, 5), max_size=3).map(tuple),
        st.booleans(),
        st.lists(st.builds(Change, st.sampled_from(WHATS), *[st.integers(0, 50)] * 4), max_size=5),
    ),
    min_size=1,
    max_size=25,
)
PACKINGS = {
    "loose": (),
    "as git packs by default": ("repack", "-adfq"),
    "deep chains": ("repack", "-adfq", "--depth=250", "--window=250"),
    "without deltas": ("repack", "-adfq", "--depth=0"),
    "packed and loose": ("repack", "-aq"),
    "after gc": ("gc", "-q"),
}


@pytest.fixture(scope="session", params=["compiled", "plain"])
def walk(request: pytest.FixtureRequest) -> SimpleNamespace:
    """The modules of the walk by their last names, in both forms."""
    compiled = dict.fromkeys((*builds.COMPILED, *(f"secretguard.git.{name}" for name in TREES)))
    reader = dict.fromkeys((*compiled, *builds.READER, *(f"secretguard.git.{name}" for name in WALK)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builds, "COMPILED", tuple(compiled))
        patch.setattr(builds, "READER", tuple(reader))
        modules = builds._compiled() if request.param == "compiled" else builds._plain()
    loaded = SimpleNamespace(**{name.rpartition(".")[2]: module for name, module in modules.items()})
    assert loaded.tree_pairs.COMPILED is (request.param == "compiled")
    return loaded


def commits_of(repo: Workshop) -> dict[str, tuple[str, list[str]]]:
    lines = (line.split() for line in repo.git("log", "--all", "--format=%H %T %P").splitlines())
    return {commit: (tree, parents) for commit, tree, *parents in lines}


def blobs_of(repo: Workshop) -> list[str]:
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").splitlines()
    return [line.split()[1] for line in listed if line.startswith("blob")]


def graph_of(commits: dict[str, tuple[str, list[str]]], width: int) -> CommitGraph:
    table = CommitTable(width)
    for commit, (tree, parents) in commits.items():
        lines = [f"tree {tree}\n", *(f"parent {one}\n" for one in parents), "author A"]
        table.add(bytes.fromhex(commit), "".join(lines).encode())
    return CommitGraph([table], width)


Answer = tuple[set[Addition], list[Problem]]


def walked(
    walk: SimpleNamespace,
    repo: Workshop,
    wanted: list[str] | None = None,
    commits: dict[str, tuple[str, list[str]]] | None = None,
    jobs: int = 1,
) -> Answer:
    problems: list[Problem] = []
    opened, store = repo.open(), walk.store.open_store(repo.open())
    wanted = blobs_of(repo) if wanted is None else wanted
    graph = graph_of(commits or commits_of(repo), store.id_size)
    found = [*walk.tree_walk.find_additions_in(opened, store, graph, wanted, problems, jobs)]
    store.close()
    assert len(found) == len(set(found))
    return set(found), problems


def by_git(
    repo: Workshop, wanted: list[str] | None = None, commits: dict[str, tuple[str, list[str]]] | None = None
) -> Answer:
    problems: list[Problem] = []
    lineage = {commit: parents for commit, (_, parents) in (commits or commits_of(repo)).items()}
    found = set(find_additions(repo.open(), lineage, problems, blobs_of(repo) if wanted is None else wanted))
    return found, problems


@pytest.fixture
def small_shares(walk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is shared out even where there is little, so that a share begins within a family."""
    monkeypatch.setattr(walk.tree_skeleton, "_FEWEST", 8)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, packing=st.sampled_from(sorted(PACKINGS)), sha256=st.booleans(), chosen=st.sets(st.integers(0, 8)))
def test_every_file_is_added_where_none_of_the_parents_has_it(
    walk: SimpleNamespace, steps: list[Step], packing: str, sha256: bool, chosen: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        object_format = "sha256" if sha256 else "sha1"
        repo = make(Path(directory) / "repo", f"--object-format={object_format}")
        expected = plant(repo, steps)
        if PACKINGS[packing]:
            repo.git(*PACKINGS[packing])
        wanted = [blob_id(CONTENTS[number], object_format) for number in sorted(chosen)]
        assert walked(walk, repo) == (expected, [])
        assert walked(walk, repo, wanted) == ({one for one in expected if one.blob in wanted}, [])


@pytest.mark.usefixtures("small_shares")
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_long_history_is_attributed_as_git_does_however_it_is_packed(
    walk: SimpleNamespace, repo: Workshop, packing: str
) -> None:
    expected = plant(repo, some_steps(3, commits=150))
    if PACKINGS[packing]:
        repo.git(*PACKINGS[packing])
    assert any(len(parents) > 2 for _, parents in commits_of(repo).values())
    assert walked(walk, repo, jobs=2) == (expected, []) == by_git(repo)
    few = random.Random(1).sample(blobs_of(repo), 2)
    assert walked(walk, repo, few) == ({one for one in expected if one.blob in few}, [])


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("name", sorted(SHAPES.keys() - {"interrupted packing"}))  # its refs name what is not there
def test_it_is_as_git_says_whatever_the_shape_of_the_repository(
    walk: SimpleNamespace, tmp_path: Path, name: str, object_format: str
) -> None:
    repo = make(tmp_path / "repo", f"--object-format={object_format}")
    SHAPES[name](repo)
    assert walked(walk, repo) == by_git(repo)


@pytest.mark.usefixtures("small_shares")
def test_trees_in_several_packs_are_read_once(walk: SimpleNamespace, repo: Workshop) -> None:
    expected = set()
    for seed in range(4):
        expected |= plant(repo, some_steps(seed, commits=40), branch=f"b{seed}-")
        repo.git("repack", "-dq")
    assert len(packs_of(repo)) == 4
    assert walked(walk, repo) == (expected, [])
    repo.git("repack", "-aq")  # all again, and the small ones still there
    expected |= plant(repo, some_steps(9, commits=10), branch="loose-")
    assert len(packs_of(repo)) == 5
    assert walked(walk, repo, jobs=2) == (expected, [])


def test_only_the_commits_asked_for_are_compared(walk: SimpleNamespace, repo: Workshop) -> None:
    expected = plant(repo, some_steps(5))
    commits = commits_of(repo)
    some = {commit: commits[commit] for commit in [*commits][:10]}
    assert any(parent not in some for _, parents in some.values() for parent in parents)
    assert walked(walk, repo, commits=some) == ({one for one in expected if one.commit in some}, [])


def test_nothing_wanted_is_nothing_found(walk: SimpleNamespace, repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    assert walked(walk, repo, []) == (set(), [])


def test_a_parent_that_cannot_be_read_is_no_parent(walk: SimpleNamespace, repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    second = repo.commit("two", g="2\n")
    commits = {second: (repo.git("rev-parse", f"{second}^{{tree}}"), [])}
    found, problems = walked(walk, repo, commits=commits)
    assert ({(one.path, one.commit) for one in found}, problems) == ({("f", second), ("g", second)}, [])


@pytest.mark.parametrize("packed", [False, True])
def test_a_commit_with_a_missing_tree_is_a_problem_and_the_others_are_still_attributed(
    walk: SimpleNamespace, repo: Workshop, packed: bool
) -> None:
    first = repo.commit("one", f="1\n")
    second = repo.commit("two", dir__g="2\n")
    third = repo.commit("three", dir__h="3\n")
    fourth = repo.commit("four", f="4\n")
    tree = repo.git("rev-parse", f"{second}:dir")
    if packed:
        pack_everything(repo, tree)
    repo.damage(tree, None)
    found, problems = walked(walk, repo)
    assert {one.commit for one in found} == {first, fourth}
    assert {problem.where for problem in problems} == {f"commit {second}", f"commit {third}"}
    assert (found, problems) == by_git(repo)


def test_a_root_commit_with_a_missing_tree_is_a_problem(walk: SimpleNamespace, repo: Workshop) -> None:
    first = repo.commit("one", f="1\n")
    repo.git("checkout", "-q", "--orphan", "other")
    second = repo.commit("two", f="2\n")
    commits = commits_of(repo)
    repo.damage(commits[first][0], None)
    found, problems = walked(walk, repo, commits=commits)
    assert {one.commit for one in found} == {second}
    assert [problem.where for problem in problems] == [f"commit {first}"]


def test_a_tree_that_is_missing_beside_what_is_wanted_troubles_nobody(walk: SimpleNamespace, repo: Workshop) -> None:
    repo.commit("one", dir__f="1\n")
    lost = repo.git("rev-parse", "HEAD:dir")
    second = repo.commit("two", dir__f="2\n")
    third = repo.commit("three", other__g="3\n")
    repo.damage(lost, None)
    found, problems = walked(walk, repo, [repo.id_of("3\n")])
    assert found == {Addition(third, "other/g", repo.id_of("3\n"))}
    assert f"commit {second}" not in {problem.where for problem in problems}


def test_what_a_damaged_pack_does_not_give_is_left_to_git(walk: SimpleNamespace, repo: Workshop) -> None:
    plant(repo, some_steps(8, commits=120))
    repo.git("repack", "-adfq")
    (pack,) = packs_of(repo)
    commits, wanted = commits_of(repo), blobs_of(repo)
    whole = pack.read_bytes()
    store = walk.store.open_store(repo.open())
    entries = store.packs[0].entries
    trees = sorted(entries.order[entries.content :])
    places = [(entries.starts[tree], entries.offsets[tree + 1]) for tree in trees]
    store.close()
    rng = random.Random(4)
    pack.chmod(0o644)
    for _ in range(6):
        start, stop = rng.choice(places)
        at = rng.randrange(start, stop)
        pack.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        found, problems = walked(walk, repo, wanted, commits)
        expected, by_git_problems = by_git(repo, wanted, commits)
        assert found >= expected
        assert {problem.where for problem in problems} <= {problem.where for problem in by_git_problems}
        assert all(f"commit {one.commit}" in {problem.where for problem in by_git_problems} for one in found - expected)


def tree_of_entries(repo: Workshop, *entries: tuple[str, bytes, str]) -> str:
    data = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(blob)) for mode, name, blob in entries)
    return repo.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=data)


ODD_TREES = {
    "a mode with a zero in front": [("0100644", b"f", 1), ("040000", b"g", 3)],
    "a mode that nobody knows": [("100664", b"f", 1), ("777", b"g", 2), ("60000", b"h", 1)],
    "modes that nobody knows, and wanted": [("60000", b"h", 1), ("150000", b"i", 1)],
    "out of order": [("100644", b"z", 1), ("100644", b"a", 2)],
    "a directory in the place of a file": [("40000", b"a", 3), ("100644", b"a.b", 1)],
    "a name twice": [("100644", b"f", 1), ("100644", b"f", 2)],
    "a file and a directory of one name": [("100644", b"f", 1), ("40000", b"f", 3)],
    "no name": [("100644", b"", 1)],
    "no mode": [("", b"f", 1)],
    "a mode of letters": [("abc", b"f", 1)],
    "a huge mode": [("37777777777100644", b"f", 1)],
    "a blob that is called a directory": [("40000", b"d", 1)],
    "a module that is a blob": [("100644", b"f", 2), ("160000", b"m", 1)],
    "a directory that is called a file": [("100644", b"d", 3), ("100644", b"f", 1)],
    "the empty tree": [("40000", b"d", 4), ("100644", b"f", 1)],
}


def with_odd_tree(
    repo: Workshop, entries: list[tuple[str, bytes, int]]
) -> tuple[dict[str, tuple[str, list[str]]], set[str]]:
    """Commits of which some have a tree with these entries, and those that have."""
    first = repo.commit("one", f="0\n", d__e="0\n")
    ids = ["", repo.blob("1\n"), repo.blob("2\n")]
    ids += [tree_of_entries(repo, ("100644", b"in", ids[1])), repo.open().empty_tree]
    tree = tree_of_entries(repo, *((mode, name, ids[number]) for mode, name, number in entries))
    before = repo.git("rev-parse", f"{first}^{{tree}}")
    commits: dict[str, tuple[str, list[str]]] = {first: (before, [])}
    odd = []
    for parents in ([first], []):
        raw = repo.raw(
            "cat-file", "commit", repo.git("commit-tree", *(f"-p{one}" for one in parents), "-m", "x", before)
        )
        odd.append(store_commit(repo, raw.replace(before.encode(), tree.encode())))
        after = repo.git("commit-tree", "-p", odd[-1], "-m", "after", before)
        commits |= {odd[-1]: (tree, parents), after: (before, [odd[-1]])}
    return commits, set(odd)


def store_commit(repo: Workshop, raw: bytes) -> str:
    return repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)


def pack_everything(repo: Workshop, *but: str) -> None:
    """Pack whatever there is, and nothing that hangs on it."""
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").splitlines()
    names = "".join(f"{name}\n" for name in listed if name not in but)
    repo.git("pack-objects", "-q", f"{repo.path}/.git/objects/pack/pack", stdin=names.encode())
    repo.git("prune-packed")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("entries", ODD_TREES.values(), ids=ODD_TREES)
def test_a_tree_as_git_would_not_write_it_is_read_as_git_reads_it(
    walk: SimpleNamespace, repo: Workshop, entries: list[tuple[str, bytes, int]], packed: bool
) -> None:
    commits, _ = with_odd_tree(repo, entries)
    if packed:
        pack_everything(repo)
    assert walked(walk, repo, commits=commits) == by_git(repo, commits=commits)


def test_a_name_with_a_slash_is_found_where_git_loses_its_way(walk: SimpleNamespace, repo: Workshop) -> None:
    commits, odd = with_odd_tree(repo, [("100644", b"d/e", 1), ("100644", b"f", 2)])
    found, problems = walked(walk, repo, commits=commits)
    assert problems == []
    assert found >= by_git(repo, commits=commits)[0]
    assert {(one.path, one.blob) for one in found if one.commit in odd} == {
        ("d/e", repo.id_of("1\n")), ("f", repo.id_of("2\n")),
    }  # fmt: skip


@pytest.mark.parametrize("named", ["", "zz" * 20, "12" * 19 + " 1", "0" * 40, "ab" * 20])
def test_a_commit_that_names_no_tree_is_left_to_git(walk: SimpleNamespace, repo: Workshop, named: str) -> None:
    first = repo.commit("one", f="1\n")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    raw = repo.raw("cat-file", "commit", repo.git("commit-tree", f"-p{first}", "-m", "x", tree))
    bad = store_commit(repo, raw.replace(tree.encode(), named.encode()))
    worse = store_commit(repo, raw.replace(tree.encode(), named.encode()).replace(first.encode(), bad.encode()))
    commits = {first: (tree, []), bad: (named, [first]), worse: (named, [bad])}
    found, problems = walked(walk, repo, commits=commits)
    assert {one.commit for one in found} == {first}
    assert problems == by_git(repo, commits=commits)[1]
    assert f"commit {bad}" in {problem.where for problem in problems}


def test_a_squashed_branch_adds_what_the_merge_of_it_did_not(walk: SimpleNamespace, repo: Workshop) -> None:
    repo.commit("base", **{f"d{number}__f": "old\n" for number in range(80)})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", **{f"d{number}__f": "new\n" for number in range(80)})
    repo.git("checkout", "-q", "main")
    main = repo.commit("main", other="more\n")
    repo.git("merge", "-q", "-m", "merge", "side")
    merge, tree = repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD^{tree}")
    squashed = repo.git("commit-tree", "-p", main, "-m", "squashed", tree)
    repo.git("update-ref", "refs/heads/squashed", squashed)
    commits = commits_of(repo)
    for order in (sorted(commits), sorted(commits, reverse=True), [merge, *commits], [squashed, *commits]):
        found, _ = walked(walk, repo, commits={commit: commits[commit] for commit in order})
        assert sum(one.commit == squashed for one in found) == 80
        assert not any(one.commit == merge for one in found)


def bomb(repo: Workshop, blob: str, levels: int = 12) -> str:
    tree = repo.git("mktree", stdin=f"100644 blob {blob}\tf\n".encode())
    for _ in range(levels):
        tree = repo.git("mktree", stdin="".join(f"040000 tree {tree}\td{n}\n" for n in range(10)).encode())
    return tree


def test_a_commit_whose_trees_multiply_without_end_is_a_problem_and_the_others_are_attributed(
    walk: SimpleNamespace, repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_MEMORY", 100 << 20)
    monkeypatch.setattr(walk.tree_pairs, "_PATIENCE", 200_000, raising=False)  # compiled it stays what it is
    first = repo.commit("one", f="1\n")
    tree = bomb(repo, repo.id_of("1\n"))
    large = repo.git("commit-tree", "-p", first, "-m", "bomb", tree)
    last = repo.commit("after", g="2\n")
    of = {commit: repo.git("rev-parse", f"{commit}^{{tree}}") for commit in (first, large, last)}
    commits = {first: (of[first], []), large: (of[large], [first]), last: (of[last], [first])}
    found, problems = walked(walk, repo, commits=commits)
    assert {one.path for one in found if one.commit in (first, last)} == {"f", "g"}
    assert [problem.where for problem in problems] == [f"commit {large}"]


def test_trees_that_multiply_without_end_and_hold_nothing_wanted_take_no_time(
    walk: SimpleNamespace, repo: Workshop
) -> None:
    first = repo.commit("one", f="1\n")
    tree = repo.git("commit-tree", "-p", first, "-m", "bomb", bomb(repo, repo.id_of("1\n")))
    changed = bomb(repo, repo.blob("2\n"))
    next_one = repo.git("commit-tree", "-p", tree, "-m", "another", changed)
    last = repo.commit("after", g="3\n")
    of = {commit: repo.git("rev-parse", f"{commit}^{{tree}}") for commit in (first, tree, next_one, last)}
    commits = {
        first: (of[first], []), tree: (of[tree], [first]), next_one: (of[next_one], [tree]), last: (of[last], [first]),
    }  # fmt: skip
    began = time.process_time()
    assert walked(walk, repo, [repo.id_of("3\n")], commits) == ({Addition(last, "g", repo.id_of("3\n"))}, [])
    assert time.process_time() - began < 2


@pytest.mark.parametrize("depth", [150, 400])
def test_directories_deep_within_each_other_are_followed(walk: SimpleNamespace, repo: Workshop, depth: int) -> None:
    path = b"d/" * depth + b"f"
    stream = b"commit refs/heads/main\ncommitter C <c@example.org> 1748772000 +0000\ndata 1\nx\n"
    repo.raw("fast-import", "--quiet", stdin=stream + b"M 100644 inline %s\ndata 2\n1\n\n" % path)
    found, problems = walked(walk, repo)
    assert ([one.path for one in found], problems) == ([path.decode()], [])


def many_directories(repo: Workshop, directories: int, commits: int) -> None:
    stream = []
    for number in range(commits):
        stream.append(
            b"commit refs/heads/main\ncommitter C <c@example.org> %d +0000\ndata 1\nx\n" % (1748772000 + number)
        )
        chosen = range(directories) if number == 0 else [number * 7 % directories]
        stream += (b"M 100644 inline d%d/f\ndata 8\n%08d\n" % (name, number) for name in chosen)
    repo.raw("fast-import", "--quiet", stdin=b"".join(stream))
    repo.git("repack", "-adfq")


def test_memory_grows_with_what_changes_and_not_with_what_there_is(walk: SimpleNamespace, repo: Workshop) -> None:
    many_directories(repo, 400, 150)
    store = walk.store.open_store(repo.open())
    wanted = {bytes.fromhex(blob): number for number, blob in enumerate(blobs_of(repo))}
    skeleton = walk.tree_skeleton.read_skeleton(store, b"", wanted, 1)
    assert len(skeleton.records) // 3 < 10 * 400 + 20 * 150
    assert walked(walk, repo) == by_git(repo)
    store.close()


def test_an_index_whose_ids_are_no_hashes_does_not_slow_us_down(
    walk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk.tree_table, "_CROWDED", 100, raising=False)  # compiled it stays what it is
    table = walk.tree_table.TreeTable(10_000, 20)
    ids = b"".join(bytes(16) + number.to_bytes(4, "big") for number in range(1, 10_001))
    order = array("i", range(10_000))
    with pytest.raises(walk.tree_table.CrowdedError):
        table.add_trees(memoryview(ids), order, order, 0, array("i", bytes(40_000)))


def test_ids_are_found_again_and_keep_their_first_number(walk: SimpleNamespace) -> None:
    rng = random.Random(2)
    ids = sorted(rng.randbytes(32) for _ in range(3000))
    table = walk.tree_table.TreeTable(3000, 32)
    order = array("i", rng.sample(range(3000), 3000))
    numbers = array("i", bytes(12_000))
    assert table.add_trees(memoryview(b"".join(ids)), array("i", range(3000)), order, 50, numbers) == 0
    assert [numbers[entry] for entry in order] == [*range(50, 3050)]
    assert [table.find(one, 0) for one in ids] == list(numbers)
    assert table.find(rng.randbytes(32), 0) == -1
    assert table.add(b"xx" + ids[7], 2, 9999) == numbers[7]
    assert list(table.find_all(ids[3] + bytes(32) + ids[4])) == [numbers[3], -1, numbers[4]]
    for at in (1, 31, 400, -1):
        with pytest.raises(walk.tree_table.CrowdedError):
            table.find(ids[0], at)
