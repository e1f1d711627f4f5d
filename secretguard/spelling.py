"""The same spelling with another login: a URI, a JDBC URL, a libpq or ADO string, everything else in it as it was.

What cannot be taken apart with certainty gives None, and the caller builds the text from its parts.
"""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, unquote

from secretguard.model import Endpoint
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<login>[^/?#]*)@(?P<rest>[^@]*)", re.DOTALL)
_PARAMETER = re.compile(r"(?<=[?&;])(?P<name>user|username|password)=(?P<value>[^&;]*)", re.IGNORECASE)
_Quoting = Callable[[str], str]
_KEYWORD = re.compile(r"(?P<name>\b(?:user|password))\s*=\s*(?P<value>'(?:[^'\\]|\\.)*'|[^\s']*)")
_ADO = re.compile(
    r"(?P<name>(?<![\w ])[ \t]*(?:user ?id|user ?name|user|uid|password|pwd))[ \t]*=[ \t]*"
    r"(?P<value>\{(?:[^}]|\}\})*\}|\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[^;]*)",
    re.IGNORECASE,
)
_DRIVER = re.compile(r"(?:^|;)[ \t]*(?:driver|dsn)[ \t]*=", re.IGNORECASE)
"""Of ODBC, which quotes with braces only."""
_PASSWORD_NAMES = ("password", "pwd")
_SETTING = r"\w+[ \t]*=[ \t]*(?:'(?:[^'\\]|\\.)*'|[^\s\"';`)]+)(?=[\s\"'`)]|$)"
"""Of libpq; the options of a command (`--password=…`) are none."""
_WHOLE = (
    ("jdbc", re.compile(r"jdbc:[a-z][^\s\"'`<>]*")),
    (
        "uri",
        re.compile(
            r"(?:mssql|sqlserver)[A-Za-z0-9+.-]{0,40}://[^\s\"'`<>]*|[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s\"'`<>;]*"
        ),
    ),
    ("ado", re.compile(r"[^\r\n]+")),
    ("keyword", re.compile(rf"\b{_SETTING}(?:[ \t]+{_SETTING})+")),
)
"""What a whole spelling looks like inside a longer text, the surest first."""
ONE_STRING = ("token", "password", "url", "private-key")
"""Families whose credentials are one value: nothing is known of a user."""
_FORM_NAMES = {
    "user": "USER",
    "jdbc": "JDBC_URL",
    "keyword": "DSN",
    "ado": "ADO_STRING",
    "password": "PASSWORD",
    "quoted": "PASSWORD_QUOTED",
}
_PUNCTUATION = ".,;:!)]}"
"""Of the sentence around a URL."""
_HOLE = re.compile(r"[{}]")
"""In a URL: it is a template, and nobody connects with it as it is."""
_STAND_IN = "what-will-be-made"
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_LEAST = 6
"""Characters; a shorter value, found by itself, is mostly another word."""
_LONGEST = 4096
"""Characters on either side of a secret that are looked at: no connection string is longer."""


class Stretch(NamedTuple):
    """A part of a text that is one spelling of a login."""

    start: int
    end: int
    form: str


def around(text: str, start: int, end: int, leaked: Login) -> Stretch:
    """Return the widest spelling in `text` that holds the secret which stands at [start, end).

    Where it stands alone, its form is `password` or, percent-encoded, `quoted`.
    """
    stand_in = Login(leaked.user, Secret(_STAND_IN))
    first, last = max(0, start - _LONGEST), min(len(text), end + _LONGEST)
    near = text[first:last]
    for form, pattern in _WHOLE:
        for one in pattern.finditer(near):
            low, high = (at + first for at in one.span())
            if form == "uri" and high > end:
                high = max(low + _end_of_sentence(one[0]), end)
            is_cut = (low == first > 0) or (high == last < len(text))
            if low <= start and end <= high and (low, high) != (start, end) and not is_cut:
                if form == "uri" and _HOLE.search(text[low:start] + text[end:high]):
                    return Stretch(start, end, "quoted")
                spelling = Spelling(form, Secret(text[low:high]))
                if respelled(spelling, leaked, stand_in) is not None:
                    return Stretch(low, high, form)
    return Stretch(start, end, "password" if text[start:end] == leaked.secret.reveal() else "quoted")


def _end_of_sentence(url: str) -> int:
    return len(url.rstrip(_PUNCTUATION))


def respelled(spelling: Spelling, leaked: Login, new: Login) -> Secret | None:
    """Return `spelling` with `new` in the place of `leaked`; None where that is not certain."""
    if spelling.form == "user":
        return Secret(new.user) if spelling.text.reveal() == leaked.user and not spelling.encoding else None
    write = _WRITERS.get(spelling.form)
    text = write(spelling.text.reveal(), leaked, new) if write else None
    if write is None or text is None or write(text, new, leaked) is None:  # read back, it is the new login
        return None
    # An ordinary word may be the name of the user, the host or the database as well.
    is_word = spelling.form == "uri" and not is_telling(leaked.secret)
    if holds(text.partition("?")[2] if is_word else text, leaked.secret):
        return None
    for encoding in reversed(spelling.encoding):
        if encoding not in _ENCODERS:
            return None
        text = _ENCODERS[encoding](text)
    return Secret(text)


def in_bytes(value: str) -> bytes:
    """Return the bytes of a value: those of the file it was found in, where they were not UTF-8."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def is_telling(secret: Secret) -> bool:
    """Whether a value is long and odd enough to be recognised wherever it stands."""
    value = secret.reveal()
    return len(value) >= _LEAST and re.fullmatch(r"[a-z]+|[A-Z]?[a-z]+|[0-9]+", value) is None


def is_access_key(login: Login) -> bool:
    """Whether the user of a login is the id of an AWS access key: no secret, but a rotation always changes it."""
    return re.fullmatch(r"A[KS]IA[A-Z2-7]{16}", login.user) is not None


def holds(text: str, secret: Secret) -> bool:
    """Whether `text` holds the value, as it is or percent-encoded, or base64 or hex of a text that does."""
    value = secret.reveal()
    raw = in_bytes(value)
    forms = (value, quote(raw, safe=""), quote(raw))
    wrapped = _unwrapped(text, parts=len(value) >= _LEAST)
    return bool(value) and any(form in one for one in (text, *wrapped) for form in forms)


def _unwrapped(text: str, *, parts: bool) -> Iterator[str]:
    """Yield what base64 of either alphabet, padded or not, or hex stands for; `parts`: within a longer text, too."""
    whole = "".join(text.split())
    for run in dict.fromkeys((whole, *(_ENCODED.findall(text) if parts else ()))):
        bare = run.rstrip("=").translate(_URL_SAFE)
        for decode, one in ((_unbase64, bare + "=" * (-len(bare) % 4)), (bytes.fromhex, run)):
            with suppress(ValueError):
                yield decode(one).decode("utf-8", "surrogateescape")


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def place_of(text: str, secret: Secret) -> tuple[int, int]:
    """Return where the value stands in `text`, as it is or percent-encoded; the whole of it if it is not there."""
    value = secret.reveal()
    raw = in_bytes(value)
    for form in (value, quote(raw, safe=""), quote(raw)):
        if form and (at := text.find(form)) >= 0:
            return at, at + len(form)
    return 0, len(text)


def built(family: str, new: Login, endpoint: Endpoint | None) -> Secret:
    """Return a URI made of its parts."""
    at = endpoint or Endpoint("localhost")
    host = f"[{at.host}]" if ":" in at.host else at.host
    port = f":{at.port}" if at.port else ""
    path = f"/{_percent(at.database)}" if at.database else ""
    login = f"{_percent(new.user)}:{_percent(new.secret.reveal())}"
    return Secret(f"{_SCHEMES.get(family, family)}://{login}@{host}{port}{path}")


def password_of(text: Secret) -> Secret:
    """Return the password of a URL, decoded; the whole text if it is none, or has none."""
    found = _URI.fullmatch(text.reveal())
    password = found["login"].partition(":")[2] if found else ""
    return Secret(unquote(password)) if password else text


def dialect(spelling: Spelling) -> str:
    """Return the driver that a URI names (`asyncpg` of `postgresql+asyncpg://`), upper case; empty if none."""
    scheme = spelling.text.reveal().partition("://")[0] if spelling.form == "uri" else ""
    return re.sub(r"[^A-Za-z0-9]", "_", scheme.partition("+")[2]).upper()


def names_for(spelling: Spelling, main: str) -> Iterator[str]:
    """Yield names for a spelling beside `main`, the plainest first; the later ones tell it from others of its kind."""
    if spelling.form == "user" and is_access_key(Login(spelling.text.reveal(), spelling.text)):
        yield "AWS_ACCESS_KEY_ID"
    elif spelling.form == "user" and (of_password := re.fullmatch(r"(.+?)(?:PASSWORD|PASSWD|PASS|PWD)", main)):
        yield f"{of_password[1]}USER"  # PGUSER beside PGPASSWORD
    stem = re.sub(r"_(?:URL|URI|PASSWORD)$", "", main)
    driver = dialect(spelling)
    is_alone = spelling.form == "password" and not main.endswith(("_URL", "_URI"))
    name = f"{stem}_{_FORM_NAMES[spelling.form]}" if spelling.form in _FORM_NAMES and not is_alone else main
    name += f"_{driver}" if driver else ""
    name += "".join(f"_{one.upper()}" for one in spelling.encoding)
    yield name
    at = spelling.endpoints[0] if spelling.endpoints else Endpoint("")
    for more in (at.database, at.host.partition(".")[0], str(at.port or "")):
        if more:
            name += "_" + re.sub(r"[^A-Za-z0-9]+", "_", more).upper()
            yield name
    for number in range(2, 1000):
        yield f"{name}_{number}"


def _in_uri(text: str, leaked: Login, new: Login) -> str | None:
    found = _URI.fullmatch(text)
    if found is None or _HOLE.search(found["rest"]):
        return None
    user, _, password = found["login"].partition(":")
    if unquote(password) != leaked.secret.reveal() or (leaked.user and unquote(user) != leaked.user):
        return None
    user = _percent(new.user) if new.user or leaked.user else user
    return f"{found['scheme']}://{user}:{_percent(new.secret.reveal())}@{found['rest']}"


def _in_jdbc(text: str, leaked: Login, new: Login) -> str | None:
    return _replaced(_PARAMETER, text, leaked, new, read=unquote, write=_percent)


def _in_keywords(text: str, leaked: Login, new: Login) -> str | None:
    return _replaced(_KEYWORD, text, leaked, new, read=_libpq_plain, write=_libpq_quoted)


def _in_ado(text: str, leaked: Login, new: Login) -> str | None:
    if "=" not in text or ";" not in text:
        return None
    write = _odbc_quoted if _DRIVER.search(text) else _ado_quoted
    return _replaced(_ADO, text, leaked, new, read=_ado_plain, write=write)


def _alone(text: str, leaked: Login, new: Login) -> str | None:
    return new.secret.reveal() if text == leaked.secret.reveal() else None


def _alone_quoted(text: str, leaked: Login, new: Login) -> str | None:
    same = unquote(text) == leaked.secret.reveal()
    return _percent(new.secret.reveal()) if same else None


def _replaced(
    setting: re.Pattern[str], text: str, leaked: Login, new: Login, *, read: _Quoting, write: _Quoting
) -> str | None:
    """Return `text` with the login in its settings replaced; None if another login stands in it."""

    def is_password(one: re.Match[str]) -> bool:
        return one["name"].strip().lower() in _PASSWORD_NAMES

    if not any(is_password(one) for one in setting.finditer(text)):
        return None
    for one in setting.finditer(text):
        wanted = leaked.secret.reveal() if is_password(one) else leaked.user
        if (wanted or is_password(one)) and read(one["value"]) != wanted:
            return None

    def put(one: re.Match[str]) -> str:
        value = new.secret.reveal() if is_password(one) else new.user or read(one["value"])
        return one[0][: one.start("value") - one.start()] + write(value)

    return setting.sub(put, text)


def _libpq_plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith("'") else value


def _libpq_quoted(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _ado_plain(value: str) -> str:
    value = value.strip()
    if len(value) < 2:
        return value
    if value[0] + value[-1] == "{}":
        return value[1:-1].replace("}}", "}")
    return value[1:-1].replace(value[0] * 2, value[0]) if value[0] == value[-1] and value[0] in "\"'" else value


def _ado_quoted(value: str) -> str:
    if re.fullmatch(r"[^;{}\"'\s=]+", value):
        return value
    mark = "'" if '"' in value and "'" not in value else '"'
    return mark + value.replace(mark, mark * 2) + mark


def _odbc_quoted(value: str) -> str:
    return value if re.fullmatch(r"[^;{}\"'\s=]+", value) else "{" + value.replace("}", "}}") + "}"


def _percent(text: str) -> str:
    return quote(in_bytes(text), safe="")


def _base64(text: str) -> str:
    return base64.b64encode(in_bytes(text)).decode("ascii")


_WRITERS: dict[str, Callable[[str, Login, Login], str | None]] = {
    "uri": _in_uri,
    "jdbc": _in_jdbc,
    "keyword": _in_keywords,
    "ado": _in_ado,
    "password": _alone,
    "quoted": _alone_quoted,
}
_ENCODERS: dict[str, Callable[[str], str]] = {
    "base64": _base64,
    "hex": lambda text: in_bytes(text).hex(),
    "percent": _percent,
}
_SCHEMES = {"postgres": "postgresql"}
