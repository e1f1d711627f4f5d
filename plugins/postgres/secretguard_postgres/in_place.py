"""One role, one password: setting the new one ends the old one, and whoever came in with it is sent out.

Whoever has a session of the role can set the password back. So it is set and everybody is sent out in one
transaction, sent out again after it, and then proven; if it was changed meanwhile, all of it is done once more.
"""

from functools import partial
from typing import TYPE_CHECKING

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Target
from secretguard_postgres.actors import Actor, is_standby, let_in, operator
from secretguard_postgres.connect import Address, Connection, NoFreeConnection, driver
from secretguard_postgres.locking import lock
from secretguard_postgres.login import probed
from secretguard_postgres.passwords import set_password
from secretguard_postgres.sessions import end_all, end_own, sweep
from secretguard_postgres.standing import server_of

if TYPE_CHECKING:
    import psycopg

ROUNDS = 12
"""How often the password is set if somebody changes it meanwhile."""
TRIES = 5
"""How often within one of those rounds if somebody changes the role at the same moment."""
ROUNDS_OPEN = 2
"""After so many an operator takes LOGIN from the role meanwhile."""
_AGAIN = ("40001", "40P01", "55P03")
"""Serialization, deadlock, lock timeout: look again, then set again."""


def issue(target: Target, new: Login, context: Context) -> Login:
    """Set the new password wherever the leaked one works, and end every session of the role. Raises IssuerError.

    Standbys come last: whoever is sent out there could come back as long as the old password is in force.
    """
    admin = operator(target, context)
    if admin is not None:
        _check_home(admin, target, new, context)
        admin.changes(partial(_take_over, actor=admin, target=target, new=new, context=context), context)
    reached, standbys = admin is not None, []
    for actor in let_in(target, new, context):
        reached = True
        try:
            standby = actor.reads(is_standby, context)
        except NoFreeConnection:
            if admin is None or actor.leaked:
                raise
            continue  # the new password is in force there
        if standby:
            standbys.append(actor.address)
        elif admin is None or actor.leaked:  # another server, which the operator's login is not for
            actor.changes(partial(_take_over, actor=actor, target=target, new=new, context=context), context)
    for actor in let_in(target, new, context, tuple(standbys)):
        actor.changes(partial(_take_over, actor=actor, target=target, new=new, context=context), context)
    if not reached:
        raise IssuerError(
            f"neither old nor new password of {target.leaked.user} is accepted anywhere; nothing was changed",
            hint="Somebody else may have changed it. An operator's login can be given with --admin.",
        )
    return new


def _check_home(admin: Actor, target: Target, new: Login, context: Context) -> None:
    """Keep an operator's power to the leaked login's own server. Raises IssuerError.

    Who goes on with a rotation may name another operator's login than who began it. As long as the leaked one is let in
    anywhere, it has to be let in where that leads.
    """
    if any(one.leaked for one in let_in(target, new, context)) and not probed(admin.address, new, context).accepted:
        check_possession(admin.address, target, context)


def _take_over(connection: Connection, *, actor: Actor, target: Target, new: Login, context: Context) -> None:
    """Set the password, send everybody out, prove it, and again if it was changed under us. Raises IssuerError."""
    psycopg = driver()
    role, standby = target.leaked.user, server_of(connection).standby
    for number in range(ROUNDS):
        try:
            if actor.by_admin and number >= ROUNDS_OPEN:
                _bar(connection, actor, role, context)
            with actor.transaction(connection, context, writes=not standby):
                if not standby:
                    lock(connection, role, context)
                    _set(connection, actor, target, new, context, number=number)
                end_all(connection, role)  # those that wait for the row; and no moment is left between this and the end
        except psycopg.Error as failed:
            if not _is_worth_another(failed):
                raise
            continue
        with actor.transaction(connection, context):
            nobody = end_all(connection, role)  # who came in between the two
        trial = probed(actor.address, new, context)
        if trial.pooled and not actor.by_admin:
            end_own(connection)
            return  # a pooler may have a list of its own: what it says is no news of the server
        if standby or (nobody and trial.answer is not Answer.REFUSED and not _opens(actor.address, target, context)):
            return
    raise IssuerError(
        f"somebody keeps changing the password of {role} at {actor.address}: {ROUNDS} times it was set, or tried to be",
        hint="Give an operator's login with --admin, or take LOGIN from the role until its sessions are gone.",
    )


def _is_worth_another(failed: "psycopg.Error") -> bool:
    """Whether somebody else changed the role at the same moment. The server says so without a state of its own."""
    return failed.sqlstate in _AGAIN or "tuple concurrently" in (failed.diag.message_primary or "")


def _bar(connection: Connection, actor: Actor, role: str, context: Context) -> None:
    """Let nobody in any more until the password is set, which gives LOGIN back: so no session is left to change it."""
    from psycopg import sql

    with actor.transaction(connection, context, writes=True):
        lock(connection, role, context)
        sweep(connection, role)
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    with actor.transaction(connection, context):
        end_all(connection, role)


def _set(connection: Connection, actor: Actor, target: Target, new: Login, context: Context, *, number: int) -> None:
    """Set the password unless it is set; called under the lock.

    Sessions are ended at the last moment: one of them may hold the row, and one that comes back may change it first.
    """
    if probed(actor.address, new, context).accepted:
        return
    if number == 0 and context.rotated_at is None:
        check_possession(actor.address, target, context)
    server = server_of(connection)
    for number_of_try in range(TRIES):
        sweep(connection, target.leaked.user)
        try:
            with connection.transaction():
                set_password(connection, server, new, also="LOGIN" if actor.by_admin else "")
        except driver().Error as failed:
            if not _is_worth_another(failed) or number_of_try == TRIES - 1:
                raise
        else:
            return


def check_possession(address: Address, target: Target, context: Context) -> None:
    """Prove under the lock that the leaked login is this server's, and still good. Raises IssuerError.

    It keeps us from using an operator's power on a role that only has the same name, and from undoing what another
    responder did a moment ago.
    """
    trial = probed(address, target.leaked, context, leaked=True)
    if trial.accepted:
        return
    if trial.answer is Answer.UNKNOWN:
        raise IssuerError(f"{address} does not say whether the leaked login is its own: {trial.words}", transient=True)
    raise IssuerError(
        f"{address} refuses the leaked login of {target.leaked.user}, so nothing was changed there",
        hint="It is another server's, or somebody has changed it. Check where the admin reference leads.",
    )


def _opens(address: Address, target: Target, context: Context) -> bool:
    """Whether the leaked password is in force."""
    return probed(address, target.leaked, context, leaked=True).accepted
