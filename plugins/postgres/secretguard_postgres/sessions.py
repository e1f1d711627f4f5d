"""Transactions that trust nothing in the database, and the sessions of a role: seen, ended, none left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Context
from secretguard_postgres.connect import Connection, driver, printable

_LOOKS = 250
"""How often we look whether a session that was ended is gone."""
_SWEEPS = 10
"""How often newcomers are ended; whoever still comes in then has a password that works."""
_PAUSE = 0.02
"""Seconds between two looks."""
_LISTED = 10
SEEN = """
    SELECT pid, coalesce(application_name, ''), coalesce(host(client_addr), 'local')
    FROM pg_stat_activity
    WHERE usename = %(role)s AND pid <> pg_backend_pid()
      AND (%(age)s::float8 IS NULL OR backend_start < clock_timestamp() - make_interval(secs => %(age)s))
    ORDER BY backend_start
"""

_END = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = %(role)s AND pid <> pg_backend_pid()
      AND (%(age)s::float8 IS NULL OR backend_start < clock_timestamp() - make_interval(secs => %(age)s))
"""
"""Ends sessions in its list, never in its condition: that the server may take in any order, and end those of others.

Sessions of other rotators are not spared: a session can give itself any name.
"""


class Session(NamedTuple):
    """One session of a role, as the server shows it."""

    pid: int
    application: str
    address: str

    def __str__(self) -> str:
        return f"{self.application or 'unnamed'} from {self.address}"


@contextmanager
def trusted(connection: Connection, *, as_login: bool, seconds: float, writes: bool = False) -> Iterator[None]:
    """Open a transaction in which names mean what the server ships, and nothing waits for long.

    Whoever had the leaked login may have left functions, settings and locks. `as_login`: act as the role that logged
    in, whatever role its settings make it.
    """
    connection.execute("; ".join(_opening(connection, as_login=as_login, seconds=seconds, writes=writes)))
    try:
        yield
    except BaseException:
        with suppress(driver().Error):
            connection.rollback()
        raise
    connection.commit()


def _opening(connection: Connection, *, as_login: bool, seconds: float, writes: bool) -> list[str]:
    """Return what it begins with, to be sent as one message: the role's settings may allow no moment of idleness."""
    milliseconds = int(seconds * 1000)
    patience = ["idle_in_transaction_session_timeout"]
    if connection.info.server_version >= 170000:
        patience.append("transaction_timeout")
    return [
        "BEGIN",
        *(f"SET LOCAL {setting} TO 0" for setting in patience),
        f"SET LOCAL statement_timeout TO {milliseconds}",
        f"SET LOCAL lock_timeout TO {milliseconds}",
        "SET LOCAL search_path TO pg_catalog, pg_temp",
        *(["SET LOCAL ROLE NONE"] if as_login else []),
        # What is told to be set must not be lost.
        *(["SET LOCAL transaction_read_only TO off", "SET LOCAL synchronous_commit TO on"] if writes else []),
    ]


def sessions_of(connection: Connection, role: str, context: Context) -> list[Session]:
    """Return the sessions that came in with the old value: those older than the rotation, all before there is one."""
    rows = connection.execute(SEEN, {"role": role, "age": age_of(context)}).fetchall()
    return [Session(pid, printable(application), address) for pid, application, address in rows]


def all_sessions_of(connection: Connection, role: str) -> list[Session]:
    """Return every session of a role but ours."""
    rows = connection.execute(SEEN, {"role": role, "age": None}).fetchall()
    return [Session(pid, printable(application), address) for pid, application, address in rows]


def looked_at() -> str:
    """Return when sessions were looked for: whoever comes and goes between two looks is not seen."""
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"looked at the sessions that were there at {at}"


def age_of(context: Context) -> float | None:
    """Return for how many seconds the new value has been in force: an age, because two clocks are never equal."""
    if context.rotated_at is None:
        return None
    since = datetime.fromisoformat(context.rotated_at)
    return max(0.0, (datetime.now(UTC) - since).total_seconds())


def sweep(connection: Connection, role: str) -> bool:
    """Ask for the end of every other session of a role, and wait until those are gone; return whether there were any.

    Whoever comes in meanwhile is for the next sweep.
    """
    return bool(_ended(connection, role, None))


def end_all(connection: Connection, role: str) -> bool:
    """End every other session of a role, newcomers too; return whether none is left."""
    return any(not sweep(connection, role) for _ in range(_SWEEPS))


def end_older(connection: Connection, role: str, context: Context) -> None:
    """End the sessions that are older than the rotation. Raises IssuerError if they stay."""
    _ended(connection, role, age_of(context))


def _ended(connection: Connection, role: str, age: float | None) -> list[int]:
    """Return the processes that were asked to end, and did. Raises IssuerError if one stays."""
    asked = [pid for pid, _ in connection.execute(_END, {"role": role, "age": age}).fetchall()]
    for _ in range(_LOOKS):
        connection.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the sessions of its first look
        left = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)", (asked,)).fetchone()[0]
        if not left:
            return asked
        time.sleep(_PAUSE)
    raise IssuerError(
        f"{left} sessions of {role} do not end",
        hint="Look at pg_stat_activity; a session that hangs in the kernel or on a network file ends only later.",
    )


def end_own(connection: Connection) -> None:
    """End our own session at the server, so that a pooler has none left to lend to others."""
    with suppress(driver().Error):
        connection.execute("SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())")


def listed(sessions: list[Session]) -> str:
    """Return who they are in words, the most frequent first."""
    counts: dict[str, int] = {}
    for one in sessions:
        counts[str(one)] = counts.get(str(one), 0) + 1
    most = sorted(counts.items(), key=lambda item: -item[1])
    words = [f"{number} × {who}" if number > 1 else who for who, number in most[:_LISTED]]
    return ", ".join(words) + (f" and {len(most) - _LISTED} more kinds" if len(most) > _LISTED else "")
