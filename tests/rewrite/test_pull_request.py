"""One pull request for a credential, on GitHub and on GitLab, whatever goes wrong at whatever call."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secretguard.errors import ForgeError, RewriteError
from secretguard.rewrite.deliver import deliver
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rotation import Context
from secretguard.testing.exposure import exposure
from secretguard.transport import breaker
from tests.rewrite.deliveries import BRANCH, CREDENTIAL, IDENTITY, a_key, assistant, delivery_of, git, snapshot, tree_of
from tests.servers.forges import TOKEN, Fault, Forge, GitHub, GitLab, serving

OLD, NEW = a_key(), a_key(8)
OWNERS = "* @bob\n/app/ @ada @team/keys olga@ops.invalid\ndeploy/ @olga @nobody\n"


@pytest.fixture(scope="module", params=["github", "gitlab"])
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, bytes]]:
    place = tmp_path_factory.mktemp(request.param)
    builder, after = assistant(place / "work", OLD)
    builder.write("CODEOWNERS", OWNERS).write("data.bin", b"\xff" + OLD.encode()).write(".env", f"K={OLD}\n").commit(
        "More"
    )
    git(place, "clone", "-q", "--bare", "work", "forge.git")
    return request.param, place, {**after, "data.bin": b"\xff", ".env": None, ".env.example": b"K=\n"}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of calls fail here; how long is waited after each makes no difference to what follows."""
    for name in ("secretguard.transport._FIRST_PAUSE", "secretguard.rewrite.forges.calls._FIRST_PAUSE"):
        monkeypatch.setattr(name, 0.005)
    monkeypatch.setattr("secretguard.transport._JITTER", 0.005)


@pytest.fixture
def forge(template: tuple[str, Path, dict[str, bytes]], tmp_path: Path) -> Iterator[Forge]:
    kind, place, _ = template
    shutil.copytree(place / "forge.git", tmp_path / "forge.git")
    shutil.copytree(place / "work", tmp_path / "work", symlinks=True)
    made = (
        GitHub(tmp_path / "forge.git", "ops/assistant", "/api/v3")
        if kind == "github"
        else GitLab(tmp_path / "forge.git", "ops/ai/assistant", "/api/v4")
    )
    with serving(made):
        git(tmp_path / "work", "config", "remote.origin.url", made.remote)
        breaker.cache_clear()
        yield made


@pytest.fixture
def delivery(template: tuple[str, Path, dict[str, bytes]], forge: Forge, tmp_path: Path) -> Delivery:
    return delivery_of(tmp_path / "work", template[2], OLD, NEW)


def opened(delivery: Delivery, forge: Forge, timeout: float = 10.0, **more: Any) -> Delivered:
    context = Context({**IDENTITY, **forge.environ}, timeout=timeout)
    return deliver(delivery, How.PULL_REQUEST, context, patch_file=Path("unused"), **more)


def is_one_and_right(forge: Forge, delivery: Delivery) -> bool:
    """One branch beside main, of one commit with the changes, and one open request for it, complete."""
    assert forge.branches() == ["main", BRANCH]
    assert git(forge.repository, "rev-list", "--count", f"main..{BRANCH}") == b"1\n"
    expected = tree_of(delivery.repository.worktree or Path(), delivery.base)
    for change in delivery.changes:
        expected.pop(change.path, None)
        if change.after is not None:
            expected[change.path] = (change.mode, change.after)
    assert tree_of(forge.repository, BRANCH) == expected
    [request] = forge.merge_requests
    assert request["state"] in ("open", "opened")
    labels = [one["name"] if isinstance(one, dict) else one for one in request["labels"]]
    assert sorted(labels) == ["secretguard", "security"]
    reviewers = [
        one.get("login") or one["username"] for one in request.get("requested_reviewers", request.get("reviewers"))
    ]
    assert sorted(reviewers) == ["ada", "bob"]
    return True


def test_a_pull_request_is_opened_with_all_that_belongs_to_it(delivery: Delivery, forge: Forge, tmp_path: Path) -> None:
    was = snapshot(tmp_path / "work")
    done = opened(delivery, forge)
    assert is_one_and_right(forge, delivery)
    [request] = forge.merge_requests
    assert (done.is_new, done.where) == (True, request.get("html_url") or request["web_url"])
    body = request.get("body") or request["description"]
    for words in (CREDENTIAL, "`app/assistant.py`", "`OPENAI_API_KEY` from `ref+local://", "`web/app.ts:3`", "rot\\_00 is closed",
                  "- [x] The old value is proven dead.", "- [ ] Every service", "`.env` (taken out of git)"):  # fmt: skip
        assert words in body
    assert OLD not in body + request["title"]
    assert NEW not in body + request["title"]
    assert snapshot(tmp_path / "work") == was
    assert set(forge.tokens) == {TOKEN}
    assert any("asked for a review, by CODEOWNERS: " in line for line in done.evidence)
    assert any("cannot be asked" in line and "nobody" in line for line in done.evidence)


def test_a_second_run_changes_nothing(delivery: Delivery, forge: Forge) -> None:
    first = opened(delivery, forge)
    at, calls = forge.ref(BRANCH), len(forge.calls)
    again = opened(delivery, forge)
    assert (again.is_new, again.where) == (False, first.where)
    assert forge.ref(BRANCH) == at
    assert {call.split()[0] for call in forge.calls[calls:]} <= {"GET", "POST"}
    assert all("reviewers" in call for call in forge.calls[calls:] if call.startswith("POST"))
    assert is_one_and_right(forge, delivery)


def test_a_rerun_with_more_changes_moves_branch_and_text(delivery: Delivery, forge: Forge, tmp_path: Path) -> None:
    first = opened(replace(delivery, changes=delivery.changes[:1], status=()), forge)
    [request] = forge.merge_requests
    text = "body" if "body" in request else "description"
    request[text] = request[text].replace("- [ ] Every service", "- [x] Every service")
    again = opened(delivery, forge)
    assert again.where == first.where
    assert is_one_and_right(forge, delivery)
    assert "rot\\_00 is closed" in request[text]
    assert "- [x] Every service" in request[text]


def start_again(forge: Forge) -> None:
    forge.calls.clear()
    forge.merge_requests.clear()
    if forge.ref(BRANCH):
        forge.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    breaker.cache_clear()


@pytest.mark.parametrize("fault", Fault)
def test_one_request_is_left_whatever_fails_at_whatever_call(delivery: Delivery, forge: Forge, fault: Fault) -> None:
    """Every fourth call of a run goes wrong, from the first, the second … on: each of them does in one of the runs."""
    opened(delivery, forge)
    hit: set[int] = set()
    clean = len(forge.calls)
    for first in range(4):
        start_again(forge)
        forge.faults = dict.fromkeys(range(first, 80, 4), fault)
        opened(delivery, forge, timeout=3.0 if fault is Fault.DRIPPING else 20.0)
        hit |= {number for number in forge.faults if number < len(forge.calls)}
        assert is_one_and_right(forge, delivery)
        forge.faults = {}
        assert not opened(delivery, forge).is_new
        assert is_one_and_right(forge, delivery)
    assert set(range(clean)) <= hit


def test_a_run_that_breaks_off_anywhere_is_finished_by_the_next(delivery: Delivery, forge: Forge) -> None:
    number = 0
    while True:
        start_again(forge)
        forge.broken_from = number
        broke = False
        try:
            done = opened(delivery, forge)
            broke = any(line.startswith("labels and reviewers: ") for line in done.evidence)
        except ForgeError:
            broke = True
        forge.broken_from = None
        breaker.cache_clear()
        opened(delivery, forge)
        assert is_one_and_right(forge, delivery), number
        if not broke:
            break
        number += 1
    assert number > 12


def test_it_is_not_opened_while_the_old_value_may_work_unless_the_operator_insists(
    delivery: Delivery, forge: Forge
) -> None:
    alive = replace(delivery, old_is_dead=False)
    with pytest.raises(RewriteError, match="not proven dead"):
        opened(alive, forge)
    assert forge.calls == []
    opened(alive, forge, insists=True)
    [request] = forge.merge_requests
    text = request.get("body") or request["description"]
    assert "NOT proven dead" in text
    assert "- [ ] The old value is proven dead." in text


def test_a_value_in_the_words_stops_it_before_any_call(delivery: Delivery, forge: Forge) -> None:
    with pytest.raises(RewriteError, match="the old value is in the"):
        opened(replace(delivery, status=(f"it was {OLD}",)), forge)
    assert forge.calls == []


def test_a_closed_request_stays_closed(delivery: Delivery, forge: Forge) -> None:
    opened(delivery, forge)
    forge.merge_requests[0]["state"] = "closed"
    with pytest.raises(RewriteError, match="was closed without a merge") as refused:
        opened(delivery, forge)
    assert "Reopen it" in refused.value.hint
    assert len(forge.merge_requests) == 1


def test_a_merged_request_is_done(delivery: Delivery, forge: Forge) -> None:
    opened(delivery, forge)
    is_github = "merged_at" in forge.merge_requests[0]
    forge.merge_requests[0].update(
        {"state": "closed", "merged_at": "2026-11-30T10:00:00Z"} if is_github else {"state": "merged"}
    )
    assert not opened(delivery, forge).is_new
    assert len(forge.merge_requests) == 1


def test_somebody_elses_commit_on_the_branch_of_the_forge_is_left(delivery: Delivery, forge: Forge) -> None:
    opened(delivery, forge)
    theirs = forge.commit(
        forge.line("rev-parse", f"{BRANCH}^{{tree}}"), str(forge.ref(BRANCH)), "Mine\n", "A <a@b> 1 +0000"
    )
    forge.git("update-ref", f"refs/heads/{BRANCH}", theirs)
    with pytest.raises(RewriteError, match="did not make"):
        opened(replace(delivery, changes=delivery.changes[:1]), forge)
    assert forge.ref(BRANCH) == theirs


def test_a_commit_that_comes_between_is_left(delivery: Delivery, forge: Forge) -> None:
    """Somebody takes the name between our look and our change."""
    theirs = str(forge.ref("main"))

    def before(call: str) -> None:
        if call.startswith("POST") and call.endswith(("git/commits", "merge_requests")):
            forge.git("update-ref", f"refs/heads/{BRANCH}", theirs)

    if not isinstance(forge, GitHub):
        pytest.skip("GitLab makes commit and branch in one call")
    forge.before = before
    with pytest.raises(RewriteError, match="did not make"):
        opened(delivery, forge)
    assert forge.ref(BRANCH) == theirs
    assert forge.merge_requests == []


def test_a_request_from_somebodys_fork_is_not_ours(delivery: Delivery, forge: Forge) -> None:
    opened(delivery, forge)
    [theirs] = forge.merge_requests
    if isinstance(forge, GitHub):
        theirs["head"]["repo"] = {"full_name": "ops/other"}
    else:
        theirs["source_project_id"] = 2
    was = dict(theirs)
    forge.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    with pytest.raises(
        ForgeError, match="does not show it"
    ):  # the fake allows one for a name; what counts is the other
        opened(delivery, forge)
    assert dict(theirs) == was


def test_a_commit_that_was_not_pushed_is_told(delivery: Delivery, forge: Forge, tmp_path: Path) -> None:
    git(tmp_path / "work", "commit", "-q", "--allow-empty", "-m", "Not pushed")
    local = delivery_of(tmp_path / "work", {"README.md": b"x\n"}, OLD)
    with pytest.raises(RewriteError, match="has not the commit") as refused:
        opened(local, forge)
    assert "Push it first" in refused.value.hint
    assert forge.branches() == ["main"]


@pytest.mark.parametrize("name", ["not-utf-8-\udcff.txt"])
def test_a_name_that_the_interface_cannot_be_told_is_refused(delivery: Delivery, forge: Forge, name: str) -> None:
    change = replace(delivery.changes[-1], path=name, before=None, after=b"x\n")
    with pytest.raises(RewriteError, match="no UTF-8"):
        opened(replace(delivery, changes=(*delivery.changes, change)), forge)
    assert forge.branches() == ["main"]


def test_a_refused_token_is_told_without_the_token(delivery: Delivery, forge: Forge) -> None:
    wrong = "somebody-" + "elses"
    context = Context({**IDENTITY, **forge.environ, "SECRETGUARD_FORGE_TOKEN": wrong})
    with pytest.raises(ForgeError, match="Bad credentials") as refused:
        deliver(delivery, How.PULL_REQUEST, context, patch_file=Path("unused"))
    assert "not valid" in refused.value.hint
    assert exposure(refused.value, wrong, OLD) == []


def test_it_goes_into_the_branch_that_is_checked_out_if_the_forge_has_it(
    delivery: Delivery, forge: Forge, tmp_path: Path
) -> None:
    git(tmp_path / "work", "switch", "-q", "-c", "release/1")
    opened(delivery, forge)
    forge.git("update-ref", "refs/heads/release/1", delivery.base)
    start_again(forge)
    opened(delivery, forge)
    [request] = forge.merge_requests
    assert (request.get("target_branch") or request["base"]["ref"]) == "release/1"
