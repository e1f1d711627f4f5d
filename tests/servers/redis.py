"""Redis 7 from Debian: users in an ACL file, in redis.conf, or nowhere but in memory."""

import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.certificates import make_certificates
from tests.servers.processes import Running, Unavailable, Workspace, free_port


@dataclass
class Redis:
    """One running server. `admin` is the password of the user `admin`, who may do everything."""

    port: int
    admin: str
    running: Running
    command: list[str | Path] = field(default_factory=list)

    host = "127.0.0.1"
    rotator, family, kind = "redis", "redis", "redis-uri"

    @property
    def operator(self) -> str:
        """The login of `admin`, as `--admin` takes it."""
        return f"redis://admin:{self.admin}@{self.host}:{self.port}"

    @staticmethod
    def database(user: str) -> str:
        return "0"

    @contextmanager
    def connected(self, user: str = "admin", password: str | None = None) -> Iterator[Any]:
        client = redis.Redis(
            self.host, self.port, username=user, password=password or self.admin, decode_responses=True,
            single_connection_client=True, socket_timeout=5, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        try:
            yield client
        finally:
            client.close()

    def run(self, *words: str) -> Any:
        """Carry out one command as the administrator."""
        with self.connected() as client:
            return client.execute_command(*words)

    def lets_in(self, user: str, password: str) -> bool:
        """Whether a login works."""
        try:
            with self.connected(user, password) as client:
                client.execute_command("ACL", "WHOAMI") if user == "admin" else client.execute_command(
                    "AUTH", user, password
                )
        except redis.AuthenticationError:
            return False
        return True

    def user(self, *rights: str, name: str | None = None) -> tuple[str, str]:
        """Make a user; return its name and password."""
        name, password = name or "user_" + secrets.token_hex(4), secrets.token_urlsafe(24)
        self.run("ACL", "SETUSER", name, "on", f">{password}", "~*", "&*", "+@all", *rights)
        return name, password

    def passwords(self, user: str) -> set[str]:
        """The digests of a user's passwords."""
        return set(self.run("ACL", "GETUSER", user)["passwords"])

    @contextmanager
    def watched(self) -> Iterator[bytearray]:
        """All that MONITOR tells meanwhile."""
        heard = bytearray()

        def listen() -> None:
            with suppress(OSError):
                while chunk := watcher.recv(65536):
                    heard.extend(chunk)

        with socket.create_connection((self.host, self.port)) as watcher:
            watcher.sendall(f"AUTH admin {self.admin}\r\nMONITOR\r\n".encode())
            watcher.recv(100)
            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            yield heard
            watcher.shutdown(socket.SHUT_RDWR)
            listener.join()

    def restart(self) -> None:
        self.running.stop()
        self.running = Running(self.command, self.running.workspace, stop=signal.SIGTERM)
        self.running.await_answer(lambda: self.run("PING"))

    def dsn(self, user: str, password: str) -> str:
        return f"redis://{user}:{password}@{self.host}:{self.port}/0"


def is_alive(client: Any) -> bool:
    try:
        client.execute_command("ACL", "WHOAMI")
    except redis.RedisError:
        return False
    return True


def start_redis(*settings: str, users: str = "acl-file", tls: bool = False) -> Redis:
    """Start a server; `users`: where they live, `acl-file`, `conf` or `memory`; `settings` are lines of redis.conf.

    `tls`: also at another port, with a certificate of `authority.pem` beside it.
    """
    program = which("redis-server")
    if program is None:
        raise Unavailable("redis-server is not installed (Debian: redis-server)")
    workspace, port, password = Workspace("redis"), free_port(), secrets.token_urlsafe(24)
    admin = f"user admin on >{password} ~* &* +@all"
    lines = ["bind 127.0.0.1", f"port {port}", f"dir {workspace.path}", 'save ""', "appendonly no", *settings]
    if tls:
        made = make_certificates(workspace)
        lines += [f"tls-port {free_port()}", "tls-auth-clients no", f"tls-ca-cert-file {made.authority}"]
        lines += [f"tls-cert-file {made.certificate}", f"tls-key-file {made.key}"]
    if users == "acl-file":
        acl = workspace.write("users.acl", f"user default off\n{admin}\n")
        lines.append(f"aclfile {acl}")
    if users == "conf":
        lines.append(admin)
    command: list[str | Path] = [program, workspace.write("redis.conf", "\n".join(lines) + "\n")]
    if users == "memory":
        command = [program]
        for line in lines:
            name, _, value = line.partition(" ")
            command += [f"--{name}", value.strip('"')]
        command += ["--user", *admin.split(" ")[1:]]
    server = Redis(port, password, Running(command, workspace, stop=signal.SIGTERM), command)
    server.running.await_answer(lambda: server.run("PING"))
    return server


def stop_redis(server: Redis) -> None:
    server.running.stop()
    server.running.workspace.remove()
