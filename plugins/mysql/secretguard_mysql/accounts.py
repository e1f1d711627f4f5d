"""Accounts as MariaDB keeps them: several ways into each, which an operator's login can see and change."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Login, Target
from secretguard.secret import Secret
from secretguard_mysql.connect import Connection, rows
from secretguard_mysql.passwords import NATIVE, PLUGINS, barred, stored_form

_PLUGIN = re.compile(r"[A-Za-z0-9_]{1,64}")
_NO_PASSWORD = ("", "unix_socket")
"""Ways in that no password opens."""


class Way(NamedTuple):
    """One way into an account: a plugin and what it keeps."""

    plugin: str
    kept: str = ""


class Account(NamedTuple):
    """`user@host`, with the ways into it in the order in which the server tries them."""

    user: str
    host: str
    ways: tuple[Way, ...]

    @property
    def by(self) -> str:
        """The plugins of its ways in."""
        return " or ".join(one.plugin for one in self.ways)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}"


class Ways(NamedTuple):
    """The ways that a rotation is about."""

    leaked: Way
    new: Way | None
    bar: Way

    @property
    def ours(self) -> set[Way]:
        """Those that make an account one of this rotation's."""
        return {self.leaked, self.bar} | ({self.new} if self.new else set())


def ways_of(target: Target, new: Login | None, context: Context) -> Ways:
    """Return the leaked way, the new one and the bar that stands for neither."""
    return Ways(
        Way(NATIVE, stored_form(NATIVE, target.leaked.secret)),
        Way(NATIVE, stored_form(NATIVE, new.secret)) if new else None,
        Way(NATIVE, barred(context.name)),
    )


def accounts(connection: Connection, user: str) -> list[Account]:
    """Return all accounts of a name, whatever host they are for; needs SELECT on mysql.global_priv."""
    found = rows(connection, "SELECT Host, Priv FROM mysql.global_priv WHERE BINARY User = %s", user)
    return [Account(user, str(host), _ways(json.loads(privileges))) for host, privileges in found]


def ours(connection: Connection, user: str, ways: Ways) -> list[Account]:
    """Return the accounts of a name that the leaked password opened: the form that is kept of it proves it."""
    return [one for one in accounts(connection, user) if ways.ours & set(one.ways)]


def _ways(privileges: dict[str, Any]) -> tuple[Way, ...]:
    """Take the JSON of mysql.global_priv apart; an empty alternative stands for what is said at the top."""
    alternatives = privileges.get("auth_or") or [{}]
    chosen = (one if "plugin" in one else privileges for one in alternatives)
    return tuple(Way(str(one.get("plugin", "")), str(one.get("authentication_string", ""))) for one in chosen)


def opened_by(every: Sequence[Account], secret: Secret) -> list[Account]:
    """Return the accounts that a password opens, as what the server keeps of it shows."""
    return [one for one in every if any(_is_of(way, secret) for way in one.ways)]


def untold(every: Sequence[Account]) -> list[Account]:
    """Return the accounts with a way in of which nobody can see whether a password opens it."""
    known = (*PLUGINS, *_NO_PASSWORD)
    return [one for one in every if any(way.plugin not in known for way in one.ways)]


def _is_of(way: Way, secret: Secret) -> bool:
    return way.plugin in PLUGINS and bool(way.kept) and way.kept == stored_form(way.plugin, secret)


def give(connection: Connection, account: Account, ways: tuple[Way, ...]) -> None:
    """Make `ways` the ways into an account; everything else about it stays. Raises IssuerError."""
    if not ways or not all(_PLUGIN.fullmatch(one.plugin) for one in ways):
        raise IssuerError(f"{account} has a way in that is not understood, and is left as it is")
    parts = [f"`{one.plugin}`" + (" USING %s" if one.kept else "") for one in ways]
    kept = [one.kept for one in ways if one.kept]
    rows(connection, f"ALTER USER %s@%s IDENTIFIED VIA {' OR '.join(parts)}", account.user, account.host, *kept)


def end_sessions(connection: Connection, account: Account) -> None:
    """Send out everybody who is in as `account`."""
    rows(connection, "KILL USER %s@%s", account.user, account.host)
