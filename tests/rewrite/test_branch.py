"""A branch with one commit, made without touching anything of the user's."""

from dataclasses import replace
from pathlib import Path

import pytest

from secretguard.errors import RewriteError
from secretguard.rewrite.branch import update_branch
from secretguard.rotation import Context
from tests.rewrite.deliveries import (
    BRANCH,
    CREDENTIAL,
    WHO,
    a_key,
    assistant,
    changes_of,
    delivery_of,
    git,
    opened,
    snapshot,
    tree_of,
)  # fmt: skip

OLD = a_key()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "assistant"


def test_the_branch_is_one_commit_with_the_changes_and_nothing_else(place: Path) -> None:
    builder, after = assistant(place, OLD)
    before = tree_of(place, "HEAD")
    done = update_branch(delivery_of(place, after, OLD), WHO)
    assert (done.where, done.is_new) == (BRANCH, True)
    assert git(place, "rev-list", "--count", f"HEAD..{BRANCH}") == b"1\n"
    assert git(place, "rev-parse", f"{BRANCH}^").decode().strip() == builder.head
    expected = {**before, **{path: (before.get(path, ("100644",))[0], data) for path, data in after.items()}}
    assert tree_of(place, BRANCH) == expected
    git(place, "fsck", "--strict", "--full")


def test_nothing_of_the_users_changes(place: Path) -> None:
    builder, after = assistant(place, OLD)
    builder.write("notes.txt", "put away\n")
    builder.stash()
    builder.stage("app/staged.py", "X = 1\n")
    builder.write("app/assistant.py", "half an edit\n")
    builder.write("untracked.txt", "mine\n")
    was = snapshot(place)
    update_branch(delivery_of(place, after, OLD), WHO)
    assert snapshot(place, (f".git/refs/heads/{BRANCH}",)) == was
    assert git(place, "status", "--porcelain=2", "--branch").decode().count("branch.head main") == 1


def test_the_message_says_what_and_why_and_no_value(place: Path) -> None:
    _, after = assistant(place, OLD)
    update_branch(delivery_of(place, after, OLD), WHO)
    said = git(place, "log", "-1", "--format=%an <%ae>%n%cn%n%B", BRANCH).decode()
    assert said.startswith("Olga Operator <olga@ops.invalid>\nOlga Operator\nRead the OpenAI project API key from the")
    for words in (CREDENTIAL, "seen to be refused", "OPENAI_API_KEY from ref+local://", "app/assistant.py", "(new)",
                  "web/app.ts:3: a browser bundle", "Call it from a backend."):  # fmt: skip
        assert words in said
    assert OLD not in said
    trailers = git(place, "log", "-1", "--format=%(trailers:only,unfold)", BRANCH).decode().split()
    assert trailers == ["Secretguard-Credential:", CREDENTIAL, "Secretguard-Tree:", _tree(place)]


def _tree(place: Path) -> str:
    return git(place, "rev-parse", f"{BRANCH}^{{tree}}").decode().strip()


def test_a_second_run_finds_its_own_branch_and_does_nothing(place: Path) -> None:
    _, after = assistant(place, OLD)
    delivery = delivery_of(place, after, OLD)
    update_branch(delivery, WHO)
    was = snapshot(place)
    again = update_branch(delivery, WHO)
    assert (again.is_new, again.where) == (False, BRANCH)
    assert snapshot(place) == was


def test_a_rerun_on_a_newer_commit_moves_the_branch(place: Path) -> None:
    builder, after = assistant(place, OLD)
    update_branch(delivery_of(place, after, OLD), WHO)
    builder.write("CHANGES", "more\n").commit("Go on")
    done = update_branch(delivery_of(place, after, OLD), WHO)
    assert done.is_new
    assert git(place, "rev-parse", f"{BRANCH}^").decode().strip() == builder.head
    assert git(place, "rev-list", "--count", f"HEAD..{BRANCH}") == b"1\n"


def test_no_changes_make_no_branch(place: Path) -> None:
    assistant(place, OLD)
    was = snapshot(place)
    done = update_branch(delivery_of(place, {}, OLD), WHO)
    assert (done.is_new, done.evidence) == (False, ("there is nothing to change",))
    assert snapshot(place) == was


def _commits_on_top(place: Path) -> None:
    git(place, "update-ref", f"refs/heads/{BRANCH}", _commit(place, "A person's work", BRANCH))


def _amends(place: Path) -> None:
    """The same message over another tree."""
    message = git(place, "log", "-1", "--format=%B", BRANCH).decode()
    git(place, "update-ref", f"refs/heads/{BRANCH}", _commit(place, message, "HEAD", tree="HEAD^{tree}"))


def _merges(place: Path) -> None:
    git(place, "update-ref", f"refs/heads/{BRANCH}", _commit(place, "Merge", BRANCH, "HEAD"))


def _takes_the_name(place: Path) -> None:
    git(place, "update-ref", f"refs/heads/{BRANCH}", "HEAD")


def _commit(place: Path, message: str, *parents: str, tree: str = "") -> str:
    above = [word for parent in parents for word in ("-p", git(place, "rev-parse", parent).decode().strip())]
    made = git(place, "commit-tree", tree or f"{parents[0]}^{{tree}}", *above, "-m", message)
    return made.decode().strip()


@pytest.mark.parametrize("somebody", [_commits_on_top, _amends, _merges, _takes_the_name])
def test_somebody_elses_work_is_never_overwritten(place: Path, somebody: object) -> None:
    builder, after = assistant(place, OLD)
    update_branch(delivery_of(place, after, OLD), WHO)
    builder.write("CHANGES", "more\n").commit("Go on")
    assert callable(somebody)
    somebody(place)
    was = snapshot(place)
    with pytest.raises(RewriteError, match="that secretguard did not make") as refused:
        update_branch(delivery_of(place, after, OLD), WHO)
    assert "rename or delete" in refused.value.hint
    assert snapshot(place) == was


def test_a_branch_of_another_credential_is_not_ours(place: Path) -> None:
    _, after = assistant(place, OLD)
    update_branch(delivery_of(place, after, OLD), WHO)
    git(place, "branch", "secretguard/rotate-sg_ffffffffffff", BRANCH)
    with pytest.raises(RewriteError, match="did not make"):
        update_branch(delivery_of(place, after, OLD, credential="sg_ffffffffffff"), WHO)


@pytest.mark.parametrize("linked", [False, True])
def test_a_checked_out_branch_is_not_moved(place: Path, tmp_path: Path, linked: bool) -> None:
    builder, after = assistant(place, OLD)
    update_branch(delivery_of(place, after, OLD), WHO)
    if linked:
        git(place, "worktree", "add", "-q", str(tmp_path / "other"), BRANCH)
    else:
        git(place, "switch", "-q", BRANCH)
    delivery = replace(delivery_of(place, {}, OLD), base=builder.head, changes=changes_of(place, after))
    with pytest.raises(RewriteError, match="is checked out"):
        update_branch(delivery, WHO)


def test_changes_computed_against_another_commit_are_refused(place: Path) -> None:
    builder, after = assistant(place, OLD)
    stale = changes_of(place, after)
    builder.write("app/assistant.py", "KEY = None\n").commit("Somebody was quicker")
    with pytest.raises(RewriteError, match=r"app/assistant\.py is not what was edited"):
        update_branch(delivery_of(place, {}, OLD, changes=stale), WHO)


def test_an_unknown_operator_is_told_how_to_say_who_they_are(place: Path) -> None:
    _, after = assistant(place, OLD)
    git(place, "config", "user.name", "Somebody the repository names")
    git(place, "config", "user.email", "somebody@repository.invalid")
    with pytest.raises(RewriteError, match="does not know who you are") as failed:
        update_branch(delivery_of(place, after, OLD), Context({}))
    assert "git config --global user.name" in failed.value.hint


def test_the_operators_own_configuration_says_who_they_are(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, after = assistant(place, OLD)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[user]\n\tname = Öla <x>\n\temail = ola@ops.invalid\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    update_branch(delivery_of(place, after, OLD), Context({}))
    assert git(place, "log", "-1", "--format=%an|%ae", BRANCH).decode() == "Öla x|ola@ops.invalid\n"


def test_a_sha256_repository_is_refused_in_words(tmp_path: Path) -> None:
    place = tmp_path / "modern"
    git(tmp_path, "init", "-q", "--object-format=sha256", "modern")
    (place / "a.txt").write_text(OLD)
    git(place, "add", "a.txt")
    git(place, "commit", "-q", "-m", "Start")
    with pytest.raises(RewriteError, match="sha256"):
        update_branch(delivery_of(place, {"a.txt": b"x\n"}, OLD), WHO)


@pytest.mark.parametrize("where", ["refs/heads/secretguard", f"refs/heads/{BRANCH}", "objects/ab"])
def test_a_link_in_the_git_directory_leads_nowhere(place: Path, tmp_path: Path, where: str) -> None:
    _, after = assistant(place, OLD)
    outside = tmp_path / "outside"
    outside.mkdir()
    link = place / ".git" / where
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(outside)
        with pytest.raises(RewriteError, match="symbolic link"):
            update_branch(delivery_of(place, after, OLD), WHO)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../up.txt", ".git/hooks/post-checkout", "a/.GIT/config", "a//b", "./a", ""])
def test_no_file_is_put_where_git_would_not_check_it_out(place: Path, path: str) -> None:
    _, after = assistant(place, OLD)
    change = replace(changes_of(place, after)[2], path=path)
    with pytest.raises(RewriteError, match="no name of a file"):
        update_branch(delivery_of(place, {}, OLD, changes=(change,)), WHO)


def test_an_emptied_folder_is_gone_and_an_emptied_repository_has_the_empty_tree(place: Path) -> None:
    _, _ = assistant(place, OLD)
    everything = dict.fromkeys(tree_of(place, "HEAD"))
    update_branch(delivery_of(place, everything, OLD), WHO)
    assert tree_of(place, BRANCH) == {}
    git(place, "fsck", "--strict")
    assert opened(place).head
