"""Two roles that take turns, so that old and new login work side by side; an operator's login makes and ends them."""

from functools import partial
from typing import LiteralString

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Target, Usage
from secretguard_postgres.actors import Actor, required_operator
from secretguard_postgres.addresses import addresses
from secretguard_postgres.clone import make_second
from secretguard_postgres.connect import Connection, driver
from secretguard_postgres.in_place import check_possession
from secretguard_postgres.locking import lock
from secretguard_postgres.login import probed, tried
from secretguard_postgres.pair import Mark, is_ours, mark_of, marked, other_name, owner_of, unmarked
from secretguard_postgres.passwords import set_password
from secretguard_postgres.sessions import all_sessions_of, end_all, listed, looked_at, sweep
from secretguard_postgres.standing import Role, role_of, server_of

_DEPENDENTS = "2BP01"
"""dependent_objects_still_exist"""


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Say whether the second role is there, and by logging in whether its password is known."""
    actor = required_operator(target, context)
    other = new.user if new else other_name(target.leaked.user)
    mark = actor.reads(partial(_mark, role=other, actor=actor, context=context), context)
    if mark is None or mark.name != context.name:
        return Found.NOTHING
    if new is None:
        return Found.ORPHAN
    trials = [tried(one, new, context) for one in dict.fromkeys((actor.address, *addresses(target)))]
    if any(trial.accepted for trial in trials):
        return Found.ISSUED
    if trials[0].answer is Answer.REFUSED:
        return Found.ORPHAN
    raise IssuerError(f"nobody knows whether {other} can log in: {trials[0].words}", transient=True)


def _mark(connection: Connection, *, role: str, actor: Actor, context: Context) -> Mark | None:
    with actor.transaction(connection, context):
        return mark_of(role_of(connection, role))


def issue(target: Target, new: Login, context: Context) -> Login:
    """Make the second role or wake it, under the name of this rotation. Raises IssuerError."""
    actor = required_operator(target, context)
    actor.changes(partial(_issue, actor=actor, target=target, new=new, context=context), context)
    return new


def _issue(connection: Connection, *, actor: Actor, target: Target, new: Login, context: Context) -> None:
    leaked = target.leaked.user
    with actor.transaction(connection, context, writes=True):
        lock(connection, leaked, context)
        server, first, second = server_of(connection), role_of(connection, leaked), role_of(connection, new.user)
        if first is None:
            raise IssuerError(f"{actor.address} has no role {leaked}", hint="Check where the admin reference leads.")
        mark, owner = mark_of(second), owner_of(leaked, first)
        if mark is not None and mark.name == context.name:
            if not probed(actor.address, new, context).accepted:
                set_password(connection, server, new, also="LOGIN")
            return
        check_possession(actor.address, target, context)
        if second is None:
            make_second(connection, server, leaked, first, new, owner=owner)
        elif is_ours(leaked, first, new.user, second) and not second.login:
            set_password(connection, server, new, also="LOGIN")
        else:
            raise IssuerError(f"{new.user} exists and is in use", hint="Use --mode breach.")
        _comment(connection, new.user, marked(second.comment if second else "", Mark(context.name, owner)))


def _comment(connection: Connection, role: str, text: str) -> None:
    from psycopg import sql

    connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(role), sql.Literal(text or None)))


def usage(target: Target, context: Context) -> Usage:
    """Count the sessions of the old role: a session's `usename` is the role that logged in. Raises IssuerError."""
    actor = required_operator(target, context)
    return actor.reads(partial(_usage, actor=actor, role=target.leaked.user, context=context), context)


def _usage(connection: Connection, *, actor: Actor, role: str, context: Context) -> Usage:
    with actor.transaction(connection, context):
        sessions = all_sessions_of(connection, role)
    return Usage(len(sessions), (*sorted({str(one) for one in sessions}), looked_at()))


def disable(target: Target, context: Context) -> tuple[str, ...]:
    """Take LOGIN from the old role, whatever it logs in with, and end its sessions. Raises IssuerError.

    Reversible: `ALTER ROLE … LOGIN` gives it back. What the role owns stays its own, and the new one acts as it.
    """
    actor = required_operator(target, context)
    return actor.changes(partial(_disable, actor=actor, role=target.leaked.user, context=context), context)


def _disable(connection: Connection, *, actor: Actor, role: str, context: Context) -> tuple[str, ...]:
    with actor.transaction(connection, context, writes=True):
        if role_of(connection, role) is None:
            return (f"{role} is gone",)
        sessions = all_sessions_of(connection, role)
        _alter(connection, role, "NOLOGIN")
        sweep(connection, role)
    with actor.transaction(connection, context):
        end_all(connection, role)  # who came in before that was in force
    return (f"{role} has no LOGIN any more", f"ended {listed(sessions)}" if sessions else f"{role} had no session")


def _alter(connection: Connection, role: str, options: LiteralString) -> None:
    from psycopg import sql

    connection.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(role), sql.SQL(options)))


def destroy(target: Target, context: Context) -> tuple[str, ...]:
    """Drop the old role; the one that owns everything stays, without LOGIN and password. Raises IssuerError."""
    actor = required_operator(target, context)
    return actor.changes(partial(_removed, actor=actor, role=target.leaked.user, context=context), context)


def withdraw(target: Target, context: Context) -> tuple[str, ...]:
    """Remove the role whose turn began in this rotation, or put it to sleep again. Raises IssuerError."""
    actor = required_operator(target, context)
    other = other_name(target.leaked.user)
    mark = actor.reads(partial(_mark, role=other, actor=actor, context=context), context)
    if mark is None or mark.name != context.name:
        return (f"{other} is not of this rotation and stays as it is",)
    return actor.changes(partial(_removed, actor=actor, role=other, context=context), context)


def _removed(connection: Connection, *, actor: Actor, role: str, context: Context) -> tuple[str, ...]:
    with actor.transaction(connection, context, writes=True):
        found = role_of(connection, role)
        if found is None:
            return (f"{role} is gone",)
        _alter(connection, role, "NOLOGIN PASSWORD NULL")
        sweep(connection, role)
        if _owns_everything(role, found):
            if found.comment and mark_of(found):
                _comment(connection, role, unmarked(found.comment))
            return (f"{role} stays as the owner, without LOGIN and password",)
        return _dropped(connection, role)


def _owns_everything(role: str, found: Role) -> bool:
    mark = mark_of(found)
    return mark is None or mark.owner == role


def _dropped(connection: Connection, role: str) -> tuple[str, ...]:
    from psycopg import sql

    try:
        with connection.transaction():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except driver().Error as failed:
        if failed.sqlstate != _DEPENDENTS:
            raise
        return (f"{role} owns something or has rights of its own, so it stays, without LOGIN and password",)
    return (f"{role} is dropped",)
