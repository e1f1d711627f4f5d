"""GitHub and GitLab on loopback, over a real bare repository: strict about what they are asked, able to fail anywhere."""

import base64
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "operators-own"


class Fault(StrEnum):
    """How one request goes wrong."""

    LOST = "the effect takes place, and the connection is cut before the answer"
    FAILED_AFTER = "the effect takes place, and the answer is status 500"
    DRIPPING = "the effect takes place, and the answer comes a byte now and then"
    CUT = "nothing takes place, and the connection is cut"
    FAILED = "nothing takes place, and the answer is status 502"
    THROTTLED = "nothing takes place, and the answer is 429 and asks to wait"
    LIMITED = "nothing takes place, and the answer is 403 and says that the rate is used up until now"


BEFORE = (Fault.CUT, Fault.FAILED, Fault.THROTTLED, Fault.LIMITED)


class Refusal(Exception):
    """The forge says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Forge:
    """What both have: a repository, requests to merge, and faults by the number of a call."""

    repository: Path
    project: str
    api: str
    url: str = ""
    main: str = "main"
    merge_requests: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    broken_from: int | None = None
    """From this call on every one fails."""
    users: tuple[str, ...] = ("ada", "bob", "olga")
    before: Callable[[str], None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environ(self) -> dict[str, str]:
        return {"SECRETGUARD_FORGE_URL": self.url + self.api, "SECRETGUARD_FORGE_TOKEN": TOKEN}

    @property
    def remote(self) -> str:
        return f"{self.url}/{self.project}.git"

    def branches(self) -> list[str]:
        return self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()

    def fault(self, call: str) -> Fault | None:
        self.calls.append(call)
        number = len(self.calls) - 1
        if self.broken_from is not None and number >= self.broken_from:
            return Fault.FAILED
        return self.faults.get(number)

    def git(self, *arguments: str, feed: bytes | None = None, index: str = "") -> bytes:
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.repository)}
        environment |= {"GIT_INDEX_FILE": index} if index else {}
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *arguments], cwd=self.repository, env=environment, input=feed,
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Refusal(422, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def line(self, *arguments: str, feed: bytes | None = None, index: str = "") -> str:
        return self.git(*arguments, feed=feed, index=index).decode().strip()

    def has(self, name: str) -> bool:
        with suppress(Refusal):
            return self.line("cat-file", "-t", name) == "commit"
        return False

    def tree_with(self, base: str, lines: list[bytes]) -> str:
        """The tree of `base` with these lines of `update-index --index-info` in it."""
        with tempfile.TemporaryDirectory() as place:
            index = f"{place}/index"
            self.git("read-tree", base, index=index)
            self.git("update-index", "-z", "--index-info", feed=b"".join(lines), index=index)
            return self.line("write-tree", index=index)

    def commit(self, tree: str, parent: str, message: str, author: str) -> str:
        head = f"tree {tree}\nparent {parent}\nauthor {author}\ncommitter {author}\n\n"
        return self.line("hash-object", "-t", "commit", "-w", "--stdin", feed=head.encode() + message.encode())

    def about(self, commit: str) -> tuple[str, str, list[str]]:
        """Message, tree and parents."""
        raw = self.git("cat-file", "commit", commit).decode()
        head, _, message = raw.partition("\n\n")
        words = [line.split(" ") for line in head.splitlines()]
        return message, words[0][1], [one[1] for one in words if one[0] == "parent"]

    def ref(self, name: str) -> str | None:
        with suppress(Refusal):
            return self.line("rev-parse", "--verify", "--quiet", f"refs/heads/{name}")
        return None

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        raise NotImplementedError


class GitHub(Forge):
    """The calls of api.github.com that a delivery makes."""

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        found = re.fullmatch(rf"/repos/{re.escape(self.project)}(?:/(.*))?", path)
        if found is None:
            raise Refusal(404, "Not Found")
        rest = found[1] or ""
        if (method, rest) == ("GET", ""):
            return 200, {"default_branch": self.main, "full_name": self.project}
        if method == "GET" and rest.startswith("git/commits/"):
            return 200, self._commit(rest.removeprefix("git/commits/"))
        if method == "GET" and rest.startswith("git/ref/heads/"):
            at = self.ref(rest.removeprefix("git/ref/heads/"))
            if at is None:
                raise Refusal(404, "Not Found")
            return 200, {"object": {"sha": at}}
        if method == "POST" and rest.startswith("git/"):
            return 201, getattr(self, "_make_" + rest.removeprefix("git/"))(body)
        if method == "PATCH" and rest.startswith("git/refs/heads/"):
            name = rest.removeprefix("git/refs/heads/")
            if self.ref(name) is None:
                raise Refusal(422, "Reference does not exist")
            self.git("update-ref", f"refs/heads/{name}", body["sha"])
            return 200, {"object": {"sha": body["sha"]}}
        if rest == "pulls":
            return self._list(query) if method == "GET" else self._open(body)
        return self._one(method, rest, body)

    def _commit(self, name: str) -> dict[str, Any]:
        if not self.has(name):
            raise Refusal(404, "Not Found")
        message, tree, parents = self.about(name)
        return {"sha": name, "message": message, "tree": {"sha": tree}, "parents": [{"sha": one} for one in parents]}

    def _make_blobs(self, body: dict[str, str]) -> dict[str, str]:
        assert body["encoding"] == "base64"
        data = base64.b64decode(body["content"], validate=True)
        return {"sha": self.line("hash-object", "-w", "--stdin", feed=data)}

    def _make_trees(self, body: dict[str, Any]) -> dict[str, str]:
        there = set(self.git("ls-tree", "-r", "-z", "--name-only", body["base_tree"]).decode().split("\0"))
        lines = []
        for one in body["tree"]:
            assert one["type"] == "blob"
            path = one["path"].encode()
            if "content" in one:
                sha = self.line("hash-object", "-w", "--stdin", feed=one["content"].encode())
            elif one["sha"] is None:
                if one["path"] not in there:
                    raise Refusal(422, "GitRPC::BadObjectState")
                lines.append(b"0 " + b"0" * 40 + b"\t" + path + b"\0")
                continue
            else:
                sha = one["sha"]
            lines.append(f"{one['mode']} {sha} 0\t".encode() + path + b"\0")
        return {"sha": self.tree_with(body["base_tree"], lines)}

    def _make_commits(self, body: dict[str, Any]) -> dict[str, str]:
        who = body["author"]
        stamp = int(time.mktime(time.strptime(who["date"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
        author = f"{who['name']} <{who['email']}> {stamp} +0000"
        return {"sha": self.commit(body["tree"], body["parents"][0], body["message"], author)}

    def _make_refs(self, body: dict[str, str]) -> dict[str, Any]:
        name = body["ref"].removeprefix("refs/heads/")
        if self.ref(name):
            raise Refusal(422, "Reference already exists")
        self.git("update-ref", body["ref"], body["sha"])
        return {"object": {"sha": body["sha"]}}

    def _list(self, query: dict[str, str]) -> tuple[int, Any]:
        owner, _, branch = query["head"].partition(":")
        listed = [one for one in reversed(self.merge_requests) if one["head"]["ref"] == branch]
        assert owner == self.project.partition("/")[0]
        return 200, listed

    def _open(self, body: dict[str, Any]) -> tuple[int, Any]:
        if any(one["state"] == "open" and one["head"]["ref"] == body["head"] for one in self.merge_requests):
            raise Refusal(422, f"A pull request already exists for {body['head']}.")
        if self.ref(body["head"]) is None or self.ref(body["base"]) is None:
            raise Refusal(422, "Validation Failed: head or base")
        number = len(self.merge_requests) + 1
        made = {
            "number": number, "html_url": f"{self.url}/{self.project}/pull/{number}", "state": "open",
            "merged_at": None, "title": body["title"], "body": body["body"], "user": {"login": "olga"},
            "head": {"ref": body["head"], "repo": {"full_name": self.project}}, "base": {"ref": body["base"]},
            "labels": [], "requested_reviewers": [], "requested_teams": [],
        }  # fmt: skip
        self.merge_requests.append(made)
        return 201, made

    def _one(self, method: str, rest: str, body: Any) -> tuple[int, Any]:
        found = re.fullmatch(r"(?:pulls|issues)/(\d+)(?:/(\w+))?", rest)
        if found is None or int(found[1]) > len(self.merge_requests):
            raise Refusal(404, "Not Found")
        one, what = self.merge_requests[int(found[1]) - 1], found[2]
        if (method, what) == ("PATCH", None):
            one.update(body)
        elif (method, what) == ("POST", "labels"):
            names = [label["name"] for label in one["labels"]]
            one["labels"] += [{"name": name} for name in body["labels"] if name not in names]
        elif (method, what) == ("GET", "reviews"):
            return 200, []
        elif (method, what) == ("POST", "requested_reviewers"):
            for name in body.get("reviewers", []):
                if name == one["user"]["login"] or name not in self.users:
                    raise Refusal(422, "Reviews may only be requested from collaborators.")
                if {"login": name} not in one["requested_reviewers"]:
                    one["requested_reviewers"] += [{"login": name}]
            teams = [{"slug": team} for team in body.get("team_reviewers", [])]
            one["requested_teams"] += [team for team in teams if team not in one["requested_teams"]]
        else:
            raise Refusal(404, "Not Found")
        return 200, one


class GitLab(Forge):
    """The calls of gitlab.com/api/v4 that a delivery makes."""

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/users"):
            return 200, [{"id": 10 + self.users.index(name)} for name in self.users if name == query["username"]]
        found = re.fullmatch(r"/projects/([^/]+)(?:/(.*))?", path)
        if found is None or unquote(found[1]) != self.project:
            raise Refusal(404, "404 Project Not Found")
        rest = found[2] or ""
        if (method, rest) == ("GET", ""):
            return 200, {"id": 1, "default_branch": self.main}
        if (method, rest) == ("POST", "repository/commits"):
            return 201, self._make(body)
        if method == "GET" and rest.startswith("repository/commits/"):
            if not self.has(rest.removeprefix("repository/commits/")):
                raise Refusal(404, "404 Commit Not Found")
            return 200, {"id": rest.removeprefix("repository/commits/")}
        if method == "GET" and rest.startswith("repository/branches/"):
            return 200, self._branch(unquote(rest.removeprefix("repository/branches/")))
        if (method, rest) == ("GET", "repository/tree"):
            return 200, self._tree(query)
        if rest == "merge_requests":
            return self._list(query) if method == "GET" else self._open(body)
        return self._one(method, rest, body)

    def _branch(self, name: str) -> dict[str, Any]:
        at = self.ref(name)
        if at is None:
            raise Refusal(404, "404 Branch Not Found")
        message, _, parents = self.about(at)
        return {"name": name, "commit": {"id": at, "message": message, "parent_ids": parents}}

    def _tree(self, query: dict[str, str]) -> list[dict[str, str]]:
        lines = [one for one in self.git("ls-tree", "-z", query["ref"]).decode().split("\0") if one]
        entries = []
        for line in lines:
            about, _, name = line.partition("\t")
            mode, kind, sha = about.split()
            entries.append({"id": sha, "name": name, "type": kind, "path": name, "mode": mode})
        entries.sort(key=lambda one: (one["type"] != "tree", one["name"]))  # folders first, as GitLab lists them
        start = (int(query["page"]) - 1) * int(query["per_page"])
        return entries[start : start + int(query["per_page"])]

    def _make(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.ref(body["branch"]) and not body.get("force"):
            raise Refusal(400, "A branch called … already exists.")
        base = body["start_sha"]
        modes = dict.fromkeys(self.git("ls-tree", "-r", "-z", "--name-only", base).decode().split("\0"), "")
        for record in self.git("ls-tree", "-r", "-z", base).decode().split("\0"):
            if record:
                modes[record.partition("\t")[2]] = record.split(" ")[0]
        blobs: dict[str, str] = {}
        lines = []
        for action in body["actions"]:
            path, what = action["file_path"], action["action"]
            if (what == "create") == (path in modes) and what != "chmod":
                raise Refusal(400, "A file with this name already exists, or doesn't exist")
            if what == "delete":
                lines.append(b"0 " + b"0" * 40 + b"\t" + path.encode() + b"\0")
                continue
            if what == "chmod":
                modes[path] = "100755" if action["execute_filemode"] else "100644"
            else:
                modes[path] = modes.get(path) or "100644"
                data = base64.b64decode(action["content"], validate=True)
                blobs[path] = self.line("hash-object", "-w", "--stdin", feed=data)
            lines.append(f"{modes[path]} {blobs[path]} 0\t".encode() + path.encode() + b"\0")
        author = f"{body['author_name']} <{body['author_email']}> {int(time.time())} +0000"
        made = self.commit(self.tree_with(base, lines), base, body["commit_message"], author)
        self.git("update-ref", f"refs/heads/{body['branch']}", made)
        return {"id": made}

    def _list(self, query: dict[str, str]) -> tuple[int, Any]:
        return 200, [one for one in reversed(self.merge_requests) if one["source_branch"] == query["source_branch"]]

    def _open(self, body: dict[str, Any]) -> tuple[int, Any]:
        branch = body["source_branch"]
        if any(one["state"] == "opened" and one["source_branch"] == branch for one in self.merge_requests):
            raise Refusal(409, "Another open merge request already exists for this source branch: !1")
        if self.ref(branch) is None or self.ref(body["target_branch"]) is None:
            raise Refusal(400, "source or target branch does not exist")
        number = len(self.merge_requests) + 1
        made = {
            "iid": number, "web_url": f"{self.url}/{self.project}/-/merge_requests/{number}", "state": "opened",
            "title": body["title"], "description": body["description"], "author": {"username": "olga"},
            "labels": [], "reviewers": [], "source_branch": branch, "target_branch": body["target_branch"],
            "project_id": 1, "source_project_id": 1,
        }  # fmt: skip
        self.merge_requests.append(made)
        return 201, made

    def _one(self, method: str, rest: str, body: Any) -> tuple[int, Any]:
        found = re.fullmatch(r"merge_requests/(\d+)", rest)
        if found is None or int(found[1]) > len(self.merge_requests):
            raise Refusal(404, "404 Not found")
        one = self.merge_requests[int(found[1]) - 1]
        if method == "PUT":
            body = dict(body)
            added = body.pop("add_labels", "").split(",")
            one["labels"] += [name for name in added if name and name not in one["labels"]]
            if "reviewer_ids" in body:
                one["reviewers"] = [{"id": one, "username": self.users[one - 10]} for one in body.pop("reviewer_ids")]
            one.update(body)
        return 200, one


@contextmanager
def serving(forge: Forge) -> Iterator[Forge]:
    """Serve a forge on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            with forge._lock:
                forge.before(f"{self.command} {parts.path}")
                fault = forge.fault(f"{self.command} {parts.path}")
                if fault in BEFORE:
                    self._fail(fault)
                    return
                status, answer = self._answer(parts.path, parts.query, body)
                if fault is not None:
                    self._fail(fault)
                    return
            with suppress(OSError):  # whoever asked has gone
                self._say(status, json.dumps(answer).encode())

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _answer(self, path: str, query: str, body: Any) -> tuple[int, Any]:
            token = self.headers.get("PRIVATE-TOKEN") or (self.headers.get("Authorization") or "")
            token = token.removeprefix("Bearer ")
            forge.tokens.append(token)
            if token != TOKEN:
                return 401, {"message": "Bad credentials"}
            try:
                words = {name: values[0] for name, values in parse_qs(query).items()}
                return forge.answer(self.command, path.removeprefix(forge.api), words, body)
            except Refusal as refusal:
                return refusal.status, {"message": str(refusal)}

        def _fail(self, fault: Fault | None) -> None:
            if fault in (Fault.CUT, Fault.LOST):
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
            elif fault is Fault.DRIPPING:
                self._drip()
            elif fault is Fault.THROTTLED:
                self._say(429, b"{}", {"Retry-After": "0"})
            elif fault is Fault.LIMITED:
                self._say(403, b"{}", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()))})
            else:
                self._say(502 if fault is Fault.FAILED else 500, b"{}")

        def _drip(self) -> None:
            threading.Thread(target=self._drop, args=(self.connection.dup(),), daemon=True).start()

        def _drop(self, connection: socket.socket) -> None:
            with connection, suppress(OSError):
                for _ in range(40):
                    connection.sendall(b"H")
                    time.sleep(0.1)

        def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    forge.url = f"http://127.0.0.1:{server.server_port}"
    yield forge
    server.shutdown()
    server.server_close()
