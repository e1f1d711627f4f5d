"""`jdbc:engine://host:port/database?user=…&password=…`, with `;` lists and Oracle's thin `user/password@`."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded
from secretguard.engine.values import is_reference
from secretguard.model import Endpoint

_RUN = re.compile(rb"[^\s\"'`<>\\]{1,2000}")
_PARAMETER = re.compile(r"[?&;:](?:amp;)?([A-Za-z]+)=(\{[^}]*\}|[^&;\s]*)")
_ADDRESS = re.compile(r"//(?:([^@/\s]*)@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)?(?:\\\w+)?(?::(\d{1,5}))?(?:/([\w.$-]*))?")
_THIN = re.compile(
    r"([\w$#]{1,30})/(\"[^\"]*\"|[^@\s/]{1,64})@(?://|\()?(?:([\w.-]+)(?::(\d{1,5}))?(?:[:/]([\w.$-]+))?)?"
)
_PASSWORDS = ("password", "pwd", "passwd")
_USERS = ("user", "username", "uid", "userid")


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one JDBC URL; the pattern's match is `jdbc:subprotocol:`."""
    run = _RUN.match(found.data, found.end)
    if run is None:
        return
    rest = decoded(run[0])
    thin = _THIN.match(rest)
    if thin and "//" not in rest[: thin.start(2)]:
        endpoint = Endpoint(thin[3], port_number(thin[4] or ""), thin[5] or "") if thin[3] else None
        yield _parts(found, rest, thin[1], thin[2].strip('"'), thin.span(2), endpoint)
        return
    given = {match[1].lower(): match for match in _PARAMETER.finditer(rest)}
    address = _ADDRESS.search(rest)
    endpoint = None
    if address and address[2]:
        named = next((given[name][2] for name in ("databasename", "database") if name in given), "")
        endpoint = Endpoint(address[2].strip("[]"), port_number(address[3] or ""), address[4] or named)
    user = next((unquote(given[name][2]) for name in _USERS if name in given), "")
    password = next((given[name] for name in _PASSWORDS if name in given), None)
    if password and password[2] and not is_reference(password[2]):
        yield _parts(found, rest, user, unquote(password[2].strip("{}")), password.span(2), endpoint)
    elif address and address[1] and ":" in address[1]:
        # Not valid for the drivers, but seen in the wild.
        login, _, secret = address[1].partition(":")
        yield _parts(
            found, rest, unquote(login), unquote(secret), (address.end(1) - len(secret), address.end(1)), endpoint
        )


def _parts(found: Found, rest: str, user: str, secret: str, span: tuple[int, int], endpoint: Endpoint | None) -> Parts:
    before, value = rest[: span[0]], rest[span[0] : span[1]]
    start = found.end + len(before.encode("utf-8", "surrogateescape"))
    return Parts(
        found.start,
        found.end + len(rest.rstrip(".,;)]}").encode("utf-8", "surrogateescape")),
        secret,
        user=user,
        endpoints=(endpoint,) if endpoint else (),
        form="jdbc",
        scheme=decoded(found.match[0]),
        secret_start=start,
        secret_end=start + len(value.encode("utf-8", "surrogateescape")),
    )
