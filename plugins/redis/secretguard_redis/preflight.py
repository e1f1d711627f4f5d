"""What is looked at before anything is changed: the user, the rights of whoever will act, and what a restart undoes."""

import secrets
from collections.abc import Iterator
from functools import partial

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Finding, Login, Mode, Preflight, Target
from secretguard.secret import Secret
from secretguard_redis.acl import DEFAULT_USER, digest, is_server_password, passwords
from secretguard_redis.addresses import Address, admin_of, servers
from secretguard_redis.connect import Command, asked, driver, tried

LOCKED_OUT = "killed first, the leaked login would lock itself out: nothing was changed"
GIVE_ADMIN = "Give an operator's login with --admin."
NEEDED = (("ACL", "GETUSER", "x"), ("ACL", "SETUSER", "x"), ("CLIENT", "KILL", "USER", "x"))
WANTED = (
    ("ACL", "SAVE"),
    ("CONFIG", "REWRITE"),
    ("CONFIG", "GET", "x"),
    ("CLIENT", "LIST"),
    ("CLIENT", "ID"),
    ("INFO",),
)
_CHECK_ADMIN = "Check user, password, host and port of what the admin reference resolves to."
FOR_REQUIREPASS = (("CONFIG", "SET", "x", "y"), ("MULTI",), ("EXEC",))
"""Needed where the leaked password is `requirepass`."""


def look(target: Target, context: Context) -> Preflight:
    """Look at every server that will be changed, as whoever will change it."""
    admin = admin_of(target)
    sites = [(admin.address, admin.login)] if admin else [(one, target.leaked) for one in servers(target)]
    user = target.leaked.user or DEFAULT_USER
    if admin and (admin.login.user or DEFAULT_USER) == user:
        same = f"--admin is the leaked login {user} itself, which is sent out when its password is taken away"
        hint = "Name another user that may change it; or leave --admin out, and it changes its own password."
        return Preflight(findings=(Finding(same, hint, stops=True),))
    effects, findings = [], []
    for address, login in sites:
        try:
            findings += list(_open_to_all(address, target, context))
            findings += asked(
                address, login, context, partial(_seen, address=address, login=login, target=target, context=context)
            )
        except IssuerError as error:
            if admin:
                error = IssuerError(f"the operator's login: {error}", hint=error.hint or _CHECK_ADMIN)
            findings.append(Finding(str(error), error.hint, stops=not error.transient))
        effects += [
            f"{address.where}: {user} gets a second password beside the leaked one (ACL SETUSER, as a digest)",
            f"{address.where}: the leaked password is removed, and all sessions of {user} are ended (CLIENT KILL USER)",
            f"{address.where}: after each change all its users are written down (ACL SAVE, or CONFIG REWRITE)",
        ]
    if admin is None and context.kill_first:
        findings.append(Finding(LOCKED_OUT, GIVE_ADMIN, stops=True))
    if admin is None:
        findings.append(Finding(f"{user} may change users: an intruder may have left some", "Look at ACL LIST."))
    return Preflight(tuple(effects), tuple(findings))


def _open_to_all(address: Address, target: Target, context: Context) -> Iterator[Finding]:
    any_password = Login(target.leaked.user, Secret(secrets.token_hex(16)))
    if tried(address, any_password, context).answer is Answer.WORKS:
        hint = "Give the user a password first (ACL SETUSER), or take the server from the network."
        yield Finding(
            f"{address.where} lets {target.leaked.user or DEFAULT_USER} in with any password", hint, stops=True
        )


def _seen(command: Command, *, address: Address, login: Login, target: Target, context: Context) -> list[Finding]:
    user = target.leaked.user or DEFAULT_USER
    also = FOR_REQUIREPASS if is_server_password(command, user, digest(target.leaked.secret)) else ()
    findings = list(_rights(command, address, login, NEEDED + also))
    if any(one.stops for one in findings):
        return findings
    there = passwords(command, user)
    if digest(target.leaked.secret) not in there:
        hint = "Check where the admin reference leads."
        return [*findings, Finding(f"{user} at {address.where} has another password", hint, stops=True)]
    if len(there) > 1:
        findings.append(
            Finding(
                f"{user} at {address.where} has {len(there) - 1} more passwords, which stay"
                if context.mode is Mode.GRACEFUL
                else f"{user} at {address.where} has {len(there) - 1} more passwords, which are removed, too",
                "An intruder may have left them; --mode graceful keeps them.",
            )
        )
    return [*findings, *_of_server(command, address, user)]


def _rights(command: Command, address: Address, login: Login, needed: tuple[tuple[str, ...], ...]) -> Iterator[Finding]:
    redis = driver()
    me = login.user or DEFAULT_USER
    for words in needed + WANTED:
        try:
            answer = str(command("ACL", "DRYRUN", me, *words))
        except redis.NoPermissionError:
            hint = f"ACL SETUSER {me} +acl|dryrun, or give an operator's login with --admin."
            yield Finding(f"{me} at {address.where} may not ask what it may do", hint, stops=True)
            return
        except redis.ResponseError:
            yield Finding(f"{address.where} does not say what a user may do (older than Redis 7)")
            return
        if answer != "OK":
            name = "|".join(words[:2]).lower() if len(words) > 1 else words[0].lower()
            yield Finding(
                f"{me} at {address.where} may not {' '.join(words[:2])}",
                f"ACL SETUSER {me} +{name}, or give an operator's login with --admin.",
                stops=words in needed,
            )


def _of_server(command: Command, address: Address, user: str) -> Iterator[Finding]:
    try:
        told = dict(line.partition(":")[::2] for line in str(command("INFO")).splitlines() if ":" in line)
    except driver().NoPermissionError:
        yield Finding(f"{address.where} does not say whether its users outlive a restart")
        return
    if not _acl_file(command) and not told.get("config_file"):
        yield Finding(
            f"{address.where} has neither an ACL file nor a configuration file: a restart undoes the rotation",
            f"Change the password of {user} where the server is started, before its next restart.",
        )
    nodes = told.get("connected_slaves", "0") != "0" or told.get("role") == "slave"
    if nodes or told.get("cluster_enabled") == "1":
        yield Finding(
            f"{address.where} is one of several nodes, and each keeps its own users",
            "Repeat ACL SETUSER on those that no endpoint names; the proof of death tells which still accept it.",
        )


def _acl_file(command: Command) -> str:
    try:
        reply = command("CONFIG", "GET", "aclfile")
    except driver().ResponseError:
        return ""
    return str(reply[1]) if len(reply) == 2 else ""
