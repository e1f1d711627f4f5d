"""Servers as people name them: HOST or HOST:PORT, and what goes by several names without being several."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from secretguard.errors import UsageError
from secretguard.model import Endpoint
from secretguard.rotation import Answer

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


def silent(asked: Sequence[Server], answers: Mapping[Endpoint, Answer], alive: Sequence[Endpoint]) -> list[Endpoint]:
    """Return which of `answers` are to be left out of the proof; raises UsageError for a server that answers.

    `alive`: where the leaked value was seen to work. At one server of these it has to be seen to be dead.
    """
    chosen = [one for one in answers if any(server.covers(one) for server in asked)]
    for one in chosen:
        if answers[one] is Answer.WORKS:
            raise UsageError(
                f"{said(one)} lets the leaked value in: it cannot be left out",
                hint="Nothing was done. Leave out only what never answers.",
            )
        if answers[one] is Answer.REFUSED:
            raise UsageError(f"{said(one)} answers, so it is not left out", hint="Nothing was done; name the others.")
    if chosen and not [one for one in alive if one not in chosen]:
        raise UsageError(
            "no server would be left at which the leaked value is seen to be dead",
            hint="Nothing was done. A rotation closes only when at least one server refuses the leaked value.",
        )
    return chosen


def said(endpoint: Endpoint) -> str:
    """Return an endpoint as a person would write it."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    port = f":{endpoint.port}" if endpoint.port else ""
    return f"{host}{port}" + (f"/{endpoint.database}" if endpoint.database else "")
