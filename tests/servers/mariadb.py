"""MariaDB from Debian, with everything that is asked of it in its general log."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pymysql

from tests.servers.certificates import make_certificates
from tests.servers.processes import Running, Unavailable, Workspace, free_port, unprivileged

Row = tuple[Any, ...]


@dataclass
class MariaDB:
    """One running server. `admin` is root's password."""

    port: int
    admin: str
    running: Running

    host = "127.0.0.1"
    rotator, family, kind = "mysql", "mysql", "mysql-uri"

    @property
    def operator(self) -> str:
        """The login of `root`, as `--admin` takes it."""
        return f"mysql://root:{self.admin}@{self.host}:{self.port}"

    @staticmethod
    def database(user: str) -> str:
        """Each account has a database of its name."""
        return user

    @contextmanager
    def connected(self, user: str = "root", password: str | None = None, **options: Any) -> Iterator[Any]:
        connection = pymysql.connect(
            host=self.host, port=self.port, user=user, password=self.admin if password is None else password,
            autocommit=True, connect_timeout=5, **options,
        )  # fmt: skip
        try:
            yield connection
        finally:
            if connection.open:
                connection.close()

    def run(self, statement: str, *values: object) -> list[Row]:
        """Carry out one statement as root and return its rows."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def lets_in(self, user: str, password: str) -> bool:
        """Whether a login works."""
        try:
            with self.connected(user, password) as connection:
                connection.ping(reconnect=False)
        except pymysql.err.OperationalError:
            return False
        return True

    def user(
        self, *, at: str = "127.0.0.1", name: str | None = None, how: str = "mysql_native_password"
    ) -> tuple[str, str]:
        """Make an account that owns a database of its name; return its name and password."""
        name, password = name or "user_" + secrets.token_hex(4), secrets.token_urlsafe(24)
        self.run("CREATE USER %s@%s IDENTIFIED VIA " + how + " USING PASSWORD(%s)", name, at, password)
        self.run(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        self.run(f"GRANT ALL ON `{name}`.* TO %s@%s", name, at)
        return name, password

    def dsn(self, user: str, password: str, database: str = "") -> str:
        return f"mysql://{user}:{password}@{self.host}:{self.port}/{database or user}"

    @property
    def general_log(self) -> str:
        return (self.running.workspace.path / "general.log").read_text("utf-8", "replace")


def is_alive(connection: Any) -> bool:
    try:
        connection.ping(reconnect=False)
    except pymysql.MySQLError:
        return False
    return True


def program(name: str) -> str:
    found = which(name, path="/usr/sbin:/usr/bin:" + os.environ["PATH"])
    if found is None:
        raise Unavailable(f"{name} is not installed (Debian: mariadb-server)")
    return found


def start_mariadb(*options: str, tls: bool = False) -> MariaDB:
    """Make a data directory and start a server on it; `tls`: with a certificate of `authority.pem` beside it."""
    daemon, install = program("mariadbd"), program("mariadb-install-db")
    workspace, port, password = Workspace("maria"), free_port(), secrets.token_urlsafe(24)
    here: Path = workspace.path
    subprocess.run(  # type: ignore[call-overload]
        [
            install, "--no-defaults", f"--datadir={here}/data", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        ],
        cwd=here,
        env={"PATH": os.environ["PATH"], "HOME": str(here), "LC_ALL": "C.UTF-8"},
        check=True,
        capture_output=True,
        **unprivileged(),
    )  # fmt: skip
    made = make_certificates(workspace) if tls else None
    secure = [f"--ssl-cert={made.certificate}", f"--ssl-key={made.key}", f"--ssl-ca={made.authority}"] if made else []
    running = Running(
        [
            daemon, "--no-defaults", f"--datadir={here}/data", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={here}/m.sock", f"--pid-file={here}/m.pid", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--general-log=1",
            f"--general-log-file={here}/general.log", "--plugin-load-add=auth_ed25519", *secure, *options,
        ],
        workspace,
        stop=signal.SIGTERM,
    )  # fmt: skip
    server = MariaDB(port, password, running)
    running.await_answer(lambda: _first_login(server))
    return server


def _first_login(server: MariaDB) -> None:
    """Give every root of a fresh server a password: they begin with none."""
    door = server.running.workspace.path / "m.sock"
    door.stat()
    with server.connected(password="", unix_socket=str(door)) as connection:
        cursor = connection.cursor()
        # One at the machine's name is of no use to a server that resolves none, which refuses to change it.
        cursor.execute("DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '127.0.0.1')")
        cursor.execute("FLUSH PRIVILEGES")
        for at in ("127.0.0.1", "localhost"):
            cursor.execute(f"ALTER USER 'root'@'{at}' IDENTIFIED BY '{server.admin}'")


def stop_mariadb(server: MariaDB) -> None:
    server.running.stop()
    server.running.workspace.remove()
