"""Ranges of commits, and what they add."""

import pytest

from secretguard.model import Location, Place
from secretguard.scan.sources import sources_for
from tests.git.repositories import AUTHOR, Workshop, _own_git_configuration, repo

__all__ = ["_own_git_configuration", "repo"]


def in_range(repo: Workshop, since: str) -> tuple[dict[str, bytes], dict[str, list[Location]]]:
    with sources_for(str(repo.path), "since", since=since) as opened:
        [source] = opened.sources
        contents = {blob.id: blob.data for blob in source.blobs()}
        assert source.size()[0] == len(contents) == source.objects
        found = {name: list(places) for name, places in source.locate(list(contents)).items()}
        assert set(found) == set(contents)
        assert source.problems == []
    return contents, found


def added(repo: Workshop, since: str) -> set[tuple[str, str]]:
    _, found = in_range(repo, since)
    return {(at.commit or "", at.path) for places in found.values() for at in places if at.source is Place.HISTORY}


def test_what_commits_after_a_revision_add_with_their_messages(repo: Workshop) -> None:
    first = repo.commit("one", f="1\n")
    second = repo.commit("two", g="2\n")
    third = repo.commit("three", g="3\n")
    contents, found = in_range(repo, first)
    assert {data for data in contents.values() if len(data) < 5} == {b"2\n", b"3\n"}
    assert added(repo, first) == {(second, "g"), (third, "g")}
    [message] = found[third]
    assert (message.source, message.author) == (Place.COMMIT_MESSAGE, AUTHOR)
    assert contents[third].startswith(b"three\n")


def test_both_ends_can_be_given(repo: Workshop) -> None:
    first, second, third = (repo.commit(name, f=f"{name}\n") for name in ("one", "two", "three"))
    assert added(repo, f"{first}..{second}") == {(second, "f")}
    assert added(repo, f"{second}..") == {(third, "f")}
    assert added(repo, f"{first}...{third}") == {(second, "f"), (third, "f")}
    assert added(repo, "HEAD") == set()
    assert added(repo, f"..{first}") == set()


def test_the_ends_are_told(repo: Workshop) -> None:
    first, second = repo.commit("one", f="1\n"), repo.commit("two", f="2\n")
    with sources_for(str(repo.path), "since", since="HEAD~1") as opened:
        assert (opened.base, opened.tip) == (first, second)


def test_a_merge_brings_what_its_other_side_added_and_what_its_resolution_adds(repo: Workshop) -> None:
    base = repo.commit("base", f="base\n")
    repo.git("checkout", "-q", "-b", "side")
    side = repo.commit("side", f="side\n")
    repo.git("checkout", "-q", "main")
    main = repo.commit("main", f="main\n")
    repo.raw("merge", "-q", "side", fails=True)
    merge = repo.commit("merged", f="resolved\n")
    assert added(repo, base) == {(side, "f"), (main, "f"), (merge, "f")}
    assert added(repo, main) == {(side, "f"), (merge, "f")}


def test_content_that_comes_back_is_added_again(repo: Workshop) -> None:
    repo.commit("in", f="secret\n")
    out = repo.commit("out", f="clean\n")
    again = repo.commit("in again", f="secret\n")
    assert added(repo, out) == {(again, "f")}


def test_a_new_branch_has_no_base_so_everything_no_remote_has_is_read(repo: Workshop) -> None:
    first = repo.commit("pushed", f="1\n")
    repo.git("update-ref", "refs/remotes/origin/main", first)
    second = repo.commit("new", f="2\n")
    assert added(repo, f"{'0' * 40}..{second}") == {(second, "f")}
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    assert added(repo, f"{'0' * 40}..{second}") == {(first, "f"), (second, "f")}


@pytest.mark.parametrize("name", ["-dash", "--all", "a;touch marker", "$(touch marker)"])
def test_a_branch_with_a_name_like_an_option_or_a_command_is_just_a_branch(repo: Workshop, name: str) -> None:
    first = repo.commit("one", f="1\n")
    second = repo.commit("two", f="2\n")
    repo.git("update-ref", f"refs/heads/{name}" if " " not in name else "refs/heads/x", second)
    assert added(repo, f"{first}..refs/heads/{name if ' ' not in name else 'x'}") == {(second, "f")}
    with sources_for(str(repo.path), "history") as opened:
        for source in opened.sources:
            ids = [blob.id for blob in source.blobs()]
            source.locate(ids)
            assert source.problems == []
