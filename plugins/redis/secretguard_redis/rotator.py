"""Rotates Redis logins: a user has several passwords, so the new one stands beside the leaked one until that goes."""

import secrets
import string
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Mode, Overlap, Preflight, Proof, Target, Usage
from secretguard.secret import Secret
from secretguard_redis import acl
from secretguard_redis.addresses import Address, admin_of, servers
from secretguard_redis.connect import Command, asked, changed, tried
from secretguard_redis.preflight import GIVE_ADMIN, LOCKED_OUT, look

families: tuple[str, ...] = ("redis",)
kinds: tuple[str, ...] = ()
LENGTH = 40
_ALPHABET = string.ascii_letters + string.digits
"""Nothing that a URL or a shell would treat specially."""


def overlap(target: Target, context: Context) -> Overlap:
    """Return MANY."""
    return Overlap.MANY


def preflight(target: Target, context: Context) -> Preflight:
    """Look at the user, the rights and what a restart undoes. No effects."""
    return look(target, context)


def make(target: Target, context: Context) -> Login | None:
    """Return 40 random letters and digits, 238 bits, for the same user."""
    return Login(target.leaked.user, Secret("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))))


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Look whether the new password is in force, everywhere."""
    if new is None:
        return Found.NOTHING
    ours = acl.digests(target, new, context)
    there = [
        asked(at, login, context, lambda command: acl.passwords(command, ours.user))
        for at, login in _sites(target, new, context)
    ]
    return Found.ISSUED if all(ours.new in one for one in there) else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """Add the new password beside the leaked one."""
    if new is None:
        raise IssuerError("a new password is made before it is put in force")
    ours = acl.digests(target, new, context)
    _everywhere(target, new, context, lambda command: acl.put_in(command, ours))
    return new


def verify(target: Target, login: Login, context: Context) -> Proof:
    """Try a login at every endpoint."""
    answers = ((one, tried(one, login, context)) for one in servers(target))
    return Proof(tuple((one.where, trial.answer, trial.words) for one, trial in answers))


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Count the sessions that are older than the rotation; by which password a younger one came in nobody says.

    Where nobody is in, nobody is in with the old one.
    """
    user = target.leaked.user or acl.DEFAULT_USER
    since = time.time() - datetime.fromisoformat(context.rotated_at).timestamp() if context.rotated_at else 0.0
    older, younger, evidence = 0, 0, []
    for at, login in _sites(target, new, context):
        ages = asked(at, login, context, lambda command: _ages(command, user))
        old = sum(age > since for age in ages)
        evidence.append(f"{at.where}: {old} sessions of {user} from before the rotation, {len(ages) - old} since")
        older, younger = older + old, younger + len(ages) - old
    return Usage(older or (None if younger else 0), tuple(evidence))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Remove the leaked password and end every session of the user."""
    if new is None and target.admin is None:
        raise IssuerError(LOCKED_OUT, hint=GIVE_ADMIN)
    ours, alone = acl.digests(target, new, context), context.mode is Mode.BREACH
    return _everywhere(target, new, context, lambda command: acl.take_out(command, ours, alone=alone))


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Return nothing: no trace of the leaked password is left at the server."""
    return ()


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Remove the new password again."""
    if new is None:
        return ()
    ours = acl.digests(target, new, context)
    return _everywhere(target, None, context, lambda command: acl.take_back(command, ours))


def _everywhere(target: Target, new: Login | None, context: Context, work: Callable[[Command], str]) -> tuple[str, ...]:
    return tuple(f"{at.where}: {changed(at, login, context, work)}" for at, login in _sites(target, new, context))


def _sites(target: Target, new: Login | None, context: Context) -> Iterator[tuple[Address, Login]]:
    """Yield each server that can be changed, and who does it: the operator at theirs, else the login that works."""
    if admin := admin_of(target):
        yield admin.address, admin.login
        return
    silent, inside = "", False
    for at in servers(target):
        for login in (new, target.leaked):
            trial = tried(at, login, context) if login else None
            if login and trial and trial.answer is Answer.WORKS:
                inside = True
                yield at, login
                break
            if trial and trial.answer is Answer.UNKNOWN:
                silent = trial.words
    if not inside:
        raise IssuerError(
            silent or "neither the leaked nor the new password is accepted anywhere: nothing was changed",
            hint="An operator's login can be given with --admin.",
            transient=bool(silent),
        )


def _ages(command: Command, user: str) -> list[int]:
    """Return for how many seconds each session of a user has lasted, ours left out."""
    me = str(command("CLIENT", "ID"))
    lines = str(command("CLIENT", "LIST")).splitlines()
    sessions = (dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines)
    return [int(one["age"]) for one in sessions if one.get("user") == user and one.get("id") != me]
