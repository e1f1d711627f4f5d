"""What will be done to a login, in order, and what is in the way of it. Nothing is changed here."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Finding, Preflight, Target
from secretguard_postgres import pair
from secretguard_postgres.actors import Actor, operator
from secretguard_postgres.addresses import addresses, admin_of
from secretguard_postgres.connect import Address, Connection, no_free_connection
from secretguard_postgres.intruder import leftovers
from secretguard_postgres.login import Trial, tried
from secretguard_postgres.sessions import Session, listed, sessions_of
from secretguard_postgres.standing import Role, Server, cluster_of, missing_rights, role_of, server_of

Trials = dict[Address, Trial]


class Look(NamedTuple):
    """What was seen at one server."""

    server: Server
    role: Role
    lacks: tuple[str, ...]
    """Rights that the operator's login lacks."""
    sessions: tuple[Session, ...]
    findings: tuple[Finding, ...]


def preflight(target: Target, context: Context, *, two_roles: bool) -> Preflight:
    """Look at every address as the leaked login, and at one server more closely. Raises IssuerError."""
    if not target.leaked.user or not addresses(target):
        lacking = "user" if not target.leaked.user else "server"
        return Preflight(
            findings=(
                Finding(f"no {lacking} stands with the leaked password", "It must be known to be rotated.", stops=True),
            )
        )
    admin = admin_of(target)
    if admin is not None and admin.login.user == target.leaked.user:
        return Preflight(
            findings=(
                Finding(
                    f"--admin is the leaked login {target.leaked.user} itself, whose password ends on the way",
                    "Name another login that may change it. A role without SUPERUSER and CREATEROLE needs none.",
                    stops=True,
                ),
            )
        )
    trials = {address: tried(address, target.leaked, context, leaked=True) for address in addresses(target)}
    name = pair.other_name(target.leaked.user) if two_roles else target.leaked.user
    findings = list(_of_trials(trials, name))
    if not any(trial.accepted for trial in trials.values()):
        findings.append(
            Finding("the leaked login is accepted nowhere", "Nothing can be proven of it from here.", stops=True)
        )
        return Preflight(findings=tuple(findings))
    full = [no_free_connection(one, target.leaked) for one, trial in trials.items() if trial.full]
    if full and admin is None:
        return Preflight(findings=(*findings, *(Finding(str(one), one.hint, stops=True) for one in full)))
    try:
        actor, look = _closer(target, trials, context)
    except IssuerError as failed:
        return Preflight(findings=(*findings, Finding(str(failed), failed.hint, stops=True)))
    findings += [*_of_look(target, actor, look), *look.findings]
    if actor.by_admin:
        findings += _of_admin(target, actor, context)
    if two_roles:
        findings += _of_other_servers(target, actor, trials, context)
        findings += actor.reads(partial(pair.hindrances, actor=actor, target=target, context=context), context)
        return Preflight(tuple(pair.effects(target, actor)), tuple(findings))
    return Preflight(tuple(_effects(target, actor, look, trials)), tuple(findings))


def _closer(target: Target, trials: Trials, context: Context) -> tuple[Actor, Look]:
    """Look as the operator, or as the role at the best place: a primary, and no pooler. Raises IssuerError."""
    admin = operator(target, context)
    open_ones = sorted((one for one in trials if trials[one].accepted), key=lambda one: trials[one].pooled)
    actors = [admin] if admin else [Actor(one, target.leaked, by_admin=False, leaked=True) for one in open_ones]
    for actor in actors:
        look = actor.reads(partial(_looked, actor=actor, target=target, context=context), context)
        if not look.server.standby:
            break
    return actor, look


def _looked(connection: Connection, *, actor: Actor, target: Target, context: Context) -> Look:
    with actor.transaction(connection, context):
        server, role = server_of(connection), role_of(connection, target.leaked.user)
        if role is None:
            raise IssuerError(
                f"{actor.address} has no role {target.leaked.user}", hint="Check where the admin reference leads."
            )
        lacks = missing_rights(connection, server, target.leaked.user, role) if actor.by_admin else ()
        sessions = sessions_of(connection, target.leaked.user, context)
        left = leftovers(connection, target.leaked.user, role)
    return Look(server, role, tuple(lacks), tuple(sessions), tuple(left))


def _of_trials(trials: Trials, new_user: str) -> Iterator[Finding]:
    for address, trial in trials.items():
        if trial.answer is Answer.REFUSED:
            yield Finding(f"{address} refuses the leaked login already ({trial.words})")
        elif trial.answer is Answer.UNKNOWN:
            yield Finding(
                f"{address} does not say whether it takes the leaked login: {trial.words}",
                "The rotation waits until it is seen to be refused there.",
            )
        if trial.pooled:
            yield _pooler(address, new_user)
        if trial.md5:
            yield Finding(
                f"{address} still asks for MD5 proofs, which give a password's hash away",
                "The new password is kept as SCRAM-SHA-256 and answers to nothing else.",
            )
        if trial.answer is Answer.WORKS and not (trial.tls or trial.full):
            yield Finding(
                f"{address} speaks no TLS", "Passwords are proven by SCRAM, statements can be read on the way."
            )


def _pooler(address: Address, user: str) -> Finding:
    return Finding(
        f"{address} is a pooler: if it keeps passwords in a file, it lets the old one in and refuses the new one "
        "until that is changed",
        "With auth_query nothing is to be done. With auth_file: once the new value is in force, put what "
        f"pg_authid has for {user} (rolpassword) into the file, RELOAD, then `secretguard rotate resume`. Either way, "
        "clients that are connected to it stay connected, whoever they are: end them there (PgBouncer: KILL, RESUME).",
    )


def _of_look(target: Target, actor: Actor, look: Look) -> Iterator[Finding]:
    name = target.leaked.user
    if look.role.dangerous and not actor.by_admin:
        power = "SUPERUSER" if look.role.superuser else "CREATEROLE"
        yield Finding(
            f"{name} has {power}: whoever had its password can have other logins by now",
            "Name an operator's login with --admin REF, and look at what is listed here.",
            stops=True,
        )
    for lack in look.lacks:
        yield Finding(f"the operator's login lacks a right at {actor.address}", f"{lack}.", stops=True, grantable=True)
    if look.server.standby:
        yield Finding(
            f"{actor.address} is a standby, and passwords are set at the primary",
            "Name an operator's login for the primary with --admin REF.",
            stops=True,
        )
    if look.server.plain_only:
        yield Finding(
            f"{actor.address} takes no verifier: the new password itself goes into a statement there, over TLS",
            "Its host may write statements down. Where that matters, change it at the host's console instead.",
        )
    if look.sessions:
        yield Finding(
            f"{len(look.sessions)} sessions of {name} will be ended: {listed(list(look.sessions))}",
            "These fail until they have the new value.",
        )


def _of_admin(target: Target, actor: Actor, context: Context) -> list[Finding]:
    """Say whether the operator's power is for the server that the leaked login belongs to."""
    trial = tried(actor.address, target.leaked, context, leaked=True)
    if trial.accepted:
        return []
    return [
        Finding(
            f"{actor.address}, where the operator's login leads, does not let the leaked login in ({trial.words})",
            "An operator's power is used only on the server that the leaked login opens.",
            stops=True,
        )
    ]


def _of_other_servers(target: Target, actor: Actor, trials: Trials, context: Context) -> Iterator[Finding]:
    """Two roles are made where the operator's login leads, and standbys of that follow."""
    home = actor.reads(cluster_of, context)
    for address, trial in trials.items():
        if not trial.accepted or address.where == actor.address.where:
            continue
        if trial.full:
            failed = no_free_connection(address, target.leaked)
            yield Finding(str(failed), failed.hint, stops=True)
            continue
        there = Actor(address, target.leaked, by_admin=False, leaked=True).reads(cluster_of, context)
        if there != home:
            yield Finding(
                f"{address} is another server than {actor.address}, where the operator's login leads",
                "Use --mode breach, which lets the role change its own password there.",
                stops=True,
            )


def _effects(target: Target, actor: Actor, look: Look, trials: Trials) -> Iterable[str]:
    name, who = target.leaked.user, "the operator" if actor.by_admin else "the role itself"
    secret = "the new password" if look.server.plain_only else "a SCRAM verifier of the new password, made here,"
    return (
        f"at {actor.address}, {who} sets {secret} for {name}: the old one ends there and then",
        f"every session of {name} is ended, now {len(look.sessions)}, until none is older than the new password",
        f"the new and the old password are tried at {', '.join(map(str, trials))}",
    )
