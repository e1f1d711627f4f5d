"""The living tokens of a server, seen through their accessors: whose they are, and their end.

A rotation writes its name into what it has made, by which something whose value was lost on the way is found.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Context
from secretguard_hashicorp.connection import Hidden, Vault

MARK = "secretguard"
"""The name in metadata that holds the rotation's."""
RIGHTS: Mapping[str, tuple[str, ...]] = {
    "auth/token/accessors": ("list", "sudo"),
    "auth/token/lookup-accessor": ("update",),
    "auth/token/revoke-accessor": ("update",),
}
"""What one needs to find and to end them."""
_MOST_TOKENS = 20_000


def living(server: Vault) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the accessor of each token, and what the server knows about it. Raises IssuerError."""
    listed = server.look("get", "auth/token/accessors?list=true")
    if listed.status == 403:
        raise server.denied("look which tokens there are", "auth/token/accessors", "list", "sudo")
    accessors = listed.data.get("keys") or ()
    if len(accessors) > _MOST_TOKENS:
        raise IssuerError(f"{server.host} has more than {_MOST_TOKENS} tokens, too many to look at each")
    for accessor in accessors:
        found = server.look("post", "auth/token/lookup-accessor", Hidden({"accessor": accessor}))
        if found.status == 403 and not found.says("invalid accessor"):
            raise server.denied("look at a token", "auth/token/lookup-accessor", "update")
        if found.data:  # else it has ended since
            yield str(accessor), found.data


def made_by(server: Vault, context: Context) -> list[str]:
    """Return the accessors of the tokens that this rotation had made. Raises IssuerError."""
    return [accessor for accessor, about in living(server) if (about.get("meta") or {}).get(MARK) == context.name]


def revoke(server: Vault, accessor: str) -> None:
    """Revoke a token, its children and its leases; that it is gone already is as good. Raises IssuerError."""
    answer = server.change("post", "auth/token/revoke-accessor", Hidden({"accessor": accessor}))
    if answer.status >= 300 and not answer.says("invalid accessor"):
        raise server.denied("revoke a token", "auth/token/revoke-accessor", "update")
