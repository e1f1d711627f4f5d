"""Tokens of Vault and OpenBao: a new one like the leaked one, then the leaked one and all that came from it revoked.

The new token is an orphan: made as a child of the operator's it would die with that one. It carries the rotation's
name, by which one whose value was lost on the way is found and revoked. See `secretguard.interfaces.Rotator`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import (
    Answer,
    Context,
    Finding,
    Found,
    Login,
    Overlap,
    Preflight,
    Proof,
    Target,
    Usage,
)
from secretguard.secret import Secret
from secretguard_hashicorp.connection import DEAD, Hidden, Vault, vault, whole
from secretguard_hashicorp.connection import Answer as Reply
from secretguard_hashicorp.rights import missing_rights
from secretguard_hashicorp.tokens import MARK, RIGHTS, made_by, revoke

families = ("token",)
kinds = ("vault",)
made_like_the_old = True
"""What a token may do is asked of the leaked one while it lives: it cannot be killed first."""
_SHAPE = re.compile(r"(?:hv)?[sb]\.\S+")
_MADE_BY_HAND = re.compile(r"auth/token/create(?:-orphan|/.*)?")
_RIGHTS = {
    "auth/token/lookup": ("update",),
    "auth/token/create-orphan": ("update", "sudo"),
    "auth/token/revoke": ("update",),
    **RIGHTS,
}


def overlap(target: Target, context: Context) -> Overlap:
    """See `Rotator.overlap`."""
    return Overlap.MANY


def preflight(target: Target, context: Context) -> Preflight:
    """See `Rotator.preflight`."""
    leaked = target.leaked.secret
    if not _SHAPE.fullmatch(leaked.reveal()):
        return _stopped(
            "a share of the unseal or recovery key, or a recovery token, is not replaced by a program",
            "Its holders make new shares together: bao operator rotate-keys, or vault operator rekey.",
        )
    server = vault(context)
    if server.token().same_as(leaked):
        return _stopped(
            "the leaked token is the one that you work with: revoking it would end the rotation in the middle",
            "Set VAULT_TOKEN to a token of your own.",
        )
    answer, about, words = _looked_up(server, leaked)
    if answer is not Answer.WORKS:
        return _stopped(
            f"{server.host}: {answer} ({words})" if words else f"{server.host}: {answer}",
            "The token is dead already, or of another server or namespace (VAULT_ADDR, VAULT_NAMESPACE).",
        )
    effects = (
        f"a new token with the policies {', '.join(_policies(about))} is made at {server.host}, called {context.name}",
        "the leaked token is revoked, with all child tokens and all leases (dynamic logins) that were made with it",
    )
    rights = _RIGHTS if not about.get("role") else {**_RIGHTS, _creation(about): ("update",)}
    return Preflight(effects, (*_findings(about), *missing_rights(server, rights)))


def make(target: Target, context: Context) -> Login | None:
    """See `Rotator.make`: the server makes it."""
    return None


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """See `Rotator.reconcile`."""
    server = vault(context)
    if new is None:
        return Found.ORPHAN if made_by(server, context) else Found.NOTHING
    answer, _, words = _looked_up(server, new.secret)
    if answer is Answer.UNKNOWN:
        raise IssuerError(f"{server.host} does not tell whether the new token is there: {words}", transient=True)
    return Found.ISSUED if answer is Answer.WORKS else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """See `Rotator.issue`."""
    server = vault(context)
    if new is not None:
        if _looked_up(server, new.secret)[0] is Answer.WORKS:
            return new
        raise IssuerError("the new token was revoked by somebody", hint="Abort the rotation and begin another one.")
    answer, about, words = _looked_up(server, target.leaked.secret)
    if answer is not Answer.WORKS:
        raise IssuerError(f"what the leaked token may do cannot be seen: {words}", transient=answer is Answer.UNKNOWN)
    path = _creation(about)
    made = server.change("post", path, Hidden(_like(about, context)))
    auth = made.body.get("auth")
    if made.status != 200 or not isinstance(auth, Mapping):
        raise server.denied("make a token like the leaked one", path, "update", "sudo")
    return Login("", Secret(str(auth.get("client_token"))), str(auth.get("accessor")))


def verify(target: Target, login: Login, context: Context) -> Proof:
    """See `Rotator.verify`: a token belongs to the server that VAULT_ADDR names."""
    server = vault(context)
    try:
        answer, _, words = _looked_up(server, login.secret)
    except IssuerError as error:
        answer, words = Answer.UNKNOWN, str(error)
    return Proof(((server.host, answer, words),))


def usage(target: Target, new: Login, context: Context) -> Usage:
    """See `Rotator.usage`."""
    return Usage(None, ("the server does not tell when a token was last used; its audit log does",))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.disable`. Revoking cannot be undone."""
    server = vault(context)
    _revoke(server, target.leaked.secret)
    return (f"{server.host}: the leaked token, its children and its leases are revoked",)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """See `Rotator.destroy`."""
    return ("nothing is left of a revoked token",)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.withdraw`."""
    server = vault(context)
    if new is not None:
        _revoke(server, new.secret)
    for accessor in made_by(server, context):
        revoke(server, accessor)
    return (f"{server.host}: what was made as {context.name} is revoked",)


def withdraw_late(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """See `Rotator`: revoke what was made for this rotation after nobody waited for it any more."""
    server = vault(context)
    answer, about, words = _looked_up(server, new.secret)
    if answer is not Answer.WORKS or not about.get("accessor"):
        raise IssuerError(f"{server.host} does not tell which token is the new one: {words}", transient=True)
    late = [accessor for accessor in made_by(server, context) if accessor != about["accessor"]]
    for accessor in late:
        revoke(server, accessor)
    if set(late) & set(made_by(server, context)):
        raise server.denied("revoke a token", "auth/token/revoke-accessor", "update")
    return tuple(f"{server.host}: a token that came late is revoked" for _ in late)


def _stopped(what: str, hint: str) -> Preflight:
    return Preflight(findings=(Finding(what, hint, stops=True),))


def _looked_up(server: Vault, token: Secret) -> tuple[Answer, Mapping[str, Any], str]:
    """Return what the server says of a token, what it knows about it, and its words. Raises IssuerError.

    A token without the right to look itself up gets the same status as one that does not exist, so the operator asks
    first, and only the words that mean the latter count as a refusal.
    """
    asked = server.look("post", "auth/token/lookup", Hidden({"token": token.reveal()}))
    if asked.status == 200:
        return Answer.WORKS, _about(asked), ""
    if any(asked.says(words) for words in DEAD):
        return Answer.REFUSED, {}, "it does not know such a token"
    own = server.look("get", "auth/token/lookup-self", token=token)
    if own.status == 200:
        return Answer.WORKS, _about(own), ""
    if any(own.says(words) for words in DEAD):
        return Answer.REFUSED, {}, "it does not know such a token"
    return Answer.UNKNOWN, {}, "our token may not look it up: it needs update on auth/token/lookup"


def _about(answer: Reply) -> Mapping[str, Any]:
    """Return what is known about a token, without the token itself, which stands among it."""
    return {name: one for name, one in answer.data.items() if name != "id"}


def _policies(about: Mapping[str, Any]) -> list[str]:
    return [str(one) for one in about.get("policies") or ()]


def _creation(about: Mapping[str, Any]) -> str:
    """Return the path at which a token like this one is made."""
    role = about.get("role")
    return f"auth/token/create/{role}" if role else "auth/token/create-orphan"


def _findings(about: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is special about the leaked token."""
    if "root" in _policies(about):
        yield Finding(
            "it is a root token, and no other one is made",
            "Give what used it a token with the policies that it needs, and end this one: vault token revoke.",
            stops=True,
        )
    if about.get("type") == "batch":
        yield Finding(
            "it is a batch token, which no server can revoke",
            "It ends with its time, or with the token that it was made with: revoke that one.",
            stops=True,
        )
    made = str(about.get("path", ""))
    if not _MADE_BY_HAND.fullmatch(made):
        yield Finding(
            f"it came from a login at {made}: the new token has its policies, but is no such login",
            "An application that logs in by itself gets another one there; it needs no new token in a store.",
        )
    if about.get("role") and not about.get("orphan"):
        yield Finding(
            f"its token role {about['role']} makes no orphans: the new token dies with the token that you work with",
            "Write orphan=true to that role, or work with a token that lives as long.",
        )
    if about.get("identity_policies"):
        yield Finding("it has further policies through its entity, which the new token does not get")


def _like(about: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the request for a token that may do, and lives, as the leaked one."""
    policies, seconds, period = _policies(about), whole(about.get("creation_ttl")), whole(about.get("period"))
    wanted: dict[str, Any] = {
        "policies": policies,
        "no_default_policy": "default" not in policies,
        "display_name": context.name,
        "meta": {**(about.get("meta") or {}), MARK: context.name},
        "renewable": bool(about.get("renewable")),
        "num_uses": about.get("num_uses") or 0,
    }
    if period:
        wanted["period"] = f"{period}s"
    elif seconds:
        wanted["ttl"] = f"{seconds}s"
    if whole(about.get("explicit_max_ttl")):
        wanted["explicit_max_ttl"] = f"{whole(about['explicit_max_ttl'])}s"
    return wanted


def _revoke(server: Vault, token: Secret) -> None:
    """Revoke a token; that it is gone already is as good. Raises IssuerError."""
    answer = server.change("post", "auth/token/revoke", Hidden({"token": token.reveal()}))
    if answer.status == 403:
        own = server.change("post", "auth/token/revoke-self", token=token)
        if own.status == 403 and _looked_up(server, token)[0] is not Answer.REFUSED:
            raise server.denied("revoke the token", "auth/token/revoke", "update")
    elif answer.status >= 300:
        raise IssuerError(f"{server.host} does not revoke that token (status {answer.status})")
