"""Where a leaked login and an operator's login lead: what of a spelling is taken, and what is not."""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Login, Target
from secretguard.secret import Secret

DEFAULT_PORT = 6379
_TLS = re.compile(r"^(?:rediss|valkeys)[:+]|(?:[?&,;\s]|^)(?:ssl|tls)\s*=\s*(?:true|1)\b", re.IGNORECASE)
_PLAIN, _ENCRYPTED = ("redis", "valkey"), ("rediss", "valkeys")
_EXAMPLE = "It resolves to one such as rediss://USER:PASSWORD@HOST:PORT."


class Address(NamedTuple):
    """One server; `tls`: with a certificate that is checked, which `rediss://` means."""

    host: str
    port: int
    tls: bool = False

    @property
    def where(self) -> str:
        """Host and port, the breaker's name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Admin(NamedTuple):
    """An operator's login, and the one server it is for: it goes to no other."""

    login: Login
    address: Address


def address(target: Target, endpoint: Endpoint) -> Address:
    """Return the address of an endpoint; with TLS if any spelling that names its host wants it."""
    beside = (one for one in target.spellings if any(at.host == endpoint.host for at in one.endpoints))
    return Address(endpoint.host, endpoint.port or DEFAULT_PORT, any(_TLS.search(one.text.reveal()) for one in beside))


def servers(target: Target) -> tuple[Address, ...]:
    """Return the distinct servers that the leaked login opens."""
    return tuple(dict.fromkeys(address(target, one) for one in target.endpoints if one.host))


def admin_of(target: Target) -> Admin | None:
    """Return the operator's login; raises IssuerError, which never repeats what was given."""
    if target.admin is None:
        return None
    try:
        parts = urlsplit(target.admin.reveal().strip())
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    except ValueError:
        raise IssuerError("the admin reference is no Redis URL", hint=_EXAMPLE) from None
    if parts.scheme not in _PLAIN + _ENCRYPTED or not (parts.password and host):
        raise IssuerError("the admin reference is no Redis URL with password and host", hint=_EXAMPLE)
    login = Login(unquote(parts.username or ""), Secret(unquote(parts.password)))
    return Admin(login, Address(host, port, parts.scheme in _ENCRYPTED))
