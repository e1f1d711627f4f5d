"""The pattern's own groups say everything: one-string keys, and lines such as `.netrc`."""

from collections.abc import Iterator

from secretguard.engine.engines import family_named, nearest_family
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import neighbourhood
from secretguard.engine.values import unquote_if_base64_login
from secretguard.model import Endpoint


def parse(found: Found) -> Iterator[Parts]:
    """Yield the match with the groups `secret` (default: all of it), `user`, `host`, `port`, `database`.

    A group `engine` names the family; a group `login` holds base64 of `user:password`.
    """
    groups = found.match.re.groupindex
    start, end = found.match.span("secret") if "secret" in groups else found.match.span()
    if start < 0 or start == end:
        return
    secret = found.data[start:end].decode("utf-8", "surrogateescape")
    user, encoding = found.group("user"), list[str]()
    if "login" in groups and found.match["login"]:
        login = unquote_if_base64_login(found.group("login"))
        if login is None:
            return
        user, secret = login
        start, end = found.match.span("login")
        encoding.append("base64")
    host = found.group("host")
    endpoints = (Endpoint(host, port_number(found.group("port")), found.group("database")),) if host else ()
    yield Parts(
        found.start,
        found.end,
        secret,
        user=user,
        family=_family(found, start, end),
        endpoints=endpoints,
        form="assign" if found.rule.form == "token" and "secret" in groups else found.rule.form,
        encoding=tuple(encoding),
        secret_start=start,
        secret_end=end,
    )


def _family(found: Found, start: int, end: int) -> str:
    """Return the engine that the pattern's group names, or else the one spoken of nearby."""
    if found.rule.family != "database":
        return ""
    low, high = neighbourhood(found.data, found.start, found.end)
    return family_named(found.group("engine")) or nearest_family(found.data, low, high, (start, end))
