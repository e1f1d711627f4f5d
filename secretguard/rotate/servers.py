"""Servers as people name them: HOST or HOST:PORT, and what goes by several names without being several."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from secretguard.errors import UsageError
from secretguard.model import Endpoint

_SERVER = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<host>[^:\s/@\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_HERE = "localhost"


class Server(NamedTuple):
    """What an operator names on the command line."""

    host: str
    port: int | None = None
    """None: whatever is at that host."""

    def __str__(self) -> str:
        return said(Endpoint(self.host, self.port))

    def covers(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is this server; one that names no port has the usual one, whichever that is."""
        return host_of(endpoint.host) == host_of(self.host) and (
            self.port is None or endpoint.port in (self.port, None)
        )


def server(text: str) -> Server:
    """Return what HOST, HOST:PORT or an IPv6 address (in brackets before a port) says; raises UsageError."""
    try:
        return Server(str(ipaddress.IPv6Address(text)))
    except ValueError:
        found = _SERVER.fullmatch(text)
    if found is None:
        raise UsageError("that is not the name of a server", hint="Write HOST or HOST:PORT, without user and scheme.")
    return Server(found["bracketed"] or found["host"], int(found["port"]) if found["port"] else None)


def host_of(name: str) -> str:
    """Return one name for each host. Every loopback address is this machine; what DNS says is its owner's to choose."""
    name = name.rstrip(".").casefold()
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return name
    number = getattr(number, "ipv4_mapped", None) or number
    return _HERE if number.is_loopback or number.is_unspecified else str(number)


def hosts(endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """Return the distinct hosts, each as it was first named: databases and ports of one are in one hand."""
    return tuple({host_of(one.host): one.host for one in reversed(tuple(endpoints))}.values())[::-1]


def divided(
    endpoints: Sequence[Endpoint], alive: Sequence[Endpoint]
) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
    """Return the endpoints at hosts where the leaked value was seen to work, and the others.

    Only the first are given the new value: whoever runs one of the others is nobody that was confirmed.
    """
    known = {host_of(one.host) for one in alive or endpoints}
    near = tuple(one for one in endpoints if host_of(one.host) in known)
    return near, tuple(one for one in endpoints if one not in near)


def said(endpoint: Endpoint) -> str:
    """Return an endpoint as a person would write it."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    port = f":{endpoint.port}" if endpoint.port else ""
    return f"{host}{port}" + (f"/{endpoint.database}" if endpoint.database else "")
