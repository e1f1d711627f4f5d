"""RabbitMQ from Debian, with its management API. It takes ten seconds to start: one for all tests."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import amqp
import requests

from tests.servers.certificates import make_certificates
from tests.servers.processes import Running, Unavailable, Workspace, free_port

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not the wrapper on PATH, which insists on root and its own directories."""


@dataclass
class RabbitMQ:
    """One running broker. `admin` is the password of the administrator `keeper`."""

    port: int
    tls_port: int
    """With a certificate of `authority.pem` in its directory."""
    api_port: int
    admin: str
    running: Running
    environment: dict[str, str]

    host = "127.0.0.1"
    keeper = "keeper"
    rotator, family, kind = "rabbitmq", "amqp", "amqp-uri"

    @staticmethod
    def database(user: str) -> str:
        """The virtual host."""
        return "/"

    @property
    def operator(self) -> str:
        """Where the management API is, with the administrator's login."""
        return f"http://{self.keeper}:{self.admin}@{self.host}:{self.api_port}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call of the management API as administrator."""
        answer = requests.request(
            method,
            f"http://{self.host}:{self.api_port}/api/{path}",
            json=body,
            auth=(self.keeper, self.admin),
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def user(self, *, name: str | None = None, tags: str = "", vhost: str = "/") -> tuple[str, str]:
        """Make a user with rights in a virtual host; return its name and password."""
        name, password = name or "user_" + secrets.token_hex(4), secrets.token_urlsafe(24)
        self.ask("PUT", f"users/{name}", {"password": password, "tags": tags})
        self.ask(
            "PUT", f"permissions/{quote(vhost, safe='')}/{name}", {"configure": f"^{name}", "write": ".*", "read": ".*"}
        )
        return name, password

    @contextmanager
    def connected(self, user: str, password: str, vhost: str = "/") -> Iterator[Any]:
        connection = amqp.Connection(
            f"{self.host}:{self.port}", user, password, login_method="PLAIN", virtual_host=vhost, connect_timeout=5
        )
        connection.connect()
        try:
            yield connection
        finally:
            with suppress(Exception):
                connection.close()

    def lets_in(self, user: str, password: str) -> bool:
        """Whether a login works."""
        try:
            with self.connected(user, password):
                return True
        except amqp.AccessRefused:
            return False

    def dsn(self, user: str, password: str) -> str:
        return f"amqp://{user}:{password}@{self.host}:{self.port}/%2F"


def is_alive(connection: Any) -> bool:
    try:
        connection.drain_events(timeout=0.2)
    except TimeoutError:
        return True
    except (amqp.AMQPError, OSError):
        return False
    return True


def start_rabbitmq() -> RabbitMQ:
    if not PROGRAM.exists():
        raise Unavailable("RabbitMQ is not installed (Debian: rabbitmq-server)")
    workspace, password = Workspace("rabbit"), secrets.token_urlsafe(24)
    port, api_port, distribution, epmd = free_port(), free_port(), free_port(), free_port()
    tls_port, made = free_port(), make_certificates(workspace)
    here = workspace.path
    workspace.write("plugins", "[rabbitmq_management].\n")
    configuration = workspace.write(
        "rabbitmq.conf",
        f"""listeners.tcp.default = 127.0.0.1:{port}
listeners.ssl.default = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {made.authority}
ssl_options.certfile = {made.certificate}
ssl_options.keyfile = {made.key}
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
management.tcp.ip = 127.0.0.1
management.tcp.port = {api_port}
default_user = {RabbitMQ.keeper}
default_pass = {password}
loopback_users = none
log.console = true
log.console.level = debug
log.file = false
disk_free_limit.absolute = 1MB
""",
    )
    environment = {
        "RABBITMQ_NODENAME": f"t{port}@localhost",
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_MNESIA_BASE": f"{here}/mnesia",
        "RABBITMQ_LOG_BASE": f"{here}/logs",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/plugins",
        "RABBITMQ_PID_FILE": f"{here}/pid",
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    running = Running([PROGRAM], workspace, environment=environment, stop=signal.SIGKILL)
    server = RabbitMQ(port, tls_port, api_port, password, running, environment)
    running.await_answer(lambda: _first_login(server), seconds=120)  # on a busy machine ten become forty
    return server


def _first_login(server: RabbitMQ) -> None:
    server.ask("GET", "whoami")
    with server.connected(server.keeper, server.admin):
        pass


def stop_rabbitmq(server: RabbitMQ) -> None:
    server.running.kill()
    _end_port_mapper(server.environment["ERL_EPMD_PORT"])
    server.running.workspace.remove()


def _end_port_mapper(port: str) -> None:
    """End the daemon that stays behind, on a port of our own; it refuses until it has noticed that its node is gone."""
    program = shutil.which("epmd")
    until = time.monotonic() + 5
    while program and time.monotonic() < until:
        done = subprocess.run(
            [program, "-port", port, "-kill"],
            env={"PATH": os.environ["PATH"], "ERL_EPMD_ADDRESS": "127.0.0.1"},
            check=False,
            capture_output=True,
        )
        if b"not allowed" not in done.stdout + done.stderr:
            return
        time.sleep(0.05)
