"""After a password was set in place: is it in force, who still has a session of the old one, and out with them."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Target, Usage
from secretguard_postgres.actors import Actor, let_in, operator
from secretguard_postgres.addresses import addresses, admin_of
from secretguard_postgres.connect import Connection, NoFreeConnection
from secretguard_postgres.login import tried
from secretguard_postgres.sessions import end_older, listed, looked_at, sessions_of

Result = TypeVar("Result")


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Say by logging in whether the new password is in force. Raises IssuerError if nobody knows."""
    if new is None:
        return Found.NOTHING
    admin = admin_of(target)
    where = (*(admin.addresses if admin else ()), *addresses(target))
    trials = [(address, tried(address, new, context)) for address in where]
    if any(trial.accepted for _, trial in trials):
        return Found.ISSUED
    if any(trial.answer is Answer.REFUSED for _, trial in trials):
        return Found.NOTHING
    said = "; ".join(f"{address}: {trial.words}" for address, trial in trials)
    raise IssuerError(f"nobody knows whether the new password is in force: {said}", transient=True)


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Count the sessions that came in before the new password was set. Raises IssuerError."""
    answers = _everywhere(target, new, context, partial(_old_sessions, target=target, context=context))
    seen = {key: who for found in answers.values() for key, who in found.items()}
    if not answers:
        return Usage(None, ("no server could be asked",))
    return Usage(len(seen), (*sorted(set(seen.values())), looked_at()))


def _old_sessions(
    actor: Actor, connection: Connection, *, target: Target, context: Context
) -> dict[tuple[str, int], str]:
    """Return sessions by server and process: several addresses may lead to one server."""
    with actor.transaction(connection, context):
        started = str(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0])
        return {(started, one.pid): str(one) for one in sessions_of(connection, target.leaked.user, context)}


def send_out(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """End the sessions that are older than the new password, and say which they were. Raises IssuerError.

    A login that was under way when the password was set can come through up to `authentication_timeout` later.
    """
    answers = _everywhere(target, new, context, partial(_sent_out, target=target, context=context))
    if not answers:
        raise IssuerError("no server could be asked for old sessions", transient=True)
    return tuple(f"{where}: {words}" for where, words in answers.items())


def _sent_out(actor: Actor, connection: Connection, *, target: Target, context: Context) -> str:
    role = target.leaked.user
    with actor.transaction(connection, context):
        old = sessions_of(connection, role, context)
        end_older(connection, role, context)
        pooled = connection.execute("SELECT pg_backend_pid()").fetchone()[0] != connection.info.backend_pid
    words = f"ended {listed(old)}" if old else f"no session of {role} is older than its new password"
    return f"{words}; sessions that clients hold with the pooler are not seen from here" if pooled else words


def _everywhere(
    target: Target, new: Login | None, context: Context, work: Callable[[Actor, Connection], Result]
) -> dict[str, Result]:
    """Do `work` as the operator, and as the role wherever it is let in; return what came of it by address."""
    admin = operator(target, context)
    answers = {}
    for actor in ([admin] if admin else []) + [one for one in let_in(target, new, context) if not one.leaked]:
        try:
            answers[str(actor.address)] = actor.changes(partial(work, actor), context)
        except NoFreeConnection:  # those that have the new password take them all
            if admin is None:
                raise
    return answers
