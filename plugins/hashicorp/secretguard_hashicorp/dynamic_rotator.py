"""PostgreSQL users that Vault or OpenBao made for a while: another one is made, the leaked one's lease revoked.

Chosen by name only: `--rotator vault-database-dynamic`. Revoking a lease drops the user and leaves its sessions alive
(measured), so we come in with the leaked login first, and send out all others from there once it is dropped.
A login carries no name of ours. So a token that carries one has it made: with that token its lease ends, too.
See `secretguard.interfaces.Rotator`.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import datetime

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Context, Finding, Found, Login, Overlap, Preflight, Proof, Target, Usage
from secretguard.secret import Secret
from secretguard_hashicorp.connection import Hidden, Vault, whole
from secretguard_hashicorp.engine import ROLE, Role, asked_role, said_of
from secretguard_hashicorp.logins import Connection, connect, on, others_sent_out, proof, servers, where, within
from secretguard_hashicorp.rights import missing_rights
from secretguard_hashicorp.tokens import MARK, RIGHTS, made_by, revoke

families: tuple[str, ...] = ()
"""None: who issues a PostgreSQL login is for the operator to say."""
kinds: tuple[str, ...] = ()
LEASE = "SECRETGUARD_VAULT_LEASE"
"""Names the lease of the leaked login where its user's name does not lead to it."""
_NAME_IT = f"Name the right one: {LEASE}=database/creds/ROLE/…"
_MADE_AT = re.compile(r"[0-9]{10}\Z")
_SECONDS_APART = 2
"""A lease begins within the second in which its user was made, or in the next one."""
_LONGEST_LEASE = "768h"
"""How long a login may live unless a server is told otherwise."""
_LOOKS, _BETWEEN_LOOKS = 40, 0.25
"""How often one looks whether a user is dropped, and seconds."""
_OF_DROPPED_USERS = """
SELECT count(*) FROM pg_stat_activity LEFT JOIN pg_roles ON pg_roles.oid = usesysid
WHERE usesysid IS NOT NULL AND pg_roles.oid IS NULL
"""


def overlap(target: Target, context: Context) -> Overlap:
    """See `Rotator.overlap`."""
    return Overlap.MANY


def preflight(target: Target, context: Context) -> Preflight:
    """See `Rotator.preflight`."""
    role = _role(context)
    said = said_of(role, "roles")
    findings = [*missing_rights(role.server, _rights(role, context))]
    if not any(one.stops for one in findings):
        findings += _of_leases(role, target, context)
    lives = whole(said.get("default_ttl")) or whole(said.get("max_ttl"))
    findings.append(
        Finding(
            "the new login lives no longer than the token that you work with"
            + (f", and {lives} seconds at first" if lives else ""),
            f"Let the application ask for its own at {role.at('creds')}: what is stored ends with its lease.",
        )
    )
    effects = (
        f"{role.server.host} makes a new login ({role})",
        f"the lease of {target.leaked.user} is revoked, which drops that user, and all its sessions are ended",
    )
    return Preflight(effects, tuple(findings))


def make(target: Target, context: Context) -> Login | None:
    """See `Rotator.make`: the server makes it."""
    return None


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """See `Rotator.reconcile`."""
    if new is None:
        return Found.ORPHAN if made_by(_role(context).server, context) else Found.NOTHING
    return Found.ISSUED if proof(target, new, context).works else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """See `Rotator.issue`."""
    role = _role(context)
    if new is not None:
        if reconcile(target, new, context) is Found.ISSUED:
            return new
        raise IssuerError("the new login does not work any more", hint="Has its lease ended? Begin another rotation.")
    made = role.server.change("get", role.at("creds"), token=_marked_token(role.server, context))
    if made.status != 200:
        raise role.server.denied("have a login made", role.at("creds"), "read")
    return Login(
        str(made.data.get("username")), Secret(str(made.data.get("password"))), str(made.body.get("lease_id") or "")
    )


def verify(target: Target, login: Login, context: Context) -> Proof:
    """See `Rotator.verify`."""
    return proof(target, login, context)


def usage(target: Target, new: Login, context: Context) -> Usage:
    """See `Rotator.usage`: sessions of the leaked login's user, other than the one that looks."""
    counted = []
    for one in servers(target):
        seen = within(one, target, new, context, lambda connection: _sessions(connection, target.leaked.user))
        counted.append((seen, f"{where(one)}: {seen} sessions of {target.leaked.user}"))
    return Usage(sum(seen for seen, _ in counted), tuple(words for _, words in counted))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.disable`. The user is dropped for good."""
    role = _role(context)
    evidence = []
    with ExitStack() as inside:
        held = [(one, inside.enter_context(closing(came))) for one, came in _inside(target, context)]
        leases = _one(_leases(role, target.leaked.user, context), role, target.leaked.user)
        for lease in leases:
            _revoke(role, lease)
        evidence.append(f"{role}: the lease of {target.leaked.user} is revoked" if leases else f"{role}: no lease left")
        for one, connection in held:
            ended = on(connection, one, context, others_sent_out)
            evidence.append(f"{where(one)}: {ended} other sessions of {target.leaked.user} ended")
    if new is not None:
        evidence += _nobody_left(target, new, context)
    return tuple(evidence)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """See `Rotator.destroy`."""
    return ("nothing is left of a dropped user",)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.withdraw`."""
    role = _role(context)
    if new is not None and new.id:
        _revoke(role, new.id)
    for accessor in made_by(role.server, context):
        revoke(role.server, accessor)
    if new is not None:
        _wait_until_dropped(target, new, context)
    return (f"{role}: what was made as {context.name} is revoked",)


def _marked_token(server: Vault, context: Context) -> Secret:
    """Return a token of ours that carries the rotation's name, for one request. Raises IssuerError."""
    path, named = "auth/token/create", {"display_name": context.name, "meta": {MARK: context.name}}
    made = server.change("post", path, Hidden({**named, "ttl": _LONGEST_LEASE}))
    auth = made.body.get("auth")
    if made.status != 200 or not isinstance(auth, Mapping):
        raise server.denied("make a token with which the new login ends", path, "update")
    return Secret(str(auth.get("client_token")))


def _wait_until_dropped(target: Target, new: Login, context: Context) -> None:
    """Wait for the user to be dropped: a token's leases end soon after it, not with it. Raises IssuerError."""
    for _ in range(_LOOKS):
        if not proof(target, new, context).works:
            return
        time.sleep(_BETWEEN_LOOKS)
    raise IssuerError(f"{new.user} still works, although its lease is revoked", transient=True)


def _role(context: Context) -> Role:
    role = asked_role(context)
    if role is None:
        raise IssuerError("nothing says which role made the leaked login", hint=f"Set {ROLE}=database/app, as it is.")
    return role


def _rights(role: Role, context: Context) -> dict[str, tuple[str, ...]]:
    rights = {role.at("creds"): ("read",), "auth/token/create": ("update",), **RIGHTS, "sys/leases/revoke": ("update",)}
    if not context.environ.get(LEASE):
        rights |= {f"sys/leases/lookup/{role.at('creds')}/": ("list", "sudo"), "sys/leases/lookup": ("update",)}
    return rights


def _one(leases: list[str], role: Role, user: str) -> list[str]:
    """Return the one lease, or none; raises IssuerError for several: those of others are not revoked on a guess."""
    if len(leases) > 1:
        raise IssuerError(f"{len(leases)} leases of {role} may be that of {user}", hint=_NAME_IT)
    return leases


def _of_leases(role: Role, target: Target, context: Context) -> Iterator[Finding]:
    found = len(_leases(role, target.leaked.user, context))
    if found != 1:
        yield Finding(f"{found} leases of {role} may be that of {target.leaked.user}", _NAME_IT, stops=True)


def _leases(role: Role, user: str, context: Context) -> list[str]:
    """Return the lease of the leaked login: the one that the operator names, or those of the same moment."""
    said = context.environ.get(LEASE, "").strip()
    if said:
        return [said]
    return _leases_by_time(role, user)


def _leases_by_time(role: Role, user: str) -> list[str]:
    """Return the leases that began when a user was made: the server tells no user of a lease, but both their times."""
    made = _MADE_AT.search(user)
    if made is None:
        return []
    prefix = role.at("creds")
    listed = role.server.look("get", f"sys/leases/lookup/{prefix}?list=true")
    if listed.status == 403:
        raise role.server.denied("list the leases of that role", f"sys/leases/lookup/{prefix}/", "list", "sudo")
    found = []
    for key in listed.data.get("keys") or ():
        lease = f"{prefix}/{key}"
        told = role.server.look("put", "sys/leases/lookup", Hidden({"lease_id": lease}))
        began = _seconds(str(told.data.get("issue_time", "")))
        if began is not None and 0 <= began - int(made[0]) < _SECONDS_APART:
            found.append(lease)
    return found


def _seconds(time: str) -> float | None:
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return None


def _revoke(role: Role, lease: str) -> None:
    """Revoke a lease and wait until it is; one that is not known counts as revoked. Raises IssuerError."""
    answer = role.server.change("put", "sys/leases/revoke", Hidden({"lease_id": lease, "sync": True}))
    if answer.status >= 300:
        raise role.server.denied("revoke that lease", "sys/leases/revoke", "update")


def _inside(target: Target, context: Context) -> Iterator[tuple[Endpoint, Connection]]:
    """Yield a session of the leaked login at each server that still lets it in."""
    for one in servers(target):
        try:
            yield one, connect(one, target, target.leaked, context)
        except IssuerError as error:
            if error.transient:
                raise


def _nobody_left(target: Target, new: Login, context: Context) -> Iterator[str]:
    """Look whether sessions of dropped users are left, as when a run ended between the two halves of `disable`."""
    for one in servers(target):
        left = within(one, target, new, context, lambda connection: connection.execute(_OF_DROPPED_USERS).fetchone()[0])
        if left:
            raise IssuerError(
                f"{where(one)}: {left} sessions of users that were dropped are alive",
                hint="End them as a superuser: SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " LEFT JOIN pg_roles ON pg_roles.oid = usesysid WHERE usesysid IS NOT NULL AND pg_roles.oid IS NULL",
            )
        yield f"{where(one)}: no session of a dropped user is left"


def _sessions(connection: Connection, user: str) -> int:
    (seen,) = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (user,)).fetchone()
    return int(seen)
