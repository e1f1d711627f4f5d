"""Secret ids of AppRole: a new one for the same role, then the leaked one destroyed and its tokens revoked.

A secret id carries metadata: the new one has that of the leaked one, and the rotation's name, by which one whose value
was lost on the way is found. See `secretguard.interfaces.Rotator`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Finding, Found, Login, Mode, Overlap, Preflight, Proof, Target, Usage
from secretguard.secret import Secret
from secretguard_hashicorp.approle import MOUNT, ROLE, Role, look_up, made_by, role_of, settings_of, tried
from secretguard_hashicorp.approle_tokens import (
    Trace,
    end,
    fitting,
    is_told,
    refuse_own,
    successor,
    trace_before,
    trace_of,
)
from secretguard_hashicorp.connection import Hidden, vault, whole
from secretguard_hashicorp.rights import missing_rights
from secretguard_hashicorp.settings import AppRole
from secretguard_hashicorp.tokens import RIGHTS

families = ("token",)
kinds = ("vault-approle",)
made_like_the_old = True
"""Its metadata and limits are read off the leaked one, which cannot be killed first therefore."""
_RIGHTS = {
    "": ("read",),
    "role-id": ("read",),
    "secret-id": ("update", "list"),
    "secret-id/lookup": ("update",),
    "secret-id/destroy": ("update",),
    "secret-id-accessor/lookup": ("update",),
    "secret-id-accessor/destroy": ("update",),
}
"""At the path of the role."""


def overlap(target: Target, context: Context) -> Overlap:
    """See `Rotator.overlap`."""
    return Overlap.MANY


def preflight(target: Target, context: Context) -> Preflight:
    """See `Rotator.preflight`. Nobody logs in here: that would be an effect."""
    login = vault(context).settings.login
    if isinstance(login, AppRole) and login.secret_id.same_as(target.leaked.secret):
        return _stopped(
            "the leaked secret id is the one that you work with: destroying it would end the rotation in the middle",
            "Set VAULT_TOKEN, or VAULT_SECRET_ID to one of your own.",
        )
    role = role_of(context, target.leaked.secret)
    if role is None:
        return _stopped(
            f"no role of {MOUNT}/ at {vault(context).host} says that it knows the secret id",
            "It is dead already, or of another server, namespace (VAULT_ADDR, VAULT_NAMESPACE) or mount:"
            f" {ROLE}=MOUNT/ROLE names it.",
        )
    said = settings_of(role)
    rights = {role.at(one): needed for one, needed in _RIGHTS.items()}
    missing = tuple(missing_rights(role.server, {**rights, **RIGHTS}))
    if any(one.stops for one in missing):
        return Preflight(findings=missing)
    about = look_up(role, target.leaked.secret)
    if about is None:
        return _stopped(f"{role} does not know the secret id", f"It is dead already, or {ROLE} names another role.")
    effects = (
        f"a new secret id with the metadata and limits of the leaked one is made for {role}, called {context.name}",
        "the leaked secret id is destroyed, and the tokens that were made with it are revoked",
    )
    return Preflight(effects, (*missing, *_of_role(said, about), *_of_tokens(role, about, context)))


def make(target: Target, context: Context) -> Login | None:
    """See `Rotator.make`: the server makes it."""
    return None


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """See `Rotator.reconcile`."""
    if new is None:
        return Found.ORPHAN if any(True for _ in made_by(_role(target, None, context), context)) else Found.NOTHING
    return Found.ISSUED if look_up(_role(target, new, context), new.secret) is not None else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """See `Rotator.issue`."""
    role = _role(target, new, context)
    if new is not None:
        if look_up(role, new.secret) is not None:
            return new
        raise IssuerError("the new secret id was destroyed by somebody", hint="Begin another rotation.")
    about = look_up(role, target.leaked.secret)
    if about is None:
        raise IssuerError(f"{role} does not know the leaked secret id any more, after which the new one is made")
    path = role.at("secret-id")
    wanted = {"metadata": json.dumps(successor(trace_of(about), context)), **_limits(settings_of(role), about)}
    made = role.server.change("post", path, Hidden(wanted))
    if made.status != 200 or not made.data.get("secret_id"):
        raise role.server.denied("make a secret id like the leaked one", path, "update")
    return Login("", Secret(str(made.data["secret_id"])), str(made.data.get("secret_id_accessor", "")))


def verify(target: Target, login: Login, context: Context) -> Proof:
    """See `Rotator.verify`. The login is a token for a moment."""
    host = vault(context).host
    try:
        role = role_of(context, login.secret)
        answer, words = (Answer.UNKNOWN, "no role knows it") if role is None else tried(role, login.secret)
    except IssuerError as error:
        role, answer, words = None, Answer.UNKNOWN, str(error)
    return Proof(((str(role or host), answer, words),))


def usage(target: Target, new: Login, context: Context) -> Usage:
    """See `Rotator.usage`: tokens that were made with the leaked secret id."""
    role = _role(target, new, context)
    about = look_up(role, target.leaked.secret)
    if about is None:
        return Usage(0, (f"{role}: the leaked secret id is gone",))
    trace = trace_of(about)
    found = len(fitting(role, trace))
    if is_told(role, trace, str(about.get("secret_id_accessor"))):
        return Usage(found, (f"{role}: {found} living tokens were made with the leaked secret id",))
    return Usage(None, (f"{role}: {found} living tokens may have been made with it, or with another secret id",))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.disable`. The secret id first: after that nobody can make another token with it."""
    role = _role(target, new, context)
    trace = _trace(role, target, new)
    if trace is not None:
        refuse_own(role, trace)
    _destroy(role, "secret-id/destroy", {"secret_id": target.leaked.secret.reveal()})
    evidence = [f"{role}: the leaked secret id is destroyed"]
    if trace is None:
        return (*evidence, f"{role}: which tokens were made with it cannot be told any more")
    return (*evidence, *end(role, trace, context))


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """See `Rotator.destroy`."""
    return ("nothing is left of a destroyed secret id",)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.withdraw`."""
    role = _role(target, new, context)
    if new is not None:
        _destroy(role, "secret-id/destroy", {"secret_id": new.secret.reveal()})
    for accessor in list(made_by(role, context)):
        _destroy(role, "secret-id-accessor/destroy", {"secret_id_accessor": accessor})
    return (f"{role}: what was made as {context.name} is destroyed",)


def _stopped(what: str, hint: str) -> Preflight:
    return Preflight(findings=(Finding(what, hint, stops=True),))


def _role(target: Target, new: Login | None, context: Context) -> Role:
    """Return the role of the leaked secret id, or where that is gone of the new one. Raises IssuerError."""
    role = role_of(context, target.leaked.secret, *([new.secret] if new else []))
    if role is None:
        raise IssuerError("nothing says any more which role the secret id is of", hint=f"Set {ROLE}={MOUNT}/app.")
    return role


def _limits(said: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits of the leaked secret id as a request has them, but for those that the role gives anyway."""
    wanted = {name: about[name] for name in ("cidr_list", "token_bound_cidrs") if about.get(name)}
    seconds, most = whole(about.get("secret_id_ttl")), whole(said.get("secret_id_ttl"))
    if seconds and not 0 < most <= seconds:
        wanted["ttl"] = f"{seconds}s"
    uses = whole(about.get("secret_id_num_uses"))
    if uses and not whole(said.get("secret_id_num_uses")):
        wanted["num_uses"] = uses  # what is left; how many it began with is not told
    return wanted


def _of_role(said: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is special about the role, and the limits that the new secret id has."""
    if said.get("bind_secret_id") is False:
        yield Finding(
            "the role lets in whoever knows its role id: bind_secret_id is off, and a new secret id changes nothing",
            "Switch it on: bao write auth/approle/role/ROLE bind_secret_id=true.",
            stops=True,
        )
    limits = _limits(said, about)
    seconds = whole(str(limits.get("ttl", "")).removesuffix("s")) or whole(said.get("secret_id_ttl"))
    if seconds:
        yield Finding(
            f"the new secret id ends after {seconds} seconds (secret_id_ttl)",
            "Whatever makes them regularly goes on with that; what is stored ends with its time.",
        )
    uses = whole(limits.get("num_uses")) or whole(said.get("secret_id_num_uses"))
    if uses:
        yield Finding(f"the new secret id is good for {uses} logins (secret_id_num_uses); none is used up to prove it")
    if str(said.get("token_type")).endswith("batch"):
        yield Finding(
            "the role gives batch tokens, which no server can revoke: those that were made with the leaked secret id"
            " live until their time ends" + (f", {lives} seconds" if (lives := whole(said.get("token_ttl"))) else ""),
        )
    yield Finding(
        "five refused logins in a row lock a role for a quarter of an hour, also for the new secret id",
        "Restart with the new one whatever has the leaked one. sys/locked-users unlocks the role.",
    )


def _of_tokens(role: Role, about: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    """Yield what happens to the tokens that were made with the leaked secret id."""
    trace = trace_of(about)
    try:
        refuse_own(role, trace)
    except IssuerError as error:
        yield Finding(str(error), error.hint, stops=True)
    found = f"{len(fitting(role, trace))} living tokens"
    if is_told(role, trace, str(about.get("secret_id_accessor"))):
        yield Finding(f"{found} were made with the leaked secret id, and are revoked")
        return
    found += " may have been made with it, or with another secret id of the same metadata"
    if context.mode is Mode.GRACEFUL:
        yield Finding(f"{found}: they are left to end with their time", "--mode breach revokes them all.")
    else:
        yield Finding(
            f"{found}: all are revoked",
            "Who had one logs in again, if his own secret id is not used up. --mode graceful leaves them.",
        )


def _trace(role: Role, target: Target, new: Login | None) -> Trace | None:
    """Return the trace of the leaked secret id: from itself while it is there, then from the one that replaces it."""
    about = look_up(role, target.leaked.secret)
    if about is not None:
        return trace_of(about)
    about = look_up(role, new.secret) if new else None
    return trace_before(about) if about else None


def _destroy(role: Role, operation: str, which: Mapping[str, str]) -> None:
    """Destroy a secret id; that it is gone already is as good. Raises IssuerError."""
    answer = role.server.change("post", role.at(operation), Hidden(dict(which)))
    if answer.status >= 300:
        raise role.server.denied("destroy a secret id", role.at(operation), "update")
