"""GitHub's REST interface: objects by their content, then one ref, then the pull request. Nothing is pushed.

https://docs.github.com/rest, version 2022-11-28. Blobs, trees and commits have the ids that they have here, so asking
for one twice is asking once, and what GitHub made is known to be what was looked through.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from secretguard.errors import ForgeError, RewriteError
from secretguard.git.complaints import readable
from secretguard.rewrite.branch import not_ours
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivery
from secretguard.rewrite.forges.access import Destination
from secretguard.rewrite.forges.calls import Request, Tip, found, good, refused, settled
from secretguard.rewriting import FileChange

_CHUNK = 1 << 20
"""Bytes of content in one request."""


def default_branch(to: Destination, base: str) -> str:
    """Return the project's main branch; raises ForgeError, and RewriteError if it has not the commit `base`."""
    project = good(to.http.get(_path(to)), to, "the project cannot be read")
    if found(_missing_is_404(to, base), to, "a commit cannot be read") is None:
        raise RewriteError(f"{to} has not the commit {base[:12]}", hint="Push it first, then run the command again.")
    return str(project["default_branch"])


def has_branch(to: Destination, name: str) -> bool:
    """Whether the project has a branch of that name."""
    return _ref(to, name) is not None


def tip(to: Destination, branch: str) -> Tip | None:
    """Return the commit at which a branch is; None without such a branch."""
    at = _ref(to, branch)
    if at is None:
        return None
    commit = good(to.http.get(_path(to, "git/commits", at)), to, "a commit cannot be read")
    return Tip(at, commit["message"], commit["tree"]["sha"], tuple(one["sha"] for one in commit["parents"]))


def put(to: Destination, delivery: Delivery, commit: Commit, before: Tip | None) -> str:
    """Make the commit there and set the branch to it; return its id."""
    base = good(to.http.get(_path(to, "git/commits", commit.base)), to, "a commit cannot be read")
    tree = base["tree"]["sha"]
    for chunk in _chunks(delivery.changes):
        entries = [_entry(to, change) for change in chunk]
        tree = _made(to, "git/trees", {"base_tree": tree, "tree": entries})
    if tree != commit.tree:
        raise ForgeError(f"{to} made another tree than the one that was looked through", hint="Deliver a branch.")
    who = {"name": commit.author.name, "email": commit.author.email, "date": _date(commit.time)}
    about = {"message": commit.message, "tree": tree, "parents": [commit.base], "author": who, "committer": who}
    new = _made(to, "git/commits", about)
    _set(to, delivery.branch, new, before)
    return new


def requests(to: Destination, branch: str) -> list[Request]:
    """Return the pull requests from this branch of this project, the newest first."""
    owner = to.project.partition("/")[0]
    asked = f"pulls?head={quote(f'{owner}:{branch}', safe='')}&state=all&per_page=100"
    listed = good(to.http.get(_path(to, asked)), to, "pull requests cannot be listed")
    return [_request(one) for one in listed if _is_from(one["head"], branch, to.project)]


def open_request(to: Destination, branch: str, target: str, title: str, body: str) -> Request | None:
    """Open a pull request; None if there is one already."""
    about = {"title": title, "body": body, "head": branch, "base": target}
    reply = to.http.send("POST", _path(to, "pulls"), about)
    if reply.status == 422 and b"already exists" in reply.body:
        return None
    return _request(good(reply, to, "the pull request cannot be opened"))


def edit_request(to: Destination, request: Request, title: str, body: str) -> None:
    """Give it another title and text."""
    reply = to.http.repeat("PATCH", _path(to, "pulls", str(request.number)), {"title": title, "body": body})
    good(reply, to, "the pull request cannot be edited")


def add_labels(to: Destination, request: Request, labels: Sequence[str]) -> None:
    """Put labels on it, beside those that it has."""
    path = _path(to, "issues", str(request.number), "labels")
    good(to.http.repeat("POST", path, {"labels": list(labels)}), to, "labels cannot be put on it")


def ask_reviewers(to: Destination, request: Request, owners: Sequence[str]) -> tuple[str, ...]:
    """Ask users and teams for a review; return who cannot be asked."""
    path = _path(to, "pulls", str(request.number), "requested_reviewers")
    seen = good(to.http.get(_path(to, "pulls", str(request.number), "reviews?per_page=100")), to, "no reviews")
    done = {one["user"]["login"].lower() for one in seen if one.get("user")}
    refusing = []
    for owner in owners:
        name, _, team = owner.partition("/")
        if not team and name.lower() in done | {request.author.lower()}:
            continue
        # One by one: GitHub refuses all of a list if it refuses one.
        reply = to.http.repeat("POST", path, {"team_reviewers": [team]} if team else {"reviewers": [name]})
        if reply.status == 422:
            refusing.append(owner)
        else:
            good(reply, to, "nobody can be asked for a review")
    return tuple(refusing)


def _path(to: Destination, *parts: str) -> str:
    return "/".join((f"/repos/{to.project}", *parts))


def _missing_is_404(to: Destination, commit: str) -> Any:
    reply = to.http.get(_path(to, "git/commits", commit))
    return reply if reply.status != 422 else type(reply)(404, reply.headers, reply.body)


def _ref(to: Destination, branch: str) -> str | None:
    """Return the id at which a branch is."""
    said = found(to.http.get(_path(to, "git/ref/heads", quote(branch))), to, "a branch cannot be read")
    return None if said is None else str(said["object"]["sha"])


def _set(to: Destination, branch: str, new: str, before: Tip | None) -> None:
    """Set the branch, if it is still where it was seen."""

    def look() -> str | None:
        at = _ref(to, branch)
        if at not in (new, before.id if before else None):
            raise not_ours(branch)
        return at if at == new else None

    def act() -> None:
        if before:
            path, about = _path(to, "git/refs/heads", quote(branch)), {"sha": new, "force": True}
            good(to.http.send("PATCH", path, about), to, "the branch cannot be moved")
            return
        reply = to.http.send("POST", _path(to, "git/refs"), {"ref": f"refs/heads/{branch}", "sha": new})
        if not (reply.status == 422 and b"already exists" in reply.body):
            good(reply, to, "the branch cannot be made")

    settled(look, act)


def _made(to: Destination, what: str, about: object) -> str:
    """Make an object, which is named by its content, so that twice is once; return its id."""
    reply = to.http.repeat("POST", _path(to, what), about)
    if reply.status != 201:
        raise refused(reply, to, "the commit cannot be made there")
    return str(reply.json()["sha"])


def _chunks(changes: Sequence[FileChange]) -> Iterator[list[FileChange]]:
    chunk: list[FileChange] = []
    size = 0
    for change in changes:
        chunk.append(change)
        size += len(change.after or b"") + 200
        if size > _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _entry(to: Destination, change: FileChange) -> dict[str, Any]:
    try:
        change.path.encode("utf-8")
    except UnicodeEncodeError:
        raise RewriteError(
            f"{readable(change.path)} has a name that is no UTF-8, which GitHub's interface cannot be told",
            hint="Deliver a branch, and push it.",
        ) from None
    entry = {"path": change.path, "mode": change.mode, "type": "blob"}
    if change.after is None:
        return {**entry, "sha": None}
    try:
        return {**entry, "content": change.after.decode("utf-8")}
    except UnicodeDecodeError:
        content = {"content": base64.b64encode(change.after).decode("ascii"), "encoding": "base64"}
        return {**entry, "sha": _made(to, "git/blobs", content)}


def _is_from(head: dict[str, Any], branch: str, project: str) -> bool:
    """Whether a pull request is from this project, not from somebody's fork with such a branch."""
    return head["ref"] == branch and ((head.get("repo") or {}).get("full_name") or "").lower() == project.lower()


def _request(one: dict[str, Any]) -> Request:
    return Request(
        number=int(one["number"]),
        url=str(one["html_url"]),
        state="merged" if one.get("merged_at") else str(one["state"]),
        title=str(one["title"]),
        body=str(one["body"] or ""),
        author=str((one.get("user") or {}).get("login") or ""),
        labels=frozenset(label["name"] for label in one.get("labels") or ()),
        reviewers=frozenset(
            [user["login"] for user in one.get("requested_reviewers") or ()]
            + [team["slug"] for team in one.get("requested_teams") or ()]
        ),
    )


def _date(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
