"""Rotates PostgreSQL logins: in place, or, where nobody may be interrupted, with a second role that takes turns.

A plugin of the group `secretguard.rotators`; `secretguard.interfaces.Rotator` says what each function does.
"""

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Mode, Overlap, Preflight, Proof, Target, Usage
from secretguard_postgres import aftermath, in_place, pair, two_roles
from secretguard_postgres import preflight as looking
from secretguard_postgres.addresses import addresses
from secretguard_postgres.login import Trial, tried
from secretguard_postgres.passwords import new_password

families = ("postgres",)
kinds: tuple[str, ...] = ()


def overlap(target: Target, context: Context) -> Overlap:
    """Return TWO in graceful mode with an operator's login: only that can make and end roles."""
    return Overlap.TWO if context.mode is Mode.GRACEFUL and target.admin is not None else Overlap.NONE


def _takes_turns(target: Target, context: Context) -> bool:
    return overlap(target, context) is Overlap.TWO


def preflight(target: Target, context: Context) -> Preflight:
    """Look at every address as the leaked login, at rights, sessions, poolers. Raises IssuerError."""
    return looking.preflight(target, context, two_roles=_takes_turns(target, context))


def make(target: Target, context: Context) -> Login:
    """Return a new password for the same role, or for the one whose turn it is."""
    user = pair.other_name(target.leaked.user) if _takes_turns(target, context) else target.leaked.user
    return Login(user, new_password())


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Log in with `new`. Raises IssuerError if nobody knows."""
    if _takes_turns(target, context):
        return two_roles.reconcile(target, new, context)
    return aftermath.reconcile(target, new, context)


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """Set the password of `new`. Raises IssuerError."""
    if new is None:
        raise IssuerError("a password that is made here must be in the store before it is set")
    if _takes_turns(target, context):
        return two_roles.issue(target, new, context)
    return in_place.issue(target, new, context)


def verify(target: Target, login: Login, context: Context) -> Proof:
    """Log in at every address as the application does, through its pooler, and get one statement through."""
    leaked = login.user == target.leaked.user and login.secret.same_as(target.leaked.secret)
    trials = [(str(one), tried(one, login, context, leaked=leaked)) for one in addresses(target)]
    return Proof(tuple((where, trial.answer, _words(trial, leaked=leaked)) for where, trial in trials))


def _words(trial: Trial, *, leaked: bool) -> str:
    if leaked and trial.pooled and trial.answer is Answer.WORKS:
        return f"{trial.words}, which may keep passwords in a file that is to be changed and reloaded"
    return trial.words


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Count the sessions of the old credential. Raises IssuerError."""
    if _takes_turns(target, context):
        return two_roles.usage(target, context)
    return aftermath.usage(target, new, context)


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """End the sessions of the old credential, and its role's right to log in if another took its place.

    Raises IssuerError.
    """
    if _takes_turns(target, context):
        return two_roles.disable(target, context)
    return aftermath.send_out(target, new, context)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Remove the role that had its turn, or its password; in place, look for old sessions once more.

    Raises IssuerError.
    """
    if _takes_turns(target, context):
        return two_roles.destroy(target, context)
    return aftermath.send_out(target, new, context)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take back the role that `issue` made or woke. Raises IssuerError."""
    return two_roles.withdraw(target, context) if _takes_turns(target, context) else ()
