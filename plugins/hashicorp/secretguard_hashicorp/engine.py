"""The database engine of Vault and OpenBao: which of its roles a leaked login belongs to, and what it says of it.

SECRETGUARD_VAULT_ROLE names the role, `ROLE` or `MOUNT/ROLE`; without a mount it is `database`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Finding, Login, Target
from secretguard.secret import Secret
from secretguard_hashicorp.connection import Answer, Vault, checked, vault

ROLE = "SECRETGUARD_VAULT_ROLE"
MOUNT = "database"
_MOST_ROLES = 2000
_VERIFIER = "scram-sha-256"
"""With it the server sends PostgreSQL a verifier that it made itself, and no password."""


@dataclass(frozen=True, slots=True)
class Role:
    """One role of one mounted engine."""

    server: Vault
    mount: str
    name: str

    def at(self, operation: str) -> str:
        """Return the API path of `static-creds`, `rotate-role`, `creds` … of this role."""
        return f"{self.mount}/{operation}/{self.name}"

    def __str__(self) -> str:
        return f"{self.mount}/{self.name} at {self.server.host}"


def asked_role(context: Context) -> Role | None:
    """Return the role that the operator named; raises IssuerError if that is no name."""
    server, said = vault(context), context.environ.get(ROLE, "").strip("/ ")
    if not said:
        return None
    mount, _, name = checked(said, IssuerError).rpartition("/")
    return Role(server, mount or MOUNT, name)


def static_role(target: Target, context: Context) -> Role:
    """Return the static role of the leaked login's user; raises IssuerError."""
    asked = asked_role(context)
    if asked is not None:
        return asked
    server = vault(context)
    listed = server.look("get", f"{MOUNT}/static-roles?list=true")
    if listed.status == 403:
        raise server.denied("look for the static role", f"{MOUNT}/static-roles", "list")
    for name in (listed.data.get("keys") or ())[:_MOST_ROLES]:
        role = Role(server, MOUNT, checked(str(name), IssuerError))
        if _told(role, "static-roles").data.get("username") == target.leaked.user:
            return role
    raise IssuerError(
        f"{server.host} has no static role for the user {target.leaked.user} in its engine {MOUNT}/",
        hint=f"Name the role, with its engine: {ROLE}=database/app",
    )


def said_of(role: Role, kind: str) -> Mapping[str, Any]:
    """Return what is configured of a role; `kind` is static-roles or roles. Raises IssuerError."""
    answer = _told(role, kind)
    if answer.status == 404:
        raise IssuerError(f"there is no such role: {role}", hint=f"{ROLE}=MOUNT/ROLE names it.")
    return answer.data


def credentials(role: Role) -> Login:
    """Return what the server has of a static role. Raises IssuerError."""
    answer = role.server.look("get", role.at("static-creds"))
    if answer.status != 200:
        raise role.server.denied("read the password of that role", role.at("static-creds"), "read")
    return Login(str(answer.data.get("username", "")), Secret(str(answer.data.get("password", ""))))


def connection_details(role: Role, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how the server reaches the database of a role, without its password; empty where we may not look."""
    name = str(said.get("db_name", ""))
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        return {}
    details = role.server.look("get", f"{role.mount}/config/{name}").data.get("connection_details")
    wanted = ("username", "connection_url", "password_authentication")
    return {one: details.get(one) or "" for one in wanted} if isinstance(details, Mapping) else {}


def database_findings(role: Role, details: Mapping[str, Any], target: Target) -> Iterator[Finding]:
    """Yield what is to be known of the database behind a role."""
    if not details:
        yield Finding(
            f"the database of {role} cannot be looked at: whether {target.leaked.user} is the login with which"
            f" {role.server.host} itself manages it stays unseen",
            f'path "{role.mount}/config/*" {{ capabilities = ["read"] }} lets us look.',
        )
        return
    if details["username"] == target.leaked.user:
        yield Finding(
            f"{target.leaked.user} is the login with which {role.server.host} itself manages the database",
            "Only rotate-root changes it there, after which nobody can read it, and which a crash can lose for good:"
            " make sure that a second superuser works, and do it by hand.",
            stops=True,
        )
    if details["password_authentication"] != _VERIFIER:
        yield Finding(
            f"{role.server.host} sends new passwords to the database in plain text, where they are logged",
            "Write password_authentication=scram-sha-256 to the engine's configuration of that database.",
        )


def _told(role: Role, kind: str) -> Answer:
    answer = role.server.look("get", role.at(kind))
    if answer.status == 403:
        raise role.server.denied("look at that role", role.at(kind), "read")
    return answer
