"""Journals to test: one for each database, opened by whoever the test says, and processes that work on them."""

import os
import secrets
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from secretguard.model import Endpoint
from secretguard.rotate.holder import Holder, this_process
from secretguard.rotate.journal_postgres import open_postgres
from secretguard.rotate.journal_sql import SqlJournal
from secretguard.rotate.journal_sqlite import open_sqlite
from secretguard.rotate.records import Rotation
from secretguard.rotation import Mode
from tests.servers.postgres import Postgres

CREDENTIAL = "sg_0123456789ab"
ROOT = Path(__file__).parents[2]
FAR = Holder("grace@far.internal", 4711, "99", "another kernel", "pid:[1]")
"""Somebody on another host."""


def a_rotation(name: str = "", credential: str = CREDENTIAL, **changes: object) -> Rotation:
    rotation = Rotation(
        id=name or "rot_" + secrets.token_hex(8),
        credential=credential,
        title="PostgreSQL connection",
        family="postgres",
        kind="postgres",
        user="orders",
        endpoints=(Endpoint("db.internal", 5432, "orders"), Endpoint("replica.internal")),
        alive=(Endpoint("db.internal", 5432, "orders"),),
        rotator="postgres",
        reference="ref+local://app#/DATABASE_URL",
        mode=Mode.BREACH,
        repositories=("/src/app",),
        actor="ada@here",
        began="2026-11-29T10:00:00Z",
    )
    return replace(rotation, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Kind:
    """One database with a journal in it."""

    opens: Callable[[Holder], SqlJournal]
    setting: str
    """What a configuration says, empty for the file."""
    environ: dict[str, str]
    """In which a process finds it."""
    state: Path
    opened: list[SqlJournal] = field(default_factory=list)

    def open(self, me: Holder) -> SqlJournal:
        """Open it as somebody."""
        self.opened.append(self.opens(me))
        return self.opened[-1]

    def here(self) -> SqlJournal:
        return self.open(this_process())

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Look at the tables, or change them, past the journal."""
        if not self.setting:
            with closing(sqlite3.connect(self.state / "journal.sqlite", isolation_level=None)) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.setting, autocommit=True, options="-c search_path=secretguard") as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def close(self) -> None:
        for journal in self.opened:
            journal.close()


def on_sqlite(folder: Path) -> Kind:
    state = folder / "secretguard"
    state.mkdir(mode=0o700)
    environ = {"XDG_STATE_HOME": str(folder), "PATH": os.environ["PATH"]}
    return Kind(lambda me: open_sqlite(state, me), "", environ, state)


def on_postgres(server: Postgres, folder: Path) -> Kind:
    """A database of its own; the password is where an operator would have it."""
    name = "journal_" + secrets.token_hex(4)
    server.run(f"CREATE DATABASE {name}")
    state = folder / "secretguard"
    state.mkdir(mode=0o700)
    passwords = folder / "pgpass"
    passwords.write_text(f"*:*:*:*:{server.admin}\n")
    passwords.chmod(0o600)
    setting = f"postgresql://postgres@{server.host}:{server.port}/{name}?passfile={passwords}"
    environ = {"XDG_STATE_HOME": str(folder), "PATH": os.environ["PATH"]}
    return Kind(lambda me: open_postgres(setting, "here", me), setting, environ, state)


class Worker:
    """Another process with a journal: it carries out `script`, and says what it has to say line by line."""

    def __init__(self, kind: Kind, script: str) -> None:
        opening = (
            "import os, sys\n"
            "from secretguard.rotate.journal import open_journal\n"
            "from secretguard.rotate.records import Outcome\n"
            "from tests.rotate.journals import CREDENTIAL, FAR, a_rotation\n"
            f"journal = open_journal({kind.setting!r}, os.environ)\n"
            "say = lambda *words: print(*words, flush=True)\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", opening + script],
            cwd=ROOT,
            env={**kind.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def kill(self) -> list[str]:
        """End it at once, and return what it had said by then."""
        self.process.send_signal(signal.SIGKILL)
        return self.rest()

    def rest(self) -> list[str]:
        said, _ = self.process.communicate(timeout=60)
        return said.splitlines()
