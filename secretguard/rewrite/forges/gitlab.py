"""GitLab's REST interface: one call makes commit and branch, another the merge request. Nothing is pushed.

https://docs.gitlab.com/api/commits/#create-a-commit-with-multiple-files-and-actions and merge_requests. GitLab does not
tell the tree of a commit; it lists what is in the tree, and the id follows from that.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha1
from typing import Any
from urllib.parse import quote

from secretguard.errors import ForgeError, RewriteError
from secretguard.git.complaints import readable
from secretguard.rewrite.branch import is_ours, not_ours
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivery
from secretguard.rewrite.forges.access import Destination
from secretguard.rewrite.forges.calls import Request, Tip, found, good, settled
from secretguard.rewrite.trees import Entry, tree_data
from secretguard.rewriting import FileChange

_PAGE = 100
_MOST_PAGES = 200
_LONGER = 6
"""Times the usual limit may pass in the one call that takes all files along."""
_STATES = {"opened": "open", "locked": "open", "closed": "closed", "merged": "merged"}


def default_branch(to: Destination, base: str) -> str:
    """Return the project's main branch; raises ForgeError, and RewriteError if it has not the commit `base`."""
    project = good(to.http.get(_path(to)), to, "the project cannot be read")
    if found(to.http.get(_path(to, "repository/commits", base)), to, "a commit cannot be read") is None:
        raise RewriteError(f"{to} has not the commit {base[:12]}", hint="Push it first, then run the command again.")
    return str(project["default_branch"])


def has_branch(to: Destination, name: str) -> bool:
    """Whether the project has a branch of that name."""
    return _branch(to, name) is not None


def tip(to: Destination, branch: str) -> Tip | None:
    """Return the commit at which a branch is; None without such a branch."""
    there = _branch(to, branch)
    if there is None:
        return None
    commit = there["commit"]
    return Tip(commit["id"], commit["message"], _tree(to, commit["id"]), tuple(commit["parent_ids"]))


def put(to: Destination, delivery: Delivery, commit: Commit, before: Tip | None) -> str:
    """Make commit and branch there; return the commit's id."""
    about = {
        "branch": delivery.branch,
        "start_sha": commit.base,
        "force": True,
        "commit_message": commit.message,
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "actions": [action for change in delivery.changes for action in _actions(change)],
    }
    slow = replace(to.http, timeout=to.http.timeout * _LONGER)

    def look() -> str | None:
        at = tip(to, delivery.branch)
        if at is None or (before is not None and at.id == before.id):
            return None
        if not is_ours(delivery.credential, at.message, at.tree, len(at.parents)):
            raise not_ours(delivery.branch)
        return at.id if (at.tree, at.parents) == (commit.tree, (commit.base,)) else None

    def act() -> None:
        made = good(slow.send("POST", _path(to, "repository/commits"), about), to, "the commit cannot be made there")
        if _tree(to, made["id"]) != commit.tree:
            raise ForgeError(f"{to} made another tree than the one that was looked through", hint="Deliver a branch.")

    return settled(look, act)


def requests(to: Destination, branch: str) -> list[Request]:
    """Return the merge requests from this branch of this project, the newest first."""
    asked = f"merge_requests?source_branch={quote(branch, safe='')}&state=all&per_page={_PAGE}"
    listed = good(to.http.get(_path(to, asked)), to, "merge requests cannot be listed")
    # Not those from a fork that has such a branch.
    return [_request(one) for one in listed if one["source_project_id"] == one["project_id"]]


def open_request(to: Destination, branch: str, target: str, title: str, body: str) -> Request | None:
    """Open a merge request; None if there is one already."""
    about = {"title": title, "description": body, "source_branch": branch, "target_branch": target}
    reply = to.http.send("POST", _path(to, "merge_requests"), about)
    return None if reply.status == 409 else _request(good(reply, to, "the merge request cannot be opened"))


def edit_request(to: Destination, request: Request, title: str, body: str) -> None:
    """Give it another title and text."""
    _edit(to, request, {"title": title, "description": body}, "the merge request cannot be edited")


def add_labels(to: Destination, request: Request, labels: Sequence[str]) -> None:
    """Put labels on it, beside those that it has."""
    _edit(to, request, {"add_labels": ",".join(labels)}, "labels cannot be put on it")


def ask_reviewers(to: Destination, request: Request, owners: Sequence[str]) -> tuple[str, ...]:
    """Ask users for a review, beside those who are asked; return who cannot be: groups, and who is not known."""
    refusing = [owner for owner in owners if "/" in owner]
    ids = []
    for owner in [owner for owner in owners if "/" not in owner and owner != request.author]:
        users = good(to.http.get(f"/users?username={quote(owner, safe='')}"), to, "users cannot be read")
        ids += [user["id"] for user in users[:1]]
        refusing += [] if users else [owner]
    if ids:
        there = good(to.http.get(_path(to, "merge_requests", str(request.number))), to, "it cannot be read")
        asked = [user["id"] for user in there.get("reviewers") or ()]
        if not set(ids) <= set(asked):
            all_of_them = list(dict.fromkeys([*asked, *ids]))
            _edit(to, request, {"reviewer_ids": all_of_them}, "nobody can be asked for a review")
    return tuple(refusing)


def _path(to: Destination, *parts: str) -> str:
    return "/".join((f"/projects/{quote(to.project, safe='')}", *parts))


def _branch(to: Destination, name: str) -> Any | None:
    path = _path(to, "repository/branches", quote(name, safe=""))
    return found(to.http.get(path), to, "a branch cannot be read")


def _tree(to: Destination, commit: str) -> str:
    """Return the id of a commit's tree, made from what is in it."""
    entries = []
    for page in range(1, _MOST_PAGES + 1):
        asked = _path(to, f"repository/tree?ref={commit}&per_page={_PAGE}&page={page}")
        listed = good(to.http.get(asked), to, "a tree cannot be read")
        for one in listed:
            mode = str(one["mode"]).lstrip("0").encode("ascii")
            entries.append((str(one["name"]).encode("utf-8", "surrogateescape"), Entry(mode, str(one["id"]))))
        if len(listed) < _PAGE:
            break
    data = tree_data(entries)
    return sha1(b"tree %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()


def _actions(change: FileChange) -> list[dict[str, Any]]:
    try:
        change.path.encode("utf-8")
    except UnicodeEncodeError:
        raise RewriteError(
            f"{readable(change.path)} has a name that is no UTF-8, which GitLab's interface cannot be told",
            hint="Deliver a branch, and push it.",
        ) from None
    if change.after is None:
        return [{"action": "delete", "file_path": change.path}]
    content = {"content": base64.b64encode(change.after).decode("ascii"), "encoding": "base64"}
    if change.before is not None:
        return [{"action": "update", "file_path": change.path, **content}]
    made: list[dict[str, Any]] = [{"action": "create", "file_path": change.path, **content}]
    if change.mode == "100755":
        made.append({"action": "chmod", "file_path": change.path, "execute_filemode": True})
    return made


def _edit(to: Destination, request: Request, about: object, failing: str) -> None:
    good(to.http.repeat("PUT", _path(to, "merge_requests", str(request.number)), about), to, failing)


def _request(one: dict[str, Any]) -> Request:
    return Request(
        number=int(one["iid"]),
        url=str(one["web_url"]),
        state=_STATES.get(str(one["state"]), str(one["state"])),
        title=str(one["title"]),
        body=str(one["description"] or ""),
        author=str((one.get("author") or {}).get("username") or ""),
        labels=frozenset(one.get("labels") or ()),
        reviewers=frozenset(user["username"] for user in one.get("reviewers") or ()),
    )
