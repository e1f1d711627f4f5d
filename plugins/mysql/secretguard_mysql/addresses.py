"""Where a leaked login and an operator's login lead: what of a spelling is taken, and what is not."""

import re
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Login, Target
from secretguard.secret import Secret

DEFAULT_PORT = 3306
STRICTNESS = ("prefer", "require", "verify-ca", "verify-identity")
"""How TLS is wanted: where the server has it · always · with a certificate of a known authority · for this host."""
_MODES = {
    "required": "require",
    "require": "require",
    "trust": "require",
    "skip-verify": "require",
    "verify_ca": "verify-ca",
    "verify-ca": "verify-ca",
    "verify_identity": "verify-identity",
    "verify-full": "verify-identity",
}
_MODE = re.compile(r"(?:ssl-?_?mode|tls)\s*=\s*['\"]?(?P<mode>[A-Za-z_-]+)", re.IGNORECASE)
_SWITCH = re.compile(
    r"(?P<name>useSSL|requireSSL|ssl|verifyServerCertificate|ssl_verify_cert|ssl_verify_identity)"
    r"\s*=\s*['\"]?(?:true|1)\b",
    re.IGNORECASE,
)
_SWITCHES = {"verifyservercertificate": "verify-ca", "ssl_verify_cert": "verify-ca"} | {
    "ssl_verify_identity": "verify-identity"
}
_EXAMPLE = "It resolves to one such as mysql://USER:PASSWORD@HOST:PORT."


class Address(NamedTuple):
    """One server and database, and how strictly its identity is checked."""

    host: str
    port: int
    database: str = ""
    tls: str = STRICTNESS[0]

    @property
    def where(self) -> str:
        """Host and port, the breaker's name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.where}/{self.database}" if self.database else self.where


class Admin(NamedTuple):
    """An operator's login, and the one server it is for: it goes to no other."""

    login: Login
    address: Address

    def is_for(self, other: Address) -> bool:
        """Whether an address is that server's, by whatever name."""
        mine = self.address
        return other.where == mine.where or (
            other.port == mine.port and not _numbers(other.host).isdisjoint(_numbers(mine.host))
        )


def _numbers(host: str) -> set[str]:
    """Return the IP addresses of a host; every loopback address is this machine."""
    found: set[str] = set()
    with suppress(OSError, UnicodeError):
        found = {str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return {"loopback" if ip_address(one).is_loopback else one for one in found}


def addresses(target: Target) -> tuple[Address, ...]:
    """Return the distinct addresses that the leaked login opens, as strict about TLS as the strictest spelling."""
    found = (
        Address(one.host, one.port or DEFAULT_PORT, one.database, _strictest(target, one))
        for one in target.endpoints
        if one.host
    )
    return tuple(dict.fromkeys(found))


def servers(target: Target) -> tuple[Address, ...]:
    """Return one address a server."""
    return tuple({one.where: one for one in reversed(addresses(target))}.values())


def admin_of(target: Target) -> Admin | None:
    """Return the operator's login; raises IssuerError, which never repeats what was given."""
    if target.admin is None:
        return None
    text = target.admin.reveal().strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    except ValueError:
        raise IssuerError("the admin reference is no DSN", hint=_EXAMPLE) from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in ("mysql", "mariadb") or not (parts.username and parts.password and host):
        raise IssuerError("the admin reference is no DSN with user, password and host", hint=_EXAMPLE)
    login = Login(unquote(parts.username), Secret(unquote(parts.password)))
    return Admin(login, Address(host, port, "", strictness(parts.query)))


def strictness(text: str) -> str:
    """Return the strictest TLS mode that a text asks for."""
    modes = [_MODES.get(one["mode"].lower(), STRICTNESS[0]) for one in _MODE.finditer(text)]
    modes += ["verify-identity" for one in _MODE.finditer(text) if one["mode"].lower() == "true"]  # of Go's driver
    modes += [_SWITCHES.get(one["name"].lower(), "require") for one in _SWITCH.finditer(text)]
    return max(modes, key=STRICTNESS.index, default=STRICTNESS[0])


def _strictest(target: Target, endpoint: Endpoint) -> str:
    beside = (
        strictness(one.text.reveal())
        for one in target.spellings
        if any(at.host == endpoint.host for at in one.endpoints)
    )
    return max(beside, key=STRICTNESS.index, default=STRICTNESS[0])
