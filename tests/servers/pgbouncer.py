"""PgBouncer before a PostgreSQL: with passwords in a file, or asked for at the server."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import psycopg

from tests.servers.postgres import Postgres, Row
from tests.servers.processes import Running, Unavailable, Workspace, free_port

LOOKUP = """
    CREATE SCHEMA IF NOT EXISTS pooler;
    CREATE OR REPLACE FUNCTION pooler.user_lookup(name text) RETURNS TABLE (uname text, phash text)
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
        AS 'SELECT rolname::text, rolpassword FROM pg_authid WHERE rolname = name AND rolcanlogin';
    REVOKE ALL ON FUNCTION pooler.user_lookup(text) FROM PUBLIC;
"""


@dataclass
class PgBouncer:
    """One running pooler. `admin` is the password of `keeper`, who may use its console."""

    server: Postgres
    port: int
    keeper: str
    admin: str
    running: Running

    host = "127.0.0.1"

    @property
    def users(self) -> Path:
        return self.running.workspace.path / "userlist.txt"

    def know(self, **passwords: str) -> None:
        """Write the file of users anew and have it read: plain passwords or verifiers."""
        known = {self.keeper: self.admin} | passwords
        fresh = self.running.workspace.write(
            "userlist.new", "".join(f'"{user}" "{password}"\n' for user, password in known.items())
        )
        fresh.replace(self.users)
        self.console("RELOAD")

    def console(self, command: str) -> list[Row]:
        with psycopg.connect(
            host=self.host, port=self.port, user=self.keeper, password=self.admin, dbname="pgbouncer",
            autocommit=True, cursor_factory=psycopg.ClientCursor,
        ) as connection:  # fmt: skip
            done = connection.execute(command)  # type: ignore[call-overload]
            return list(done.fetchall()) if done.description else []

    @contextmanager
    def connected(self, user: str, password: str, dbname: str = "postgres") -> Iterator[psycopg.Connection[Row]]:
        with psycopg.connect(
            host=self.host, port=self.port, user=user, password=password, dbname=dbname, autocommit=True,
            prepare_threshold=None, connect_timeout=5,
        ) as connection:  # fmt: skip
            yield connection

    def verifier(self, user: str) -> str:
        """What the server keeps of a role's password, as an operator copies it."""
        return str(self.server.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", user)[0][0])


def start_pgbouncer(server: Postgres, *, query: bool) -> PgBouncer:
    """Start a pooler in transaction mode; `query`: it asks the server for verifiers (auth_query)."""
    program = which("pgbouncer") or which("pgbouncer", path="/usr/sbin:" + os.environ["PATH"])
    if program is None:
        raise Unavailable("pgbouncer is not installed (Debian: pgbouncer)")
    workspace, port = Workspace("pgb"), free_port()
    keeper, admin = server.role("keeper_" + secrets.token_hex(3))
    workspace.write("userlist.txt", f'"{keeper}" "{admin}"\n')
    if query:
        server.run(LOOKUP)
        server.run(f"GRANT USAGE ON SCHEMA pooler TO {keeper}")
        server.run(f"GRANT EXECUTE ON FUNCTION pooler.user_lookup(text) TO {keeper}")
    asking = f"auth_user = {keeper}\nauth_query = SELECT uname, phash FROM pooler.user_lookup($1)\n" if query else ""
    settings = workspace.write(
        "pgbouncer.ini",
        f"""[databases]
postgres = host=127.0.0.1 port={server.port} dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {workspace.path}/userlist.txt
pool_mode = transaction
logfile = {workspace.path}/pgbouncer.log
pidfile = {workspace.path}/pgbouncer.pid
admin_users = {keeper}
server_login_retry = 1
{asking}""",
    )
    running = Running([program, "-q", settings], workspace, stop=signal.SIGTERM)
    pooler = PgBouncer(server, port, keeper, admin, running)
    running.await_answer(lambda: pooler.console("SHOW VERSION"))
    return pooler


def stop_pgbouncer(pooler: PgBouncer) -> None:
    pooler.running.stop()
    pooler.running.workspace.remove()
