"""A pull request on GitHub or GitLab, one for a credential: a rerun finds branch and request again by the branch.

Before each change it is looked whether it is made already, so that a lost answer, a failure or a crash at any call
leaves one branch and one request after the next run.
"""

from collections.abc import Iterator
from types import ModuleType

from secretguard.errors import ForgeError, RewriteError
from secretguard.rewrite import wording
from secretguard.rewrite.branch import is_ours, not_ours
from secretguard.rewrite.codeowners import GITHUB_PLACES, GITLAB_PLACES, codeowners, owners_of
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rewrite.forges import github, gitlab
from secretguard.rewrite.forges.access import Destination, Kind, destination
from secretguard.rewrite.forges.calls import LABELS, MOST_REVIEWERS, Request, settled
from secretguard.rewrite.prepare import prepared
from secretguard.rotation import Context

_FORGES = {Kind.GITHUB: github, Kind.GITLAB: gitlab}
_PLACES = {Kind.GITHUB: GITHUB_PLACES, Kind.GITLAB: GITLAB_PLACES}


def open_pull_request(
    delivery: Delivery, context: Context, *, remote: str = "origin", insists: bool = False
) -> Delivered:
    """Open the pull request, or bring the one that is there up to date.

    Raises RewriteError if the old value is not proven dead and nobody insists, if somebody else's work is in the way,
    and as `prepared`; ForgeError; and as `destination`.
    """
    if not (delivery.old_is_dead or insists):
        raise RewriteError(
            "the old value is not proven dead, and a pull request shows it to everybody who can read the project",
            hint="Rotate it first, or insist on it.",
        )
    commit = prepared(delivery, context)
    if commit is None:
        return Delivered(How.PULL_REQUEST, "", ("there is nothing to change",), is_new=False)
    to = destination(delivery.repository, remote, context)
    forge = _FORGES[to.kind]
    target = _target(delivery, to, forge)
    requests = forge.requests(to, delivery.branch)
    _check_closed(requests)
    moved = _branch(delivery, commit, to, forge)
    if not moved and requests and not any(one.state == "open" for one in requests):
        return Delivered(How.PULL_REQUEST, requests[0].url, ("it was merged already",), is_new=False)
    request, is_new = _request(delivery, to, forge, target)
    notes = [*moved, *_edited(delivery, to, forge, request), *_noticed(delivery, to, forge, request)]
    evidence = (f"from {delivery.branch} into {target} of {to}", *notes)
    return Delivered(How.PULL_REQUEST, request.url, evidence, is_new=is_new or bool(moved))


def _target(delivery: Delivery, to: Destination, forge: ModuleType) -> str:
    """Return the branch it goes into: the one that is checked out, if the forge has it, or else the main one."""
    main: str = forge.default_branch(to, delivery.base)
    with delivery.repository.process("symbolic-ref", "-q", "--short", "HEAD") as process:
        current = process.stdout.read().decode("utf-8", "replace").strip()
        process.wait()
    if current == delivery.branch:
        raise RewriteError(
            f"the branch {current} is checked out, and the change is for another one",
            hint="Switch to the branch that the change is for, then run the command again.",
        )
    return current if current not in ("", main) and forge.has_branch(to, current) else main


def _check_closed(requests: list[Request]) -> None:
    """Raise RewriteError if a person closed it: that stays so. What was merged is done, and another may follow."""
    if requests and not any(one.state == "open" for one in requests) and requests[0].state == "closed":
        raise RewriteError(
            f"{requests[0].url} was closed without a merge, and no second one is opened",
            hint="Reopen it there, then run the command again; or deliver a branch.",
        )


def _branch(delivery: Delivery, commit: Commit, to: Destination, forge: ModuleType) -> list[str]:
    """Bring the branch to the commit; return what was done, nothing if it is there."""
    before = forge.tip(to, delivery.branch)
    if before is not None:
        if not is_ours(delivery.credential, before.message, before.tree, len(before.parents)):
            raise not_ours(delivery.branch)
        if (before.tree, before.parents) == (commit.tree, (commit.base,)):
            return []
    made = forge.put(to, delivery, commit, before)
    return [f"commit {made[:12]} with {len(delivery.changes)} files on top of {commit.base[:12]}"]


def _request(delivery: Delivery, to: Destination, forge: ModuleType, target: str) -> tuple[Request, bool]:
    """Return the open pull request, and whether it was opened now."""
    asked = []

    def look() -> Request | None:
        return next((one for one in forge.requests(to, delivery.branch) if one.state == "open"), None)

    def act() -> Request | None:
        asked.append(target)
        title, body = wording.subject(delivery), wording.body(delivery)
        made: Request | None = forge.open_request(to, delivery.branch, target, title, body)
        return made

    return settled(look, act), bool(asked)


def _edited(delivery: Delivery, to: Destination, forge: ModuleType, request: Request) -> Iterator[str]:
    """Bring title and text up to date; what people ticked off stays so."""
    title, body = wording.subject(delivery), wording.with_ticks(wording.body(delivery), request.body)
    if (request.title, request.body.replace("\r\n", "\n").strip()) != (title, body.strip()):
        forge.edit_request(to, request, title, body)
        yield "its text is up to date now"


def _noticed(delivery: Delivery, to: Destination, forge: ModuleType, request: Request) -> Iterator[str]:
    """Put labels on it and ask for reviews. It is open already, so what is refused here is only told."""
    try:
        if missing := [label for label in LABELS if label not in request.labels]:
            forge.add_labels(to, request, missing)
        text = codeowners(delivery.repository, delivery.base, _PLACES[to.kind])
        names = [one.removeprefix("@") for one in owners_of(text, [change.path for change in delivery.changes])]
        wanted = [one for one in names if "@" not in one][:MOST_REVIEWERS]
        asking = [one for one in wanted if one.rpartition("/")[2] not in request.reviewers]
        refusing = forge.ask_reviewers(to, request, asking) if asking else ()
    except ForgeError as failed:
        yield f"labels and reviewers: {failed}"
        return
    if asked := [one for one in wanted if one not in refusing and one != request.author]:
        yield f"asked for a review, by CODEOWNERS: {', '.join(asked)}"
    if refusing:
        yield f"cannot be asked for a review: {', '.join(refusing)}"
