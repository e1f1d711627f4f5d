"""Exactly what is staged, in every state an index can be in."""

import pytest

from secretguard.errors import GitError
from secretguard.git.index import index_blobs, staged
from secretguard.git.repository import open_repository
from secretguard.git.trees import content_at, contents_at
from tests.git.repositories import Workshop


def staged_content(repo: Workshop) -> dict[str, bytes]:
    return {entry.path: repo.raw("cat-file", "blob", entry.blob) for entry in staged(repo.open())}


def test_nothing_staged_is_nothing(repo: Workshop) -> None:
    assert staged_content(repo) == {}
    repo.commit("one", f="x\n")
    repo.write("f", "changed on disk only\n")
    assert staged_content(repo) == {}


def test_before_the_first_commit_everything_added_is_staged(repo: Workshop) -> None:
    repo.write("a", "1\n")
    repo.write("dir/b", "2\n")
    repo.git("add", ".")
    assert staged_content(repo) == {"a": b"1\n", "dir/b": b"2\n"}


def test_of_a_file_staged_in_part_only_that_part_counts(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.write("f", "1\nstaged\n")
    repo.git("add", "f")
    repo.write("f", "1\nstaged\nnot staged\n")
    assert staged_content(repo) == {"f": b"1\nstaged\n"}


def test_a_deleted_file_has_no_content_and_a_renamed_one_has_it_at_the_new_path(repo: Workshop) -> None:
    repo.commit("one", gone="1\n", old="moved content\n" * 20)
    repo.git("rm", "-q", "gone")
    repo.git("mv", "old", "new")
    assert staged_content(repo) == {"new": b"moved content\n" * 20}


def test_a_change_of_mode_alone_stages_no_content(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.git("update-index", "--chmod=+x", "f")
    assert staged_content(repo) == {}


def test_of_an_intent_to_add_nothing_is_staged_yet(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.write("planned", "later\n")
    repo.git("add", "--intent-to-add", "planned")
    assert staged_content(repo).get("planned", b"") == b""


def test_a_symbolic_link_is_staged_with_its_target_as_content(repo: Workshop) -> None:
    (repo.path / "link").symlink_to("/etc/passwd")
    repo.git("add", ".")
    assert staged_content(repo) == {"link": b"/etc/passwd"}


def test_a_submodule_entry_is_skipped(repo: Workshop) -> None:
    commit = repo.commit("one", f="1\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    assert staged_content(repo) == {}


def conflict(repo: Workshop) -> None:
    repo.commit("base", both="base\n", mine="1\n", theirs="1\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", both="side\n", theirs="2\n", fresh="new there\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", both="main\n", mine="2\n")
    repo.raw("merge", "side", fails=True)


def test_in_a_merge_with_conflicts_what_came_over_and_all_sides_of_a_conflict_are_read(repo: Workshop) -> None:
    conflict(repo)
    contents = {repo.raw("cat-file", "blob", entry.blob) for entry in staged(repo.open()) if entry.path == "both"}
    assert contents == {b"base\n", b"main\n", b"side\n"}
    others = {entry.path for entry in staged(repo.open())} - {"both"}
    assert others == {"theirs", "fresh"}


def test_a_resolved_merge_is_staged_with_its_resolution(repo: Workshop) -> None:
    conflict(repo)
    repo.write("both", "resolved\n")
    repo.git("add", "both")
    assert staged_content(repo) == {"both": b"resolved\n", "theirs": b"2\n", "fresh": b"new there\n"}


def test_a_linked_worktree_has_an_index_of_its_own(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.git("worktree", "add", "-q", "../linked")
    linked = Workshop(repo.path.parent / "linked")
    linked.write("there", "staged there\n")
    linked.git("add", ".")
    assert staged_content(linked) == {"there": b"staged there\n"}
    assert staged_content(repo) == {}
    assert "there" in {entry.path for entry in index_blobs(repo.open())}


def test_the_index_that_git_names_to_its_hook_is_the_one_that_counts(
    repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("one", f="1\n")
    repo.write("f", "for git commit f\n")
    repo.git("add", "f", GIT_INDEX_FILE=".git/next-index")
    monkeypatch.chdir(repo.path)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index")
    told = open_repository(repo.path, keep_environment=True)
    assert told is not None
    assert [entry.path for entry in staged(told)] == ["f"]
    assert staged(repo.open()) == []


def test_names_of_any_bytes_are_kept(repo: Workshop) -> None:
    blob = repo.blob("x\n")
    names = [b"caf\xe9", b"new\nline", b"-dash", b"\x1b[31m"]
    repo.raw(
        "update-index", "-z", "--index-info", stdin=b"".join(b"100644 %s\t%s\0" % (blob.encode(), n) for n in names)
    )
    assert {entry.path for entry in staged(repo.open())} == {"caf\udce9", "new\nline", "-dash", "\x1b[31m"}


def test_a_damaged_index_is_an_error_with_a_hint(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    (repo.path / ".git/index").write_bytes(b"garbage, and long enough to be looked at by anybody who reads it")
    with pytest.raises(GitError) as raised:
        staged(repo.open())
    assert "index" in str(raised.value)
    assert raised.value.hint


def test_content_is_read_from_a_commit_or_from_the_index(repo: Workshop) -> None:
    commit = repo.commit("one", f="committed\n")
    repo.write("f", "staged\n")
    repo.git("add", ".")
    repo.write("f", "on disk\n")
    repository = repo.open()
    assert content_at(repository, commit, "f") == b"committed\n"
    assert content_at(repository, None, "f") == b"staged\n"
    assert content_at(repository, commit, "g") is None
    assert content_at(repository, "--batch", "f") is None


TOGETHER = ("plain", "two words", "link", "module", "staged away", "not there", "with\nnewline", "dir/inner", "empty")


def with_every_kind_of_entry(repo: Workshop) -> None:
    commit = repo.commit("one", plain="1\n", two="x\n")
    repo.write("two words", "2\n")
    repo.write("dir/inner", "3\n")
    repo.write("with\nnewline", "4\n")
    repo.write("empty", "")
    (repo.path / "link").symlink_to("plain")
    repo.git("add", ".")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    repo.write("plain", "only on disk\n")


def test_staged_files_asked_for_together_are_what_each_is_alone(repo: Workshop) -> None:
    with_every_kind_of_entry(repo)
    repository = repo.open()
    content = contents_at(repository, None, TOGETHER)
    assert {path: content(path) for path in TOGETHER} == {path: content_at(repository, None, path) for path in TOGETHER}
    assert content("plain") == b"1\n"
    assert content("two") == b"x\n", "one that was not named is found too"


def test_a_damaged_file_among_those_asked_for_together_takes_no_other_with_it(repo: Workshop) -> None:
    with_every_kind_of_entry(repo)
    repo.damage(repo.id_of("2\n"), b"damaged")
    content = contents_at(repo.open(), None, TOGETHER)
    assert content("two words") is None
    assert content("dir/inner") == b"3\n"


def test_files_of_a_commit_are_found_by_path(repo: Workshop) -> None:
    commit = repo.commit("one", f="committed\n")
    repo.write("f", "staged\n")
    repo.git("add", ".")
    content = contents_at(repo.open(), commit, ["f"])
    assert (content("f"), content("g")) == (b"committed\n", None)
