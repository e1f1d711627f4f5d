"""The journal of a team: the same tables on a Postgres server, whose clock decides about leases."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretguard.config import PASSWORD_HINT, PASSWORDS
from secretguard.errors import RotationError
from secretguard.rotate.holder import Holder, this_process
from secretguard.rotate.journal_schema import CURRENT, missing
from secretguard.rotate.journal_sql import Row, SqlJournal

if TYPE_CHECKING:
    import psycopg

SCHEMA = "secretguard"
PATIENCE = 20
"""Seconds to wait for a connection, and for somebody else who changes the same."""
_SETTINGS = {
    "application_name": "secretguard journal",
    "connect_timeout": str(PATIENCE),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "tcp_user_timeout": "20000",
}
"""Unless the operator says otherwise. A server that went away without a word is missed in 20 seconds."""
_SETTINGS_OF_TRANSACTION = f"""SELECT set_config('search_path', '{SCHEMA}, pg_temp', true),
    set_config('lock_timeout', '{PATIENCE}s', true),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)"""
"""In each transaction anew, so that a pooler may give each to another session."""
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"


def open_postgres(conninfo: str, trail: str, me: Holder | None = None) -> SqlJournal:
    """Open the journal at `conninfo` (libpq's, without a password), its tables made on first use; RotationError.

    `trail` names the audit file whose anchor it keeps: each state directory has its own.
    """
    database = PostgresDatabase(conninfo)
    try:
        database.prepare()
    except BaseException:
        database.close()
        raise
    return SqlJournal(database, me or this_process(), trail)


@dataclass(frozen=True, slots=True)
class PostgresTransaction:
    """Between BEGIN and COMMIT."""

    now: float
    connection: "psycopg.Connection[Row]"

    def run(self, statement: str, *values: object) -> list[Row]:
        """Carry out one statement and return its rows."""
        done = self.connection.execute(statement.replace("?", "%s").encode(), values)
        return done.fetchall() if done.description else []


class PostgresDatabase:
    """One connection to one server, made again where it broke between two transactions."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = _checked(conninfo)
        self._connection: psycopg.Connection[Row] | None = None

    def prepare(self) -> None:
        """Make the tables, or bring them up to date; one does, whoever comes at the same time waits."""
        with self.transaction("schema") as transaction:
            version = _version(transaction)
            if version == CURRENT:
                return
            statements = missing(version, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "the journal's schema")
            if version == 0:
                # Who may only use the schema is not asked for the right to create it.
                if not transaction.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", SCHEMA):
                    transaction.run(f"CREATE SCHEMA {SCHEMA}")
                transaction.run("CREATE TABLE version (version INTEGER NOT NULL)")
                transaction.run("INSERT INTO version VALUES (0)")
            for statement in statements:
                transaction.run(statement)
            transaction.run("UPDATE version SET version = ?", CURRENT)

    @contextmanager
    def transaction(self, scope: str | None) -> Iterator[PostgresTransaction]:
        """Begin one; those of one scope wait for each other at an advisory lock."""
        import psycopg

        try:
            begun = self._begun(scope)
            try:
                yield begun
                begun.connection.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    begun.connection.execute("ROLLBACK")
                raise
        except psycopg.Error as error:
            raise _trouble(error) from None

    def close(self) -> None:
        """Let go of the connection."""
        import psycopg

        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def _begun(self, scope: str | None) -> PostgresTransaction:
        """Begin a transaction; on a connection that broke since the last one, on a new one: nothing was done yet."""
        import psycopg

        fresh = self._connection is None
        try:
            return _opened(self._connected(), scope)
        except psycopg.OperationalError:
            if fresh or (self._connection is not None and not self._connection.closed):
                raise
        self.close()
        return _opened(self._connected(), scope)

    def _connected(self) -> "psycopg.Connection[Row]":
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
        return self._connection


def _opened(connection: "psycopg.Connection[Row]", scope: str | None) -> PostgresTransaction:
    import psycopg

    access = "READ ONLY" if scope is None else "READ WRITE"
    lock = "" if scope is None else f"SELECT pg_advisory_xact_lock({_lock_number(scope)});"
    try:
        # One message. The clock comes last: while we wait for the lock, time goes on.
        answers = connection.execute(
            f"BEGIN ISOLATION LEVEL READ COMMITTED, {access}; {_SETTINGS_OF_TRANSACTION}; {lock} {_CLOCK}".encode()
        )
        while answers.nextset():
            pass
        (row,) = answers.fetchall()
    except psycopg.Error:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise
    return PostgresTransaction(float(str(row[0])), connection)


def _lock_number(scope: str) -> int:
    """Return the number of a scope's advisory lock: 64 bits, for other programs lock in the same database."""
    return int.from_bytes(hashlib.sha256(f"{SCHEMA}/{scope}".encode()).digest()[:8], "big", signed=True)


def _checked(conninfo: str) -> str:
    """Return `conninfo` with our time limits; raises RotationError if it is none, or has a password in it."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict, make_conninfo
    except ImportError:
        raise RotationError(
            "a journal on Postgres needs psycopg", hint="Install it: pip install 'secretguard[postgres]'."
        ) from None
    try:
        given = conninfo_to_dict(conninfo)
    except ProgrammingError:  # its words repeat what was given
        raise RotationError(
            "`journal` is no connection string of libpq", hint="For example postgresql://journal@db.internal/ops."
        ) from None
    if any(name in given for name in PASSWORDS):
        raise RotationError("`journal` holds a password", hint=PASSWORD_HINT)
    return make_conninfo("", **(_SETTINGS | given))


def _trouble(error: "psycopg.Error") -> RotationError:
    """Say what is wrong; libpq's words name host, database and role, never a password."""
    from psycopg import errors

    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, errors.InsufficientPrivilege):
        return RotationError(
            f"the journal's server refuses: {words}", hint="docs/journal.md lists the GRANTs that it takes."
        )
    if isinstance(error, errors.LockNotAvailable):
        return RotationError(f"somebody else has been writing to the journal for {PATIENCE} seconds", hint="Try again.")
    return RotationError(
        f"the journal's server cannot be used: {words}",
        hint="Nothing is lost. When it is back, resume: what was under way is looked at first.",
    )


def _version(transaction: PostgresTransaction) -> int:
    """Return the schema's version, 0 before there is one."""
    if transaction.run(f"SELECT to_regclass('{SCHEMA}.version')") == [(None,)]:
        return 0
    return int(str(transaction.run("SELECT version FROM version")[0][0]))
