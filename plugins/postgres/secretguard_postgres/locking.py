"""The lock that keeps two responders apart: it lives where the effect is, and ends with the transaction."""

import time
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Context
from secretguard_postgres.connect import Connection, driver, printable

_ROUNDS = 3
"""How often those are asked to end who hold it too long."""
_PAUSE = 0.05
_MAY_NOT = "42501"
"""insufficient_privilege"""
_TAKE = "SELECT pg_try_advisory_xact_lock(hashtextextended('secretguard:' || %s::text, 0))"
_HOLDERS = """
    SELECT l.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''),
           coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ''),
           a.usename = session_user AND a.usename <> %(role)s AND a.application_name LIKE 'sg-%%'
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('secretguard:' || %(role)s::text, 0)
"""


class Holder(NamedTuple):
    """One session that holds the lock, as far as we may see it."""

    pid: int
    user: str
    application: str
    since: str
    colleague: bool
    """Whether it looks like another rotation by the same operator: only he can name his sessions."""

    def __str__(self) -> str:
        of = f" of {printable(self.user)}" if self.user else ""
        named = f" ({printable(self.application)})" if self.application else ""
        return f"process {self.pid}{of}{named}" + (f", which began at {self.since}" if self.since else "")


def lock(connection: Connection, role: str, context: Context) -> None:
    """Take the lock, inside the caller's transaction.

    Any login of the database can take it. Whoever holds it longer than a rotation does is ended if we may; raises
    IssuerError that names who is left.
    """
    for _ in range(_ROUNDS):
        if _taken(connection, role, context.timeout / 2):
            return
        holders = [Holder(*row) for row in connection.execute(_HOLDERS, {"role": role}).fetchall()]
        left = [one for one in holders if one.colleague or not _ended(connection, one)]
        if left:
            raise _held(role, left)
    if not _taken(connection, role, context.timeout / 2):
        raise IssuerError(
            f"somebody takes the lock on the rotation of {role} again and again, and is ended each time",
            hint="Look at pg_locks (locktype advisory) and pg_stat_activity, and shut that login out.",
        )


def _taken(connection: Connection, role: str, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not connection.execute(_TAKE, (role,)).fetchone()[0]:
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE)
    return True


def _ended(connection: Connection, holder: Holder) -> bool:
    """Ask for the end of a session; False if we may not. That it is gone already is as good."""
    try:
        with connection.transaction():
            connection.execute("SELECT pg_terminate_backend(%s)", (holder.pid,))
    except driver().Error as failed:
        if failed.sqlstate != _MAY_NOT:
            raise
        return False
    return True


def _held(role: str, left: list[Holder]) -> IssuerError:
    said = f"the lock on the rotation of {role} is held by {'; '.join(map(str, left))}: nothing was changed"
    if any(one.colleague for one in left):
        return IssuerError(said, hint="It looks like another rotation of yours: wait for its end, or end that session.")
    ends = " ".join(f"SELECT pg_terminate_backend({one.pid});" for one in left)
    return IssuerError(
        said,
        hint=f"No rotation holds it that long. End it as an administrator: {ends} Then `secretguard rotate resume`. A "
        "superuser's login in --admin does that by itself.",
    )
