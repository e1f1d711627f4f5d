"""Where a pull request goes, and with which token: the remote names a host, the operator's environment allows it.

A clone may be a copy that somebody prepared, with a remote of their choice. So a token goes to no host but the one it
is for: that of github.com to api.github.com, that of gitlab.com to gitlab.com, any other to what the operator's own
environment names, and only if the remote is there too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from secretguard.errors import ConfigError, ForgeError, GitError, RewriteError
from secretguard.git.complaints import readable
from secretguard.git.repository import Repository
from secretguard.reference import is_reference, parse_reference
from secretguard.resolve import resolve
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.transport import Http

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?P<path>[^:].*)")
_SEGMENT = re.compile(r"[A-Za-z0-9_.+-]{1,255}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
_PORTS = {"http": 80, "https": 443}


class Kind(StrEnum):
    """What a forge speaks."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"


class Remote(NamedTuple):
    """What a remote's URL says; a login in it is of no interest."""

    host: str
    port: int | None
    """Of HTTP; None where the URL is for another protocol."""
    path: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A project on a forge, and how to speak with it."""

    kind: Kind
    http: Http
    project: str
    """`owner/name`; on GitLab with all groups."""

    def __str__(self) -> str:
        return f"{self.project} on {self.http.host}"


class _Allowed(NamedTuple):
    kind: Kind
    api: str
    tokens: tuple[str, ...]
    """Environment variables that may hold the token for it."""


def destination(repository: Repository, remote: str, context: Context) -> Destination:
    """Return where a remote's pull requests go. Raises RewriteError, ConfigError, and as `secretguard.resolve`."""
    there = _remote(repository, remote)
    allowed = _allowed(there, context)
    token = _token(allowed, context)
    http = Http(allowed.api, headers=_headers(allowed.kind, token), timeout=context.timeout, error=ForgeError)
    return Destination(allowed.kind, http, _project(there, allowed))


def parsed_remote(url: str) -> Remote | None:
    """Return host and path of a remote's URL; None if it is no URL of a server."""
    if "://" not in url:
        found = _SCP.fullmatch(url)
        return Remote(_plain_host(found["host"]), None, found["path"]) if found else None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http", "ssh", "git+ssh") or not host:
        return None
    return Remote(_plain_host(host), None if "ssh" in parts.scheme else port or _PORTS[parts.scheme], parts.path)


def _plain_host(host: str) -> str:
    host = host.strip("[]").lower()
    return _SSH_HOSTS.get(host, host)


def _remote(repository: Repository, name: str) -> Remote:
    try:
        url = repository.git("config", "--get", f"remote.{name}.url").decode("utf-8", "replace").strip()
    except GitError:
        raise RewriteError(
            f"the repository has no remote {readable(name)}", hint="`git remote -v` lists them; name one with --remote."
        ) from None
    there = parsed_remote(url)
    if there is None:
        raise RewriteError(f"the remote {readable(name)} is on no server", hint="Deliver a branch, and push it.")
    return there


def _allowed(there: Remote, context: Context) -> _Allowed:
    """Return the interface that the operator's environment allows for the host of a remote."""
    for name, kind, api, tokens in _named(context.environ):
        parts = _checked(name, api)
        web = (parts.hostname or "").removeprefix("api." if not parts.path.strip("/") else "")
        same_port = there.port in (None, parts.port or _PORTS[parts.scheme])
        if web == there.host and same_port:
            return _Allowed(kind, api.rstrip("/"), tokens)
    raise RewriteError(
        f"nothing says that {readable(there.host)} may be given a token of yours",
        hint="If it is yours, set SECRETGUARD_FORGE_URL to the address of its interface (https://HOST/api/v3 of GitHub "
        "Enterprise, https://HOST/api/v4 of GitLab) and SECRETGUARD_FORGE_TOKEN.",
    )


def _named(environ: Mapping[str, str]) -> list[tuple[str, Kind, str, tuple[str, ...]]]:
    """Return the interfaces that may be spoken to: by which variable, of what kind, where, with whose token."""
    if own := environ.get("SECRETGUARD_FORGE_URL"):
        return [("SECRETGUARD_FORGE_URL", _kind_of(own), own, ("SECRETGUARD_FORGE_TOKEN",))]
    github = environ.get("GITHUB_API_URL") or "https://api.github.com"
    gitlab = (environ.get("GITLAB_URL") or "https://gitlab.com").rstrip("/").removesuffix("/api/v4")
    return [
        ("GITHUB_API_URL", Kind.GITHUB, github, ("GITHUB_TOKEN", "GH_TOKEN")),
        ("GITLAB_URL", Kind.GITLAB, f"{gitlab}/api/v4", ("GITLAB_TOKEN",)),
    ]


def _kind_of(api: str) -> Kind:
    path = urlsplit(api).path.rstrip("/")
    if path.endswith("/api/v4"):
        return Kind.GITLAB
    if path.endswith("/api/v3") or not path:
        return Kind.GITHUB
    raise ConfigError(
        "SECRETGUARD_FORGE_URL is no address of an interface",
        hint="It is https://api.github.com, or ends in /api/v3 (GitHub Enterprise) or /api/v4 (GitLab).",
    )


def _checked(name: str, api: str) -> SplitResult:
    try:
        parts = urlsplit(api)
        is_good = bool(parts.hostname) and not parts.username and not parts.query and not parts.fragment
        is_good &= parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        is_good &= parts.port is None or parts.port > 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigError(f"{name} is no address that a token can be sent to", hint="It is one with https://.")
    return parts


def _project(there: Remote, allowed: _Allowed) -> str:
    path = there.path.strip("/")
    root = urlsplit(allowed.api).path.strip("/")
    root = root.removesuffix("api/v4").removesuffix("api/v3")  # where the forge itself is not at the top of its host
    segments = path.removeprefix(root).removesuffix("/").removesuffix(".git").split("/")
    is_one = all(_SEGMENT.fullmatch(one) and one.strip(".") for one in segments)
    if not is_one or len(segments) < 2 or (allowed.kind is Kind.GITHUB and len(segments) != 2):
        raise RewriteError(f"the remote names no project on {allowed.kind}", hint="Look at `git remote -v`.")
    return "/".join(segments)


def _token(allowed: _Allowed, context: Context) -> Secret:
    text = next((context.environ[name] for name in allowed.tokens if context.environ.get(name)), "")
    token = resolve(parse_reference(text), context) if is_reference(text) else Secret(text)
    if not text or not re.fullmatch(r"[!-~]+", token.reveal()):
        raise RewriteError(
            f"there is no token for {allowed.kind}",
            hint=f"Set {' or '.join(allowed.tokens)} to one, or to a reference to one (ref+local://…).",
        )
    return token


def _headers(kind: Kind, token: Secret) -> dict[str, str]:
    if kind is Kind.GITLAB:
        return {"PRIVATE-TOKEN": token.reveal(), "User-Agent": "secretguard"}
    return {
        "Authorization": f"Bearer {token.reveal()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "secretguard",
    }
