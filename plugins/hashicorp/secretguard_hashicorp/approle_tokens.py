"""Tokens that were made with one secret id, as far as a server tells: a token has the metadata of its secret id.

It does not name the secret id itself. So what the tokens of the leaked one look like (its trace) is noted in the
metadata of the new one too: once the leaked one is destroyed, nobody else could say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Mode
from secretguard_hashicorp.approle import Role, metadata, secret_ids, settings_of
from secretguard_hashicorp.connection import whole
from secretguard_hashicorp.tokens import MARK, living, revoke

REPLACES = "secretguard_replaces"
"""The name in the metadata of a new secret id that holds when the leaked one was made, and by which rotation if any."""


@dataclass(frozen=True, slots=True)
class Trace:
    """By what the tokens of one secret id are known."""

    metadata: Mapping[str, str]
    created: str
    """ISO 8601, when the secret id was made."""

    def fits(self, role: Role, about: Mapping[str, Any]) -> bool:
        """Whether a token may have been made with that secret id."""
        carried = {str(name): str(one) for name, one in (about.get("meta") or {}).items()}
        return (
            about.get("path") == role.login
            and carried.get("role_name") == role.name
            and _own(carried) == self.metadata
            and whole(about.get("creation_time")) >= _second(self.created)
        )


def trace_of(about: Mapping[str, Any]) -> Trace:
    """Return the trace of a secret id that was looked up."""
    return Trace(_own(metadata(about)), str(about.get("creation_time", "")))


def trace_before(about: Mapping[str, Any]) -> Trace | None:
    """Return the trace of the one that a secret id of ours replaces."""
    noted = metadata(about)
    created, _, mark = noted.get(REPLACES, "").partition(" ")
    own = {name: one for name, one in _own(noted).items() if name != MARK}
    return Trace(own | ({MARK: mark} if mark else {}), created) if created else None


def successor(trace: Trace, context: Context) -> dict[str, str]:
    """Return the metadata of the secret id that replaces another one."""
    return {
        **trace.metadata,
        MARK: context.name,
        REPLACES: f"{trace.created} {trace.metadata.get(MARK, '')}".strip(),
    }


def fitting(role: Role, trace: Trace) -> list[str]:
    """Return the accessors of the living tokens that may have been made with a secret id. Raises IssuerError."""
    return [accessor for accessor, about in living(role.server) if trace.fits(role, about)]


def is_told(role: Role, trace: Trace, accessor: str) -> bool:
    """Whether no other secret id can have made these tokens: none has the same metadata, and none has vanished.

    `accessor` is that of the secret id itself. Raises IssuerError.
    """
    if MARK in trace.metadata:
        return True  # a rotation's name is given once
    said = settings_of(role)
    if whole(said.get("secret_id_num_uses")) or whole(said.get("secret_id_ttl")):
        return False
    return not any(_own(metadata(about)) == trace.metadata for one, about in secret_ids(role) if one != accessor)


def refuse_own(role: Role, trace: Trace) -> None:
    """Raise IssuerError if the token that we work with is one of these: it would end the rotation in the middle."""
    if trace.fits(role, role.server.look("get", "auth/token/lookup-self").data):
        raise IssuerError(
            "the token that you work with may have been made with the leaked secret id, and would be revoked with it",
            hint="Work with a token from elsewhere.",
        )


def end(role: Role, trace: Trace, context: Context) -> Iterator[str]:
    """Revoke the tokens of a secret id that is destroyed; yield evidence. Raises IssuerError.

    In graceful mode only if no other secret id can have made them.
    """
    told = is_told(role, trace, "")
    found = fitting(role, trace)
    if not told and context.mode is Mode.GRACEFUL:
        yield (
            f"{role}: {len(found)} living tokens may have been made with it, or with another one of the same metadata;"
            " they end with their time"
        )
        return
    for accessor in found:
        revoke(role.server, accessor)
    yield f"{role}: {len(found)} tokens that {'were' if told else 'may have been'} made with it are revoked"


def _own(carried: Mapping[str, str]) -> dict[str, str]:
    """Leave out what the server and a later rotation add."""
    return {name: one for name, one in carried.items() if name not in ("role_name", REPLACES)}


def _second(time: str) -> int:
    try:
        return int(datetime.fromisoformat(time).timestamp())
    except ValueError:
        return 0
