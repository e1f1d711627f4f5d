"""Which commit adds a blob: compared with a computation from full file lists, commit by commit."""

import random
import sys

import pytest

from secretguard.git import command
from secretguard.git.additions import Addition, find_additions
from secretguard.git.repository import Repository
from secretguard.model import Problem
from tests.git.repositories import Workshop


def lineage_of(repo: Workshop) -> dict[str, list[str]]:
    lines = (line.split() for line in repo.git("rev-list", "--all", "--parents").splitlines())
    return {commit: parents for commit, *parents in lines}


def files_of(repo: Workshop, commit: str) -> set[tuple[str, str]]:
    records = repo.git("ls-tree", "-r", "-z", commit).split("\0")
    fields = (record.partition("\t") for record in records if record)
    return {(path, about.split()[2]) for about, _, path in fields if about.split()[1] == "blob"}


def by_brute_force(repo: Workshop) -> set[Addition]:
    return {
        Addition(commit, path, blob)
        for commit, parents in lineage_of(repo).items()
        for path, blob in files_of(repo, commit).difference(*(files_of(repo, parent) for parent in parents))
    }


def additions(repo: Workshop, wanted: set[str] | None = None, opened: Repository | None = None) -> list[Addition]:
    problems: list[Problem] = []
    found = list(find_additions(opened or repo.open(), lineage_of(repo), problems, wanted))
    assert problems == []
    return found


def test_a_random_history_with_merges_reverts_and_renames_is_attributed_as_full_file_lists_say(repo: Workshop) -> None:
    rng = random.Random(7)
    contents = [f"content {number}\n" for number in range(12)]
    names = ["a", "b", "dir/a", "dir/sub/c", "ümläut", "with\nnewline", ":colon", "-dash", "space name"]
    repo.commit("root", a="content 0\n")
    branches = ["main"]
    for step in range(60):
        repo.git("checkout", "-q", "--force", rng.choice(branches))
        if step % 7 == 3:
            branches.append(f"branch{step}")
            repo.git("checkout", "-q", "-b", branches[-1])
        others = rng.sample(branches, k=min(len(branches), rng.choice([0, 0, 1, 2])))
        for other in others:
            # Whatever the merge says: the resolution below is what is committed.
            repo.raw("merge", "-q", "--no-commit", "--no-ff", "-s", "ours", other, fails=True)
        for name in rng.sample(names, k=2):
            path = repo.path / name
            if path.exists() and rng.random() < 0.3:
                path.unlink()
            else:
                repo.write(name, rng.choice(contents))
                path.chmod(rng.choice([0o644, 0o755]))
        repo.commit(f"step {step}")
    expected = by_brute_force(repo)
    assert set(additions(repo)) == expected
    assert any(len(parents) > 1 for parents in lineage_of(repo).values())
    wanted = {repo.id_of(content) for content in contents[:3]}
    assert set(additions(repo, wanted)) == {one for one in expected if one.blob in wanted}


def test_a_secret_that_only_the_resolution_of_a_merge_brought_is_found(repo: Workshop) -> None:
    repo.commit("base", f="base\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", f="side\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", f="main\n")
    repo.raw("merge", "-q", "side", fails=True)
    merge = repo.commit("merged", f="evil\n")
    assert additions(repo, {repo.id_of("evil\n")}) == [Addition(merge, "f", repo.id_of("evil\n"))]


def test_what_an_octopus_merge_takes_from_one_parent_is_not_added_by_it(repo: Workshop) -> None:
    repo.commit("base", base="base\n")
    for name in ("one", "two", "three"):
        repo.git("checkout", "-q", "-b", name, "main")
        repo.commit(name, **{name: f"{name}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "-m", "octopus", "one", "two", "three")
    assert len(repo.git("rev-list", "--parents", "-1", "HEAD").split()) == 4
    assert set(additions(repo)) == by_brute_force(repo)


def test_a_revert_that_brings_a_secret_back_adds_it_again(repo: Workshop) -> None:
    first = repo.commit("in", f="secret\n")
    repo.commit("out", f="clean\n")
    second = repo.commit("in again", f="secret\n")
    assert {one.commit for one in additions(repo, {repo.id_of("secret\n")})} == {first, second}


def test_a_change_of_mode_or_to_a_link_with_other_content_is_told_apart(repo: Workshop) -> None:
    repo.commit("file", f="target")
    (repo.path / "f").chmod(0o755)
    repo.commit("executable")
    (repo.path / "f").unlink()
    (repo.path / "f").symlink_to("target")
    link = repo.commit("link with the same content")
    assert all(one.commit != link for one in additions(repo))
    (repo.path / "f").unlink()
    (repo.path / "f").symlink_to("elsewhere")
    moved = repo.commit("link with other content")
    assert Addition(moved, "f", repo.id_of("elsewhere")) in additions(repo)


def test_a_submodule_entry_is_no_file(repo: Workshop) -> None:
    inner = repo.commit("some commit", f="x\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{inner},module")
    repo.git("commit", "-q", "-m", "with a submodule entry")
    assert [one.path for one in additions(repo)] == ["f"]


def test_commits_whose_files_did_not_change_do_not_confuse_the_order(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.commit("empty")
    repo.git("commit", "-q", "--allow-empty", "-m", "empty too")
    last = repo.commit("two", f="2\n")
    assert Addition(last, "f", repo.id_of("2\n")) in additions(repo)
    assert set(additions(repo)) == by_brute_force(repo)


def test_an_empty_root_commit_adds_nothing(repo: Workshop) -> None:
    repo.git("commit", "-q", "--allow-empty", "-m", "nothing")
    repo.git("checkout", "-q", "--orphan", "other")
    root = repo.commit("a second root", f="x\n")
    assert additions(repo) == [Addition(root, "f", repo.id_of("x\n"))]


def test_grafts_and_a_lying_shallow_file_do_not_change_who_added_a_file(repo: Workshop) -> None:
    first = repo.commit("one", f="1\n")
    second = repo.commit("two", g="2\n")
    lineage = {first: [], second: [first]}
    (repo.path / ".git/info/grafts").write_text(f"{second}\n")
    (repo.path / ".git/shallow").write_text(f"{second}\n")
    found = set(find_additions(repo.open(), lineage, []))
    assert found == {Addition(first, "f", repo.id_of("1\n")), Addition(second, "g", repo.id_of("2\n"))}


def test_a_commit_with_a_missing_tree_is_a_problem_and_the_others_are_still_attributed(repo: Workshop) -> None:
    first = repo.commit("one", f="1\n")
    second = repo.commit("two", dir__g="2\n")
    third = repo.commit("three", dir__h="3\n")
    fourth = repo.commit("four", f="4\n")
    repo.damage(repo.git("rev-parse", f"{second}:dir"), None)
    problems: list[Problem] = []
    found = list(find_additions(repo.open(), lineage_of(repo), problems))
    assert {one.commit for one in found} == {first, fourth}
    assert {problem.where for problem in problems} == {f"commit {second}", f"commit {third}"}
    assert not any(problem.is_note for problem in problems)


def test_a_root_commit_with_a_missing_tree_is_a_problem_and_the_others_are_still_attributed(repo: Workshop) -> None:
    first = repo.commit("one", f="1\n")
    repo.git("checkout", "-q", "--orphan", "other")
    second = repo.commit("two", f="2\n")
    repo.damage(repo.git("rev-parse", f"{first}^{{tree}}"), None)
    problems: list[Problem] = []
    found = list(find_additions(repo.open(), lineage_of(repo), problems))
    assert found == [Addition(second, "f", repo.id_of("2\n"))]
    assert [problem.where for problem in problems] == [f"commit {first}"]


def test_names_that_are_not_utf8_come_out_as_the_file_system_would_give_them(repo: Workshop) -> None:
    blob = repo.blob("x\n")
    repo.raw("update-index", "-z", "--index-info", stdin=b"100644 " + blob.encode() + b"\tcaf\xe9\0")
    repo.git("commit", "-q", "-m", "latin-1 name")
    assert [one.path for one in additions(repo)] == ["caf\udce9"]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_a_commit_whose_trees_multiply_without_end_is_a_problem_and_the_others_are_attributed(
    repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_MEMORY", 100 << 20)
    first = repo.commit("one", f="1\n")
    blob = repo.id_of("1\n")
    tree = repo.git("mktree", stdin=f"100644 blob {blob}\tf\n".encode())
    for _ in range(12):
        tree = repo.git("mktree", stdin="".join(f"040000 tree {tree}\td{n}\n" for n in range(10)).encode())
    bomb = repo.git("commit-tree", "-p", first, "-m", "bomb", tree)
    last = repo.commit("after", g="2\n")
    problems: list[Problem] = []
    lineage = {first: [], bomb: [first], last: [first]}
    found = list(find_additions(repo.open(), lineage, problems))
    assert {one.path for one in found if one.commit in (first, last)} == {"f", "g"}
    assert [problem.where for problem in problems] == [f"commit {bomb}"]
