"""Rotates MariaDB logins: in place by the leaked login itself, or with two passwords side by side by an operator's."""

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Preflight, Proof, Target, Usage
from secretguard_mysql import by_admin, elsewhere, in_place
from secretguard_mysql import preflight as looks
from secretguard_mysql.addresses import addresses, admin_of, servers
from secretguard_mysql.connect import Connection, asked, rows, tried
from secretguard_mysql.passwords import new_password

families: tuple[str, ...] = ("mysql",)
kinds: tuple[str, ...] = ()


def overlap(target: Target, context: Context) -> Overlap:
    """Return TWO with an operator's login; without one an account may only replace its own password."""
    return Overlap.NONE if target.admin is None else Overlap.TWO


def preflight(target: Target, context: Context) -> Preflight:
    """Look at servers, account and rights. No effects."""
    admin = admin_of(target)
    return looks.in_place(target, context) if admin is None else looks.by_admin(admin, target, context)


def make(target: Target, context: Context) -> Login | None:
    """Return a new password for the same user."""
    return Login(target.leaked.user, new_password())


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Look whether the new password is in force."""
    if new is None:
        return Found.NOTHING
    if admin := admin_of(target):
        return by_admin.found(admin, target, new, context)
    trials = [tried(one._replace(database=""), new, context) for one in servers(target)]
    works = [trial for trial in trials if trial.answer is Answer.WORKS]
    silent = [trial for trial in trials if trial.answer is Answer.UNKNOWN]
    if silent and not works:
        raise IssuerError(silent[0].words, transient=True)
    return Found.ISSUED if works and not any(one.answer is Answer.REFUSED for one in trials) else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """Put the new password in force: beside the leaked one, or in its place."""
    if new is None:
        raise IssuerError("a new password is made before it is put in force")
    if admin := admin_of(target):
        by_admin.issue(admin, target, new, context)
    else:
        in_place.issue(target, new, context)
    return new


def verify(target: Target, login: Login, context: Context) -> Proof:
    """Try a login at every endpoint, with the database that it names; an operator's sees those for other hosts too."""
    answers = ((str(one), elsewhere.tried_everywhere(one, target, login, context)) for one in addresses(target))
    return Proof(tuple((where, trial.answer, trial.words) for where, trial in answers))


def unproven(target: Target, context: Context) -> tuple[str, ...]:
    """Return which accounts of that name nobody could see."""
    return elsewhere.unproven(target, context)


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Count the sessions of the user: with which of two passwords one came in, the server does not say.

    Where nobody is in, nobody is in with the old one.
    """
    admin = admin_of(target)
    at = admin.address if admin else servers(target)[0]._replace(database="")

    def count(connection: Connection) -> int:
        ((number,),) = rows(
            connection, "SELECT COUNT(*) FROM information_schema.PROCESSLIST"
            " WHERE BINARY USER = %s AND ID <> CONNECTION_ID()", target.leaked.user,
        )  # fmt: skip
        return int(number)

    number = asked(at, admin.login if admin else new, context, count)
    return Usage(None if number else 0, (f"{at}: {number} sessions of {target.leaked.user}, by whichever password",))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take the leaked password out and end the sessions; in place that was done when the new one was set."""
    if admin := admin_of(target):
        return by_admin.disable(admin, target, new, context)
    return ("the leaked password ended when the new one was set",)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Return nothing: no trace of the leaked password is left at the server."""
    return ()


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take the new password out again."""
    admin = admin_of(target)
    return by_admin.withdraw(admin, target, new, context) if admin else ()
