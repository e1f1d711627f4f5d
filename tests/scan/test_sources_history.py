"""Everything an object database holds, and the place of each piece."""

import hashlib
from pathlib import Path

import pytest

from secretguard.model import Location, Place, Problem
from secretguard.scan.sources import sources_for
from secretguard.scan.sources_history import HistorySource
from tests.git.repositories import AUTHOR, Workshop, _own_git_configuration, make, repo

__all__ = ["_own_git_configuration", "repo"]


def scanned(repo: Workshop) -> HistorySource:
    source = HistorySource(repo.open())
    for _ in source.blobs():
        pass
    return source


def where(repo: Workshop, content: str, problems: list[Problem] | None = None) -> list[Location]:
    """Return the places of one content in the history."""
    source = scanned(repo)
    name = repo.id_of(content)
    found = source.locate([name]).get(name, [])
    assert source.problems == (problems or [])
    return list(found)


def test_a_secret_on_a_side_branch_names_its_commit_author_and_date(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.git("checkout", "-q", "-b", "side")
    commit = repo.commit("secret", dir__f="secret\n")
    repo.git("checkout", "-q", "main")
    date = repo.git("log", "-1", "--format=%ad", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", commit, TZ="UTC")
    assert where(repo, "secret\n") == [
        Location(Place.HISTORY, "dir/f", repo.id_of("secret\n"), commit, AUTHOR, date, at_head=False)
    ]


def test_a_secret_at_head_says_so_at_the_path_it_has_there(repo: Workshop) -> None:
    repo.commit("one", old="secret\n")
    (repo.path / "old").unlink()
    repo.commit("two", new="secret\n")
    assert [(at.path, at.at_head) for at in where(repo, "secret\n")] == [("old", False), ("new", True)]


def test_a_secret_only_in_a_merge_resolution(repo: Workshop) -> None:
    repo.commit("base", f="base\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", f="side\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", f="main\n")
    repo.raw("merge", "-q", "side", fails=True)
    merge = repo.commit("merged", f="secret\n")
    assert [(at.source, at.commit, at.path) for at in where(repo, "secret\n")] == [(Place.HISTORY, merge, "f")]


def test_a_stash_its_index_and_its_untracked_files(repo: Workshop) -> None:
    repo.commit("base", f="1\n", g="1\n")
    repo.write("g", "staged secret\n")
    repo.git("add", "g")
    repo.write("f", "changed secret\n")
    repo.write("new", "untracked secret\n")
    repo.git("stash", "push", "--include-untracked")
    repo.write("f", "a newer stash\n")
    repo.git("stash")
    for content, path in (("staged secret\n", "g"), ("changed secret\n", "f"), ("untracked secret\n", "new")):
        assert {(at.source, at.path) for at in where(repo, content)} == {(Place.STASH, path)}


def test_a_note_goes_by_what_it_annotates(repo: Workshop) -> None:
    commit = repo.commit("base", f="1\n")
    repo.git("notes", "add", "-m", "secret")
    [at] = where(repo, "secret\n")
    assert (at.source, at.path, at.commit) == (Place.NOTE, commit, repo.git("rev-parse", "refs/notes/commits"))


def test_a_commit_only_the_reflog_knows(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    lost = repo.commit("lost", f="secret\n")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    assert [(at.source, at.commit) for at in where(repo, "secret\n")] == [(Place.REFLOG, lost)]


def test_a_commit_nothing_knows_is_still_named(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    lost = repo.commit("lost", f="secret\n")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("reflog", "expire", "--expire=now", "--all")
    [at] = where(repo, "secret\n")
    assert (at.source, at.commit, at.author, at.path) == (Place.UNREACHABLE, lost, AUTHOR, "f")


def test_an_unreachable_commit_whose_parent_was_pruned(repo: Workshop) -> None:
    parent = repo.commit("base", f="1\n")
    lost = repo.commit("lost", g="secret\n")
    repo.git("checkout", "-q", "--orphan", "fresh")
    repo.commit("fresh")
    repo.git("branch", "-q", "-D", "main")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.damage(parent, None)
    assert {(at.source, at.commit) for at in where(repo, "secret\n") if at.commit == lost} == {
        (Place.UNREACHABLE, lost)
    }


def test_a_message_is_a_place_by_itself(repo: Workshop) -> None:
    commit = repo.commit("subject\n\nthe password is secret")
    repo.git("tag", "-a", "-m", "tagged secret", "v1")
    tag = repo.git("rev-parse", "refs/tags/v1")
    source = HistorySource(repo.open())
    contents = {blob.id: blob.data for blob in source.blobs()}
    assert contents[commit].startswith(b"subject\n\nthe password is secret\n")
    assert contents[tag].startswith(b"tagged secret\n")
    found = source.locate([commit, tag])
    [message], [tagged] = found[commit], found[tag]
    assert (message.source, message.commit, message.author, message.path) == (Place.COMMIT_MESSAGE, commit, AUTHOR, "")
    assert (tagged.source, tagged.commit, tagged.ref) == (Place.TAG_MESSAGE, None, "refs/tags/v1")
    assert tagged.date is not None


@pytest.mark.parametrize("annotated", [True, False])
def test_a_blob_straight_behind_a_tag(repo: Workshop, annotated: bool) -> None:
    repo.commit("base", f="1\n")
    blob = repo.blob("secret\n")
    repo.git("tag", *(["-a", "-m", "t"] if annotated else []), "key", blob)
    [at] = where(repo, "secret\n")
    assert (at.source, at.path, at.ref, at.commit) == (Place.HISTORY, "", "refs/tags/key", None)
    assert (at.author is not None) == annotated


def test_a_file_in_a_tree_behind_a_tag(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.write("dir/f", "secret\n")
    repo.git("add", ".")
    tree = repo.git("write-tree")
    repo.git("tag", "tree", tree)
    repo.git("reset", "-q", "--hard")
    [at] = where(repo, "secret\n")
    assert (at.source, at.path, at.ref) == (Place.HISTORY, "dir/f", "refs/tags/tree")


def test_a_file_in_a_dangling_tree_has_its_path_there(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.write("a/b/f", "secret\n")
    repo.git("add", ".")
    repo.git("write-tree")
    repo.git("rm", "-q", "-r", "--cached", "a")
    assert [(at.source, at.path) for at in where(repo, "secret\n")] == [(Place.UNREACHABLE, "a/b/f")]


def test_a_dangling_blob_has_no_path(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.blob("secret\n")
    assert [(at.source, at.path, at.commit) for at in where(repo, "secret\n")] == [(Place.UNREACHABLE, "", None)]


def test_many_dangling_blobs_are_placed_at_once(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    for number in range(50):
        repo.write(f"dir/f{number}", f"secret {number}\n")
    repo.git("add", ".")
    repo.git("write-tree")
    repo.git("reset", "-q", "--hard")
    source = scanned(repo)
    found = source.locate([repo.id_of(f"secret {number}\n") for number in range(50)])
    assert {at.path for locations in found.values() for at in locations} == {f"dir/f{number}" for number in range(50)}


def test_a_staged_file_is_staged_even_if_its_content_is_old(repo: Workshop) -> None:
    commit = repo.commit("one", f="secret\n")
    repo.commit("two", f="clean\n")
    repo.write("g", "secret\n")
    repo.git("add", "g")
    assert {(at.source, at.path, at.commit) for at in where(repo, "secret\n")} == {
        (Place.HISTORY, "f", commit),
        (Place.STAGED, "g", None),
    }


def test_what_only_the_index_of_another_worktree_holds_is_staged(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.git("worktree", "add", "-q", "../linked")
    linked = Workshop(repo.path.parent / "linked")
    linked.write("there", "secret\n")
    linked.git("add", ".")
    assert [(at.source, at.path) for at in where(repo, "secret\n")] == [(Place.STAGED, "there")]


def test_objects_of_an_alternate_are_read(repo: Workshop, tmp_path: Path) -> None:
    lender = make(tmp_path / "lender")
    lender.commit("lent", f="secret\n")
    (repo.path / ".git/objects/info/alternates").write_text(f"{lender.path}/.git/objects\n")
    [at] = where(repo, "secret\n")
    assert (at.source, at.path) == (Place.UNREACHABLE, "f")


def test_ids_of_other_sources_have_no_place_here(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    assert where(repo, "never stored\n") == []
    assert scanned(repo).locate([]) == {}


def test_a_repository_with_sha256_ids(tmp_path: Path) -> None:
    modern = make(tmp_path / "modern", "--object-format=sha256")
    commit = modern.commit("one", f="secret\n")
    dangling = modern.commit("two", g="other secret\n")
    modern.git("reset", "-q", "--hard", commit)
    modern.git("reflog", "expire", "--expire=now", "--all")
    assert [(at.source, at.commit) for at in where(modern, "secret\n")] == [(Place.HISTORY, commit)]
    assert [(at.source, at.commit) for at in where(modern, "other secret\n")] == [(Place.UNREACHABLE, dangling)]


def test_bytes_and_objects_expected_are_those_read(repo: Workshop) -> None:
    repo.commit("one", f="1\n", g="22\n")
    repo.git("tag", "-a", "-m", "t", "v1")
    source = HistorySource(repo.open())
    objects, size = source.size()
    assert (objects, source.objects) == (4, 0)
    assert size > 5
    for _ in source.blobs():
        pass
    assert (source.objects, source.skipped) == (4, 0)


def test_a_corrupt_blob_is_a_problem_and_counted_and_the_rest_is_read(repo: Workshop) -> None:
    repo.commit("one", f="1\n", g="secret\n")
    repo.damage(repo.id_of("1\n"), repo.loose(repo.id_of("1\n")).read_bytes()[:14])
    source = HistorySource(repo.open())
    contents = {blob.data for blob in source.blobs()}
    assert b"secret\n" in contents
    assert any(repo.id_of("1\n") in problem.where for problem in source.problems)
    assert not any(problem.is_note for problem in source.problems)
    assert source.skipped == 1


@pytest.mark.parametrize("depth", ["blob:none", "tree:0"])
def test_a_partial_clone_is_read_as_far_as_it_goes_and_nothing_is_fetched(
    repo: Workshop, tmp_path: Path, depth: str
) -> None:
    repo.commit("one", f="never fetched\n", dir__g="1\n")
    last = repo.commit("two", f="secret\n")
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", f"--filter={depth}", f"file://{repo.path}", str(tmp_path / "partial"))
    partial = Workshop(tmp_path / "partial")
    before = partial.git("count-objects", "-v")
    source = scanned(partial)
    assert [problem.is_note for problem in source.problems] == [True]
    name = repo.id_of("secret\n")
    assert [(at.commit, at.path, at.at_head) for at in source.locate([name])[name]] == [(last, "f", True)]
    assert all(problem.is_note for problem in source.problems)
    assert partial.git("count-objects", "-v") == before


def test_an_lfs_object_is_placed_where_its_pointer_is(repo: Workshop) -> None:
    content, other = b"large secret\n", b"not pointed at\n"
    ids = {}
    for data in (content, other):
        ids[data] = name = hashlib.sha256(data).hexdigest()
        repo.write(f".git/lfs/objects/{name[:2]}/{name[2:4]}/{name}", data)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{ids[content]}\nsize {len(content)}\n"
    commit = repo.commit("pointer", big_bin=pointer)
    with sources_for(str(repo.path), "history", reader="git") as opened:
        contents = {blob.id: blob.data for source in opened.sources for blob in source.blobs()}
        name, lonely = repo.id_of(content), repo.id_of(other)
        assert contents[name] == content
        found = [at for source in opened.sources for at in source.locate([name]).get(name, [])]
        assert [(at.source, at.path, at.commit, at.blob) for at in found] == [(Place.HISTORY, "big.bin", commit, name)]
        [at] = [at for source in opened.sources for at in source.locate([lonely]).get(lonely, [])]
        assert at.source is Place.WORKTREE
        assert at.path.startswith(".git/lfs/objects/")


def test_refs_that_cannot_be_read_are_a_problem_and_every_match_still_has_a_place(repo: Workshop) -> None:
    commit = repo.commit("one", f="secret\n")
    repo.git("pack-refs", "--all")
    source = scanned(repo)
    (repo.path / ".git/packed-refs").write_text("garbage\n")
    name = repo.id_of("secret\n")
    found = source.locate([name, commit])
    assert [(at.path, at.commit) for at in found[name]] == [("f", commit)]
    assert [at.source for at in found[commit]] == [Place.COMMIT_MESSAGE]
    assert any(problem.where == "refs" and not problem.is_note for problem in source.problems)


def test_a_damaged_index_is_a_problem_and_history_and_files_are_still_read(repo: Workshop) -> None:
    repo.commit("one", f="secret\n")
    repo.write("g", "on disk\n")
    (repo.path / ".git/index").write_bytes(b"garbage, and long enough to be looked at by anybody who reads it")
    with sources_for(str(repo.path), "history", reader="git") as opened:
        contents = {blob.id: blob.data for source in opened.sources for blob in source.blobs()}
        located = [source.locate(list(contents)) for source in opened.sources]
        problems = {problem.where for source in opened.sources for problem in source.problems if not problem.is_note}
    assert {b"secret\n", b"on disk\n"} <= set(contents.values())
    assert repo.id_of("secret\n") in located[0]
    assert problems >= {"index", ".git/index"}


def test_a_match_keeps_its_place_when_objects_vanish_while_it_is_looked_for(repo: Workshop) -> None:
    commit = repo.commit("one", f="secret\n")
    source = scanned(repo)
    repo.damage(commit, None)
    name = repo.id_of("secret\n")
    found = source.locate([name, commit])
    assert found[name]
    assert [at.source for at in found[commit]] == [Place.COMMIT_MESSAGE]
