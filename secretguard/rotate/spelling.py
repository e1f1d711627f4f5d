"""The same spelling with another login: a URI, a JDBC URL or a libpq string, everything else in it as it was.

What cannot be taken apart with certainty gives None, and the caller builds the text from its parts.
"""

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from secretguard.model import Endpoint
from secretguard.rotate.wording import in_bytes
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<login>[^/?#]*)@(?P<rest>[^@]*)", re.DOTALL)
_PARAMETER = re.compile(r"(?<=[?&;])(?P<name>user|username|password)=(?P<value>[^&;]*)", re.IGNORECASE)
_Quoting = Callable[[str], str]
_KEYWORD = re.compile(r"(?P<name>\b(?:user|password))\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|[^\s']*)")


def respelled(spelling: Spelling, leaked: Login, new: Login) -> Secret | None:
    """Return `spelling` with `new` in the place of `leaked`; None where that is not certain."""
    write = _WRITERS.get(spelling.form)
    text = write(spelling.text.reveal(), leaked, new) if write else None
    if text is None or holds(text, leaked.secret) or not holds(text, new.secret):
        return None
    return Secret(text)


def holds(text: str, secret: Secret) -> bool:
    """Whether `text` holds the value, as it is or percent-encoded."""
    value = secret.reveal()
    raw = in_bytes(value)
    return bool(value) and any(form in text for form in (value, quote(raw, safe=""), quote(raw)))


def built(family: str, new: Login, endpoint: Endpoint | None) -> Secret:
    """Return a URI made of its parts."""
    at = endpoint or Endpoint("localhost")
    host = f"[{at.host}]" if ":" in at.host else at.host
    port = f":{at.port}" if at.port else ""
    path = f"/{quote(at.database, safe='')}" if at.database else ""
    login = f"{quote(new.user, safe='')}:{quote(new.secret.reveal(), safe='')}"
    return Secret(f"{_SCHEMES.get(family, family)}://{login}@{host}{port}{path}")


def dialect(spelling: Spelling) -> str:
    """Return the driver that a URI names (`asyncpg` of `postgresql+asyncpg://`), upper case; empty if none."""
    scheme = spelling.text.reveal().partition("://")[0] if spelling.form == "uri" else ""
    return re.sub(r"[^A-Za-z0-9]", "_", scheme.partition("+")[2]).upper()


def _in_uri(text: str, leaked: Login, new: Login) -> str | None:
    found = _URI.fullmatch(text)
    if found is None:
        return None
    user, _, password = found["login"].partition(":")
    if unquote(password) != leaked.secret.reveal() or (leaked.user and unquote(user) != leaked.user):
        return None
    login = f"{quote(new.user, safe='')}:{quote(new.secret.reveal(), safe='')}"
    return f"{found['scheme']}://{login}@{found['rest']}"


def _in_jdbc(text: str, leaked: Login, new: Login) -> str | None:
    return _replaced(_PARAMETER, text, leaked, new, read=unquote, write=lambda value: quote(value, safe=""))


def _in_keywords(text: str, leaked: Login, new: Login) -> str | None:
    return _replaced(_KEYWORD, text, leaked, new, read=_libpq_plain, write=_libpq_quoted)


def _replaced(
    setting: re.Pattern[str], text: str, leaked: Login, new: Login, *, read: _Quoting, write: _Quoting
) -> str | None:
    """Return `text` with the login in its settings replaced; None if a password in it is not the leaked one."""
    for one in setting.finditer(text):
        if one["name"].lower() == "password" and read(one["value"]) != leaked.secret.reveal():
            return None

    def put(one: re.Match[str]) -> str:
        value = new.secret.reveal() if one["name"].lower() == "password" else new.user
        return one[0][: one.start("value") - one.start()] + write(value)

    return setting.sub(put, text)


def _libpq_plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _libpq_quoted(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WRITERS: dict[str, Callable[[str, Login, Login], str | None]] = {
    "uri": _in_uri,
    "jdbc": _in_jdbc,
    "keyword": _in_keywords,
}
_SCHEMES = {"postgres": "postgresql"}
