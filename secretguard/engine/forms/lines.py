"""The pattern's own groups say everything: one-string keys, and lines such as `.netrc`."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from secretguard.engine.engines import family_named, nearest_family
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.values import unbase64, unquote_if_base64_login
from secretguard.model import Endpoint

_SPELLINGS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "secret": ("", str),
    "secret_base64": ("base64", unbase64),
    "secret_percent": ("percent", lambda text: unquote(text, errors="surrogateescape")),
    "secret_escaped": ("", lambda text: re.sub(r"\\(.)", r"\1", text)),
}
"""How a group's name says its text is to be read."""


def parse(found: Found) -> Iterator[Parts]:
    """Yield the match with the groups `secret` (default: all of it), `user`, `host`, `port`, `database`.

    A group `engine` names the family; `login` holds base64 of `user:password`; `secret_base64`, `secret_percent` and
    `secret_escaped` hold the secret in another spelling.
    """
    group = next((name for name in ("login", *_SPELLINGS) if found.group(name)), "")
    if not group and not {"login", *_SPELLINGS}.isdisjoint(found.match.re.groupindex):
        return  # the part of the pattern that holds the secret took no part, or is empty
    start, end = found.match.span(group or 0)
    user, secret, encoding = found.group("user").strip("\"'`"), None, ""
    if group == "login":
        user, secret = unquote_if_base64_login(found.group(group)) or ("", None)
        encoding = "base64"
    else:
        text = found.data[start:end].decode("utf-8", "surrogateescape")
        encoding, read = _SPELLINGS[group or "secret"]
        secret = read(text)
        encoding = encoding if secret != text else ""
    if not secret:
        return
    host = found.group("host")
    yield Parts(
        found.start,
        found.end,
        secret,
        user=user,
        family=_family(found, start, end),
        endpoints=(Endpoint(host, port_number(found.group("port")), found.group("database")),) if host else (),
        form="assign" if found.rule.form == "token" and group else found.rule.form,
        encoding=(encoding,) if encoding else (),
        secret_start=start,
        secret_end=end,
    )


def _family(found: Found, start: int, end: int) -> str:
    """Return the engine that the pattern's group names, or else the one spoken of nearby."""
    if found.rule.family != "database":
        return ""
    named = family_named(found.group("engine"))
    return named or nearest_family(found, (found.start, found.end), (start, end), of_database=True)
