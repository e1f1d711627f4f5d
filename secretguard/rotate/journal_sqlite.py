"""The journal in a file of the state directory: sqlite, each commit on the disk when it returns."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from secretguard.errors import RotationError
from secretguard.rotate.holder import Holder, this_process
from secretguard.rotate.journal_schema import CURRENT, missing
from secretguard.rotate.journal_sql import Row, SqlJournal
from secretguard.rotate.state_directory import locked, private_file

FILE = "journal.sqlite"
PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""
_OURS = 0x73676A31
"""Says in the file's header whose it is: `sgj1`."""
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_SCHEMA")


def open_sqlite(directory: Path, me: Holder | None = None, clock: Callable[[], float] = time.time) -> SqlJournal:
    """Open the journal of a state directory, made on first use, an older one brought up to date; RotationError.

    `directory` is what `state_directory` returned: a file system of this host, for sqlite's log is shared memory.
    """
    path = private_file(directory / FILE)
    with locked(directory):  # two first openings would trip over each other
        database = SqliteDatabase(path, clock)
        try:
            database.prepare()
        except BaseException:
            database.close()
            raise
    return SqlJournal(database, me or this_process())


@dataclass(frozen=True, slots=True)
class SqliteTransaction:
    """Between BEGIN and COMMIT."""

    now: float
    connection: sqlite3.Connection

    def run(self, statement: str, *values: object) -> list[Row]:
        """Carry out one statement and return its rows."""
        return self.connection.execute(statement, values).fetchall()


class SqliteDatabase:
    """One connection to one file."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path, self._clock = path, clock
        with _told(path):
            self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)

    def prepare(self) -> None:
        """Look whether the file is whole and ours, and bring it up to date."""
        with _told(self._path):
            for pragma in ("trusted_schema = OFF", "foreign_keys = ON", "synchronous = FULL", "fullfsync = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            if self._pragma("quick_check") != "ok":
                raise _damaged(self._path)
            if self._pragma("journal_mode = WAL") != "wal":
                raise RotationError(
                    f"{self._path} cannot have a write-ahead log there",
                    hint="Set XDG_STATE_HOME to a directory on a local file system.",
                )
        with self.transaction("schema") as transaction:
            if self._pragma("application_id") not in (0, _OURS):
                raise _damaged(self._path)
            version = int(str(self._pragma("user_version")))
            for statement in missing(version, "INTEGER PRIMARY KEY AUTOINCREMENT", str(self._path)):
                transaction.run(statement)
            if version != CURRENT:
                transaction.run(f"PRAGMA application_id = {_OURS}")
                transaction.run(f"PRAGMA user_version = {CURRENT}")

    @contextmanager
    def transaction(self, scope: str | None) -> Iterator[SqliteTransaction]:
        """Begin one; of those that change something there is one at a time, whatever the scope."""
        with _told(self._path):
            self._connection.execute("BEGIN" if scope is None else "BEGIN IMMEDIATE")
            try:
                yield SqliteTransaction(self._clock(), self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some errors have rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        with _told(self._path):
            self._connection.close()

    def _pragma(self, pragma: str) -> object:
        return self._connection.execute(f"PRAGMA {pragma}").fetchone()[0]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _trouble(path, error) from None


def _trouble(path: Path, error: sqlite3.Error) -> RotationError:
    """Say what is wrong with the file; no statement has values in it, and the library's words are about the file."""
    name = str(getattr(error, "sqlite_errorname", ""))
    kept = "What was written before is kept."
    if name.startswith(_DAMAGED):
        return _damaged(path)
    if name.startswith("SQLITE_FULL"):
        return RotationError(f"{path} cannot be written: the disk is full", hint=f"Make room, then resume. {kept}")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return RotationError(
            f"{path} cannot be opened for writing: {error}", hint=f"Give yourself the rights, then resume. {kept}"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RotationError(
            f"{path} has been in use by another process for {PATIENCE:.0f} seconds", hint=f"Try again. {kept}"
        )
    return RotationError(f"{path} cannot be used: {error}", hint=f"Look at the disk, then resume. {kept}")


def _damaged(path: Path) -> RotationError:
    return RotationError(
        f"{path} is damaged, or is no journal",
        hint="Nothing in it was changed. Put back a copy, or move it aside and compare with the audit file; "
        "see docs/journal.md.",
    )
