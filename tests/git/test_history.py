"""Commits and tags as data; what keeps a commit alive."""

import pytest

from secretguard.git.history import parse_commit, parse_tag, reachability, read_commits, written_text
from secretguard.git.refs import read_tips
from secretguard.model import Place
from tests.git.repositories import AUTHOR, Workshop


def test_a_commit_says_who_wrote_what_when(repo: Workshop) -> None:
    first = repo.commit("one")
    second = repo.commit("the subject\n\nand a body", f="x\n")
    commit = next(read_commits(repo.open(), [second], []))
    assert commit.id == second
    assert commit.parents == (first,)
    assert commit.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert commit.author == AUTHOR
    assert commit.message == b"the subject\n\nand a body\n"
    assert commit.date == repo.git("log", "-1", "--format=%ad", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", TZ="UTC")


def test_a_date_is_told_in_utc_whatever_the_zone() -> None:
    commit = parse_commit("id", b"tree t\nauthor A <a@b> 1748772000 +0530\ncommitter A <a@b> 1 +0000\n\nm")
    assert commit.date == "2025-06-01T10:00:00Z"


@pytest.mark.parametrize(
    "author",
    [
        b"",
        b"A <a@b>",
        b"A <a@b> soon +0000",
        b"A <a@b> 99999999999999999999 +0000",
        b"A <a@b> -99999999999999 +0000",
        b"> <",
    ],
)
def test_a_nonsense_date_is_no_date_and_no_error(author: bytes) -> None:
    assert parse_commit("id", b"tree t\nauthor " + author + b"\n\nm").date is None


@pytest.mark.parametrize("data", [b"", b"\n\n", b"tree", b"\xff\xfe\n\n\xff", b"parent \n\n", b"author\n"])
def test_a_malformed_commit_or_tag_comes_out_empty_not_as_an_error(data: bytes) -> None:
    assert parse_commit("id", data).id == "id"
    assert parse_tag("id", data).id == "id"
    assert isinstance(written_text(data), bytes)


def test_a_name_is_decoded_as_the_commit_declares_else_as_utf8_with_replacement() -> None:
    latin = b"tree t\nauthor Jos\xe9 <j@x> 1 +0000\nencoding ISO-8859-1\n\nm"
    assert parse_commit("id", latin).author == "José <j@x>"
    assert parse_commit("id", latin.replace(b"ISO-8859-1", b"no-such")).author == "Jos\ufffd <j@x>"
    assert parse_commit("id", latin.replace(b"ISO-8859-1", b"hex")).author == "Jos\ufffd <j@x>"


def test_what_people_wrote_is_the_message_first_then_the_headers_without_structure_and_signature() -> None:
    data = (
        b"tree t\nparent p\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 2 +0000\n"
        b"gpgsig -----BEGIN\n more\n -----END\nmergetag object o\n type commit\n tagged words\n"
        b"x-note odd\n\nsubject\n\nbody\n"
    )
    lines = written_text(data).split(b"\n")
    assert lines[:3] == [b"subject", b"", b"body"]
    text = b"\n".join(lines[3:])
    for kept in (b"A <a@b>", b"C <c@d>", b"tagged words", b"x-note odd"):
        assert kept in text
    for dropped in (b"BEGIN", b"more", b"tree t", b"parent p"):
        assert dropped not in text


def test_a_tag_says_what_it_names(repo: Workshop) -> None:
    commit = repo.commit("one")
    repo.git("tag", "-a", "-m", "release notes", "v1")
    tag = parse_tag("id", repo.raw("cat-file", "tag", "v1"))
    assert (tag.object, tag.type, tag.name) == (commit, "commit", "v1")
    assert tag.tagger.startswith("Carl <")
    assert tag.date is not None
    assert tag.message == b"release notes\n"


def places_of(repo: Workshop) -> dict[str, Place]:
    everything = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").splitlines()
    commits = [line.split()[1] for line in everything if line.startswith("commit")]
    graph = {commit.id: commit.parents for commit in read_commits(repo.open(), commits, [])}
    tags = {
        name: parse_tag(name, repo.raw("cat-file", "tag", name))
        for name in (line.split()[1] for line in everything if line.startswith("tag"))
    }
    return reachability(graph, tags, read_tips(repo.open()))


def test_each_commit_belongs_to_the_strongest_thing_that_keeps_it(repo: Workshop) -> None:
    base = repo.commit("base", f="1\n")
    tagged = repo.commit("tagged", f="2\n")
    repo.git("tag", "-a", "-m", "tag", "v1")
    repo.git("tag", "-a", "-m", "tag of a tag", "v1-again", "v1")
    odd = repo.commit("under an odd ref", f="3\n")
    repo.git("update-ref", "refs/pull/1/head", odd)
    forgotten = repo.commit("forgotten", f="4\n")
    repo.git("reset", "-q", "--hard", base)
    repo.git("notes", "add", "-m", "a note", base)
    note = repo.git("rev-parse", "refs/notes/commits")
    repo.write("f", "older stash\n")
    repo.git("stash")
    older = repo.git("rev-parse", "stash@{0}")
    repo.write("f", "newer stash\n")
    repo.git("stash")
    newer = repo.git("rev-parse", "stash@{0}")
    dangling = repo.git("commit-tree", "-p", forgotten, "-m", "dangling", f"{base}^{{tree}}")
    dangling_child = repo.git("commit-tree", "-p", dangling, "-m", "dangling too", f"{base}^{{tree}}")
    found = places_of(repo)
    assert found[base] is Place.HISTORY
    assert found[tagged] is Place.HISTORY
    assert found[odd] is Place.HISTORY
    assert found[note] is Place.NOTE
    assert found[older] is found[newer] is found[f"{repo.git('rev-parse', newer + '^2')}"] is Place.STASH
    assert found[forgotten] is Place.REFLOG
    assert dangling not in found
    assert dangling_child not in found


def test_a_detached_head_and_a_linked_worktree_keep_their_commits(repo: Workshop) -> None:
    repo.commit("base", f="1\n")
    repo.git("worktree", "add", "-q", "--detach", "../linked")
    linked = Workshop(repo.path.parent / "linked")
    there = linked.commit("only in the linked worktree", f="2\n")
    left = linked.commit("left behind there", f="3\n")
    linked.git("reset", "-q", "--hard", there)
    repo.git("checkout", "-q", "--detach")
    here = repo.commit("detached", f="4\n")
    for one in (repo, linked):
        found = places_of(one)
        assert found[there] is found[here] is Place.HISTORY
        assert found[left] is Place.REFLOG
