"""Where a leaked login and an operator's login lead: what of a spelling is taken, and what is not."""

import re
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Login, Target
from secretguard.secret import Secret
from secretguard_postgres.connect import Address, driver

DEFAULT_PORT = 5432
_STRICTNESS = ("prefer", "require", "verify-ca", "verify-full")
_TLS = re.compile(r"(?:^|[?&;\s])(?:sslmode|ssl)\s*=\s*'?(?P<mode>[A-Za-z-]+)", re.IGNORECASE)
_DRIVER = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://", re.IGNORECASE)


class Admin(NamedTuple):
    """An operator's login and the servers it is for."""

    login: Login
    addresses: tuple[Address, ...]


def addresses(target: Target) -> tuple[Address, ...]:
    """Return the distinct addresses that the leaked login opens, each as strict about TLS as all its spellings are."""
    found = (
        Address(one.host, one.port or DEFAULT_PORT, one.database, _strictness(target, one))
        for one in target.endpoints
        if one.host
    )
    return tuple(dict.fromkeys(found))


def _strictness(target: Target, endpoint: Endpoint) -> str:
    """Return the `sslmode` that every spelling of a server asks for at least; nothing else beside it is taken.

    Of several the least strict one decides: its application connects so, and TLS is used wherever it is to be had.
    """
    modes = [
        _mode_in(spelling.text)
        for spelling in target.spellings
        if any((at.host, at.port) == (endpoint.host, endpoint.port) for at in spelling.endpoints)
    ]
    return min(modes, key=_STRICTNESS.index, default=_STRICTNESS[0])


def _mode_in(text: Secret) -> str:
    """Return the strictest mode that one spelling names."""
    modes = [_mode(one["mode"].lower()) for one in _TLS.finditer(text.reveal())]
    return max(modes, key=_STRICTNESS.index, default=_STRICTNESS[0])


def _mode(word: str) -> str:
    if word == "true":
        return "require"
    return word if word in _STRICTNESS else _STRICTNESS[0]


def admin_of(target: Target) -> Admin | None:
    """Return the operator's login; raises IssuerError, which never repeats what was given."""
    return None if target.admin is None else _parsed(target.admin)


def _parsed(reference: Secret) -> Admin:
    """Take a URI or a libpq string apart; every option but login, address and sslmode is left out."""
    given = _options(reference)
    login = Login(given.get("user", ""), Secret(given.get("password", "")))
    hosts, ports = given.get("host", "").split(","), given.get("port", "").split(",")
    if not login.user or not given.get("password") or not all(hosts):
        raise IssuerError(
            "the admin reference names no user, no password or no host",
            hint="It resolves to a DSN such as postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )
    if len(ports) == 1:
        ports *= len(hosts)
    mode = _mode(given.get("sslmode", ""))
    database = given.get("dbname") or "postgres"
    return Admin(
        login,
        tuple(
            Address(host, int(port) if port.isdigit() else DEFAULT_PORT, database, mode)
            for host, port in zip(hosts, ports, strict=False)
        ),
    )


def _options(reference: Secret) -> dict[str, str]:
    psycopg = driver()
    text = _DRIVER.sub("postgresql://", reference.reveal().strip())
    try:
        parsed = psycopg.pq.Conninfo.parse(text.encode())
    except (psycopg.Error, UnicodeError):
        parsed = None
    if parsed is None:  # raised out here: libpq's own words repeat what it could not read
        raise IssuerError(
            "the admin reference is no DSN",
            hint="It resolves to one such as postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )
    return {one.keyword.decode(): one.val.decode() for one in parsed if one.val is not None}
