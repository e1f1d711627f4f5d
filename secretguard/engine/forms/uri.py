"""`scheme://user:password@host:port/database?options`, as RFC 3986 has it and as people really write it."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded
from secretguard.model import Endpoint
from secretguard.rules import SAMPLE_PASSWORDS, SAMPLE_USERS

MAX_URI = 2048
_STOP = re.compile(rb"[\s\"'`<>\\\x00-\x1f\x7f]")
_NEXT_URI = re.compile(r"[,;|]?\b[a-z][a-z0-9+.-]{1,30}://", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%a-z]{2,60}\]|%2[Ff][\w%.-]{1,120}|[\w.-]{1,253})(?::\d{1,5})?(?![\w:])")
_SECRET_PARAMETER = re.compile(r"[?&](?:amp;)?(user|username|password|pwd|passwd)=([^&;\s]+)", re.IGNORECASE)
_TRAILING = ".,;:!?)]}>|*_"


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one URI; the pattern's match is the scheme with `://`.

    The user ends at the first colon, the password at the last `@` before the path, so that a raw `@` in a
    password is kept; a raw `/`, `?` or `#` in it is kept if no `@` comes before.
    """
    if found.data[max(0, found.start - 5) : found.start].lower() == b"jdbc:":
        return  # the JDBC form reads it
    rest = _run(found.data, found.end)
    split = _split_userinfo(rest)
    if split is None:
        yield from _query_login(found, rest)
        return
    userinfo, after = split
    user, colon, password = userinfo.partition(":")
    hosts, database, length = _hosts(after)
    if not colon or not password or length is None:
        yield from _query_login(found, rest)
        return
    if user.lower() in SAMPLE_USERS and password.lower() in SAMPLE_PASSWORDS:
        return
    secret_start = found.end + _size(user) + 1
    yield Parts(
        found.start,
        found.end + _size(userinfo) + 1 + _size(after[:length]),
        _unquote(password),
        user=_unquote(user),
        endpoints=tuple(Endpoint(host, port, database) for host, port in hosts),
        form="uri",
        scheme=decoded(found.match[0]),
        encoding=("percent",) if re.search(r"%[0-9A-Fa-f]{2}", userinfo) else (),
        secret_start=secret_start,
        secret_end=secret_start + _size(password),
    )


def _run(data: bytes, start: int) -> str:
    """Return the text after the scheme up to a character that ends any URI, or the next URI."""
    window = data[start : start + MAX_URI]
    stop = _STOP.search(window)
    text = decoded(window[: stop.start()] if stop else window)
    following = _NEXT_URI.search(text)
    return text[: following.start()] if following else text


def _split_userinfo(rest: str) -> tuple[str, str] | None:
    """Split at the `@` that ends the userinfo; None if there is none."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        first, *others = authority.split(",")
        if others and "@" in first and all("@" in other and ":" in other for other in others):
            # Several hosts, each with its own userinfo: the first login speaks for all.
            userinfo, _, host = first.rpartition("@")
            hosts = ",".join([host, *(other.rpartition("@")[2] for other in others)])
            return userinfo, hosts + rest[len(authority) :]
        cut = authority.rindex("@")
        if ":" not in rest[:cut] and not _HOST.fullmatch(authority, cut + 1):
            # me@mail.net:pa#ss@host: the user is an address, and a raw # looks like the end of the authority.
            later = rest.rfind("@")
            cut = later if _HOST.match(rest, later + 1) else cut
        return rest[:cut], rest[cut + 1 :]
    if ":" not in authority or re.search(r":\d{1,5}$", authority):
        return None
    cut = rest.find("@", len(authority))
    after = rest[cut + 1 :]
    # A path can hold an @ too; only what looks like a host may follow the userinfo.
    return (rest[:cut], after) if cut > 0 and _HOST.match(after) and "&" not in rest[:cut] else None


def _hosts(after: str) -> tuple[list[tuple[str, int | None]], str, int | None]:
    """Return hosts with ports, the database, and how much of `after` belongs to the URI (None: not a host)."""
    hosts: list[tuple[str, int | None]] = []
    at = 0
    if after[:1] in ("$", "{", "<", "%") and not after.lower().startswith("%2f"):
        return [], "", _without_trailing(after)  # the host is a template: the login is still a literal
    if tcp := re.match(r"(?:tcp|unix)\(([^()\s]*)\)", after):
        host, _, port = tcp[1].rpartition(":") if ":" in tcp[1] else (tcp[1], "", "")
        hosts, at = [(host, port_number(port))], tcp.end()
    while not tcp and (match := _HOST.match(after, at)):
        name, _, port = match[0].rpartition(":") if re.search(r":\d+$", match[0]) else (match[0], "", "")
        hosts.append((unquote(name.strip("[]")).rstrip("."), port_number(port)))
        at = match.end()
        if after[at : at + 1] != ",":
            break
        at += 1
    if not hosts and after and after[0] not in "/?":
        return [], "", None
    path = re.match(r"/([\w.$%~-]{0,128})", after[at:])
    database = unquote(path[1]) if path else ""
    if after[at : at + 1] in ("/", "?", "#"):
        at = _without_trailing(after)
    return hosts, database.rstrip("."), at


def _without_trailing(text: str) -> int:
    """Return the length of `text` without the punctuation of the sentence around it."""
    return len(text.rstrip(_TRAILING))


def _query_login(found: Found, rest: str) -> Iterator[Parts]:
    """Yield a login given as `?user=…&password=…`."""
    given = {match[1].lower(): match for match in _SECRET_PARAMETER.finditer(rest)}
    password = given.get("password") or given.get("pwd") or given.get("passwd")
    if password is None:
        return
    user = given.get("user") or given.get("username")
    address = rest.rpartition("@")[2]
    hosts, database, _ = _hosts(address)
    start = found.end + _size(rest[: password.start(2)])
    owner = _unquote(user[2]) if user else _unquote(rest.partition("@")[0]) if "@" in rest.partition("?")[0] else ""
    yield Parts(
        found.start,
        found.end + _size(rest[: _without_trailing(rest)]),
        _unquote(password[2]),
        user=owner.partition(":")[0],
        endpoints=tuple(Endpoint(host, port, database) for host, port in hosts),
        form="uri",
        scheme=decoded(found.match[0]),
        secret_start=start,
        secret_end=start + _size(password[2]),
    )


def _unquote(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
