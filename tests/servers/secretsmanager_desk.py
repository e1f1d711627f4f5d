"""One secret of Secrets Manager, and the operator who works on it."""

import secrets
from typing import Any

import secretguard_aws.store as store

from secretguard.reference import SecretReference
from secretguard.rotation import Context
from secretguard.testing.stores import a_rotation, plain, secret_fields
from tests.servers.strict_secretsmanager import (
    Stored,
    StrictSecretsManager,
    Version,
    binary,
)


class Desk:
    """One secret of the service, and the operator who works on it."""

    def __init__(self, service: StrictSecretsManager) -> None:
        self.service = service
        self.reference = SecretReference("awssecrets", f"team/app-{secrets.token_hex(4)}", "")
        self.context = self.rotation()

    def rotation(self, host: str = "127.0.0.1") -> Context:
        environ = self.service.environ(AWS_ENDPOINT_URL=self.service.url.replace("127.0.0.1", host))
        return Context(environ=environ, rotation=a_rotation(), timeout=5.0)

    def somebody_else(self) -> Context:
        """Another process: calls to one host wait for each other within one."""
        return self.rotation("localhost")

    def holds(self, text: str | None, data: bytes | None = None, **about: Any) -> str:
        """Let the secret have one current version; return its id."""
        name = secrets.token_hex(16)
        version = Version(text, binary(data) if data else None, 1.0, {"AWSCURRENT"})
        self.service.stored[self.reference.path] = Stored(self.reference.path, about, {name: version})
        return name

    def stage(self, **values: str) -> None:
        store.stage(self.reference, secret_fields(values), self.context)

    def publish(self) -> None:
        store.publish(self.reference, self.context)

    @property
    def seen(self) -> dict[str, str] | None:
        return plain(store.read(self.reference, self.context))

    @property
    def stored(self) -> Stored:
        return self.service.stored[self.reference.path]

    @property
    def text(self) -> str | None:
        """What AWS gives to any reader."""
        return self.stored.versions[self.stored.holder("AWSCURRENT") or ""].text

    def stops(self) -> str:
        return " ".join(
            one.what + one.hint for one in store.preflight(self.reference, self.context).findings if one.stops
        )
