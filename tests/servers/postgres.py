"""PostgreSQL with passwords everywhere."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.postgres_releases import binaries
from tests.servers.processes import Running, Workspace, free_port, unprivileged

Row = tuple[object, ...]


@dataclass
class Postgres:
    """One running server. `admin` is a superuser's password."""

    version: str
    port: int
    admin: str
    running: Running
    bin: Path
    command: list[str | Path] = field(default_factory=list)

    host = "127.0.0.1"
    rotator, family, kind = "postgres", "postgres", "postgres-uri"

    @property
    def operator(self) -> str:
        """The login of a superuser, as `--admin` takes it."""
        return self.dsn("postgres", self.admin)

    @staticmethod
    def database(user: str) -> str:
        return "postgres"

    @contextmanager
    def connected(
        self, user: str = "postgres", password: str | None = None, dbname: str = "postgres"
    ) -> Iterator[psycopg.Connection[Row]]:
        with psycopg.connect(
            host=self.host, port=self.port, user=user, password=password or self.admin, dbname=dbname,
            autocommit=True, connect_timeout=5,
        ) as connection:  # fmt: skip
            yield connection

    def run(self, statement: str | sql.Composed, *values: object) -> list[Row]:
        """Carry out one statement as superuser and return its rows."""
        with self.connected() as connection:
            done = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return list(done.fetchall()) if done.description else []

    def roles_like(self, pattern: str, expected: int) -> list[str]:
        """The roles whose names are like a pattern; waits a while for them to be as many as expected."""
        until = time.monotonic() + 10
        while True:
            found = [str(row[0]) for row in self.run("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", pattern)]
            if len(found) == expected or time.monotonic() > until:
                return found
            time.sleep(0.05)

    def lets_in(self, user: str, password: str, dbname: str = "postgres") -> bool:
        """Whether a login works."""
        try:
            with self.connected(user, password, dbname) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def role(self, name: str | None = None, attributes: str = "") -> tuple[str, str]:
        """Make a role that can log in; return its name and password."""
        name, password = name or "role_" + secrets.token_hex(4), secrets.token_urlsafe(24)
        self.run(
            sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                sql.Identifier(name),
                sql.SQL(attributes),
                sql.Literal(password),  # type: ignore[arg-type]
            )
        )
        return name, password

    def dsn(self, user: str, password: str, dbname: str = "postgres") -> str:
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{dbname}"

    @property
    def log(self) -> str:
        return self.running.log.read_text("utf-8", "replace")

    def restart(self) -> None:
        self.running.stop()
        self.running = Running(self.command, self.running.workspace)
        self.running.await_answer(lambda: self.run("SELECT 1"))


def start_postgres(version: str = "18", *settings: str) -> Postgres:
    """Make a cluster and start it; `settings` are `name=value`."""
    workspace = Workspace("pg")
    tree = binaries(version)
    password, port = secrets.token_urlsafe(24), free_port()
    secret = workspace.write("password", password + "\n")
    data = workspace.path / "data"
    subprocess.run(  # type: ignore[call-overload]
        [
            tree / "bin" / "initdb", "-D", data, "-U", "postgres", "--pwfile", secret, "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync",
        ],
        cwd=workspace.path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        check=True,
        capture_output=True,
        **unprivileged(),
    )  # fmt: skip
    secret.unlink()
    chosen = (
        "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={workspace.path}", "log_statement=all",
        "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", *settings,
    )  # fmt: skip
    command: list[str | Path] = [tree / "bin" / "postgres", "-D", data]
    for setting in chosen:
        command += ["-c", setting]
    server = Postgres(version, port, password, Running(command, workspace), tree / "bin", command)
    server.running.await_answer(lambda: server.run("SELECT 1"))
    return server


def start_standby(primary: Postgres) -> Postgres:
    """Copy a server and start the copy as its hot standby."""
    workspace = Workspace("standby")
    port, data = free_port(), workspace.path / "data"
    subprocess.run(  # type: ignore[call-overload]
        [
            primary.bin / "pg_basebackup", "-h", primary.host, "-p", str(primary.port), "-U", "postgres", "-D", data,
            "-R", "-X", "stream", "-c", "fast", "--no-sync",
        ],
        cwd=workspace.path,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGPASSWORD": primary.admin},
        check=True,
        capture_output=True,
        **unprivileged(),
    )  # fmt: skip
    command: list[str | Path] = [primary.bin / "postgres", "-D", data]
    for setting in ("listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={workspace.path}"):
        command += ["-c", setting]
    server = Postgres(primary.version, port, primary.admin, Running(command, workspace), primary.bin, command)
    server.running.await_answer(lambda: server.run("SELECT 1"))
    return server


def stop_postgres(server: Postgres) -> None:
    server.running.stop()
    server.running.workspace.remove()


def speak_tls(server: Postgres) -> None:
    """Give a server a certificate and have it speak TLS; `data/server.crt` is what its clients may trust."""
    workspace = server.running.workspace
    data = workspace.path / "data"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", data / "server.key", "-out", data / "server.crt",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (data / "server.key").chmod(0o600)
    workspace.owned(data / "server.key", data / "server.crt")
    server.command += ["-c", "ssl=on"]
    server.restart()
