"""Users of a broker, through its management API: https://www.rabbitmq.com/docs/management#http-api.

A password is told as `password_hash`, made here: https://www.rabbitmq.com/docs/passwords#computing-password-hash.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote

from secretguard.errors import IssuerError
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.transport import Http, Reply

_SALT = 4
"""Bytes before the digest."""
_PREFIX = "rabbit_password_hashing_"
_DIGESTS = ("sha256", "sha512", "md5")
ADMINISTRATOR = "administrator"


class User(NamedTuple):
    """A user as the broker keeps it."""

    name: str
    password_hash: str
    """Empty: no password lets it in."""
    algorithm: str
    tags: tuple[str, ...]

    def opens(self, secret: Secret) -> bool:
        """Whether `secret` is its password."""
        digest = self.algorithm.removeprefix(_PREFIX)
        if not self.password_hash or digest not in _DIGESTS:
            return False
        kept = base64.b64decode(self.password_hash)
        return hmac.compare_digest(kept, _salted(kept[:_SALT], secret, digest))


class Grants(NamedTuple):
    """What a user may do, each as the API says it, the user left out."""

    permissions: tuple[tuple[tuple[str, str], ...], ...]
    topics: tuple[tuple[tuple[str, str], ...], ...]
    limits: tuple[tuple[str, int], ...]


def hashed(secret: Secret) -> str:
    """Return what RabbitMQ keeps of a password: base64 of a salt and the SHA-256 of salt and password."""
    return base64.b64encode(_salted(secrets.token_bytes(_SALT), secret, "sha256")).decode()


def _salted(salt: bytes, secret: Secret, digest: str) -> bytes:
    return salt + hashlib.new(digest, salt + secret.reveal().encode(), usedforsecurity=False).digest()


def whoami(http: Http) -> tuple[str, ...]:
    """Return the tags of the login that we use; raises IssuerError."""
    return _tags(_said(http, http.get("/whoami"))["tags"])


def user(http: Http, name: str) -> User | None:
    """Return a user, None if there is none; raises IssuerError."""
    reply = http.get(_path("users", name))
    if reply.status == 404:
        return None
    told = _said(http, reply)
    kept, algorithm = str(told.get("password_hash", "")), str(told.get("hashing_algorithm", ""))
    return User(str(told["name"]), kept, algorithm, _tags(told["tags"]))


def put(http: Http, name: str, password_hash: str, tags: Iterable[str]) -> None:
    """Make a user, or give one this hash and these tags; raises IssuerError."""
    body = {"password_hash": password_hash, "hashing_algorithm": f"{_PREFIX}sha256", "tags": ",".join(tags)}
    _said(http, http.send("PUT", _path("users", name), body))


def delete(http: Http, name: str) -> None:
    """Remove a user; nothing if there is none. Raises IssuerError."""
    _said(http, http.send("DELETE", _path("users", name)), missing_is_fine=True)


def close_connections(http: Http, name: str) -> None:
    """Close every connection of a user, of whatever protocol; raises IssuerError."""
    _said(http, http.send("DELETE", _path("connections", "username", name)), missing_is_fine=True)


def connections(http: Http, name: str) -> int:
    """Return how many connections a user has; raises IssuerError."""
    reply = http.get(_path("connections", "username", name))
    return 0 if reply.status == 404 else len(_said(http, reply))


def grants(http: Http, name: str) -> Grants:
    """Return what a user may do; raises IssuerError."""
    reply = http.get(_path("user-limits", name))
    limits = [] if reply.status == 404 else _said(http, reply)
    return Grants(
        _without_user(_said(http, http.get(_path("users", name, "permissions")))),
        _without_user(_said(http, http.get(_path("users", name, "topic-permissions")))),
        tuple(sorted((str(key), int(value)) for one in limits for key, value in one["value"].items())),
    )


def grant(http: Http, name: str, wanted: Grants) -> None:
    """Let a user do what `wanted` says; raises IssuerError."""
    for kind, every in (("permissions", wanted.permissions), ("topic-permissions", wanted.topics)):
        for one in every:
            body = dict(one)
            _said(http, http.send("PUT", _path(kind, body.pop("vhost"), name), body))
    for limit, value in wanted.limits:
        _said(http, http.send("PUT", _path("user-limits", name, limit), {"value": value}))


def accepts(login: Login, kept: User | None) -> bool:
    """Whether `kept` is the user of a login and has its password."""
    return kept is not None and kept.name == login.user and kept.opens(login.secret)


def _without_user(every: list[dict[str, Any]]) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(sorted(tuple(sorted((k, str(v)) for k, v in one.items() if k != "user")) for one in every))


def _path(*segments: str) -> str:
    return "".join("/" + quote(one, safe="") for one in segments)


def _tags(told: Any) -> tuple[str, ...]:
    """Return tags: a list, and before RabbitMQ 3.9 one string."""
    every = told.split(",") if isinstance(told, str) else told
    return tuple(str(one) for one in every if one)


def _said(http: Http, reply: Reply, *, missing_is_fine: bool = False) -> Any:
    """Return the body of an answer; raises IssuerError for a refusal."""
    if reply.status < 300 or (missing_is_fine and reply.status == 404):
        return reply.json()
    if reply.status in (401, 403):
        raise IssuerError(
            f"the management API at {http.host} refuses its login, or it is no {ADMINISTRATOR}'s",
            hint=f"rabbitmqctl set_user_tags USER {ADMINISTRATOR}",
        )
    raise IssuerError(f"the management API at {http.host} answers with status {reply.status}")
