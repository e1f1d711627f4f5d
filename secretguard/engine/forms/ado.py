"""`Key=Value;` strings: ADO.NET, ODBC, OLE DB, Azure and StackExchange.Redis connection strings."""

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from secretguard.engine.engines import nearest_family
from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded, is_in_mid_line, shared_lines
from secretguard.engine.values import is_reference
from secretguard.model import Endpoint

_KNOWN = (
    rb"(?i:server|data source|address|addr|network address|host|hostname|user id|userid|user name|username|user|uid"
    rb"|password|passwd|pwd|database|initial catalog|driver|provider|dsn|port)"
)
_ENTITY = rb"&(?:amp|lt|gt|quot|apos|#\d{1,4});"
_PAIR = compiled(
    # `NAME=Server=…`: the name of the setting is not a key of the string.
    rb"(?:[A-Za-z_][\w.:]{0,60}[ \t]*=[ \t]*(?=" + _KNOWN + rb"[ \t]*=))?"
    rb"([A-Za-z][A-Za-z _]{1,30}?)[ \t]*=[ \t]*"
    rb"(\{(?:[^}\n]|\}\}){0,256}\}|\\?\"[^\"\\\n=]{0,128}\\?\"|'(?:[^'\n=]|''){0,128}'|'(?:[^'\s]|''){1,128}'(?=;)"
    rb"|&quot;[^\n=]{0,128}?&quot;|(?:" + _ENTITY + rb"|[^;\"'`\n<>]){0,512}+)"
    rb"[ \t]*(?=;|$|[\"'`<>\\\n])",
)
_USERS = ("userid", "user", "uid", "username")
_PASSWORDS = ("password", "pwd", "passwd")
_HOSTS = ("server", "datasource", "address", "addr", "networkaddress", "host", "hostname")
_LOGIN = frozenset(_USERS + _PASSWORDS + _HOSTS)
_OTHERS = frozenset((*_USERS, *_HOSTS, "dsn", "driver"))
"""One of them stands beside a password."""
_LEAST = 2
"""Bytes of a value; less is no password."""
_NOTHING = compiled(rb"(?<![\\\"'{&])[ \t]*;")
"""What stands behind the first character of such a value; a generated line may hold it a hundred thousand times."""
_DATABASES = ("database", "initialcatalog", "dbq")
_ENGINES = (
    ("postgres", "postgres"), ("npgsql", "postgres"), ("redshift", "postgres"), ("mysql", "mysql"),
    ("mariadb", "mysql"), ("oracle", "oracle"), ("oraoledb", "oracle"), ("mongodb", "mongodb"),
    ("snowflake", "snowflake"), ("clickhouse", "clickhouse"), ("sqlserver", "mssql"), ("sql server", "mssql"),
    ("sqloledb", "mssql"), ("sqlncli", "mssql"), ("msoledbsql", "mssql"), ("freetds", "mssql"),
)  # fmt: skip


@dataclass(slots=True)
class _String:
    """Settings that belong together."""

    start: int
    end: int = 0
    given: dict[str, bytes] = field(default_factory=dict)
    """The values as written, by key."""
    passwords: list[re.Match[bytes]] = field(default_factory=list)


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one string; the pattern's match is the password key with its value."""
    if _NOTHING.match(found.data, found.end):
        return
    strings = found.once(_strings, shared_lines(found.data, found.start, found.end, 1024))
    at = bisect_right(strings, found.start, key=attrgetter("start")) - 1
    if at < 0:
        return
    one = strings[at]
    mine = next((pair for pair in one.passwords if pair.start() <= found.start < pair.end()), None)
    if mine is None or _OTHERS.isdisjoint(one.given) or len(mine[2].strip()) < _LEAST or _is_template(decoded(mine[2])):
        return
    secret, host, user = (_first(one.given, keys) for keys in (_PASSWORDS, _HOSTS, _USERS))
    if not secret or not (host or user or "dsn" in one.given or "driver" in one.given):
        return
    name, port = _address(host, _value(one.given.get("port", b"")))
    yield Parts(
        one.start,
        one.end,
        secret,
        user=user,
        family=_family(found, one.given, port),
        endpoints=(Endpoint(name, port, _first(one.given, _DATABASES)),) if name else (),
        form="ado",
        secret_start=mine.start(2),
        secret_end=mine.end(2),
    )


def _strings(data: bytes, low: int, high: int) -> list[_String]:
    """Return the strings in `data[low:high]`, in order of place; one ends where its login would begin again."""
    found: list[_String] = []
    is_cut = is_in_mid_line(data, low)
    for pair in _PAIR.finditer(data, low, high):
        key = decoded(pair[1]).lower().replace(" ", "").replace("_", "")
        last = found[-1] if found else None
        # Of a string whose begin is cut off nothing is missed behind its password, mostly.
        is_over = last and ((key in _LOGIN and key in last.given) or (is_cut and len(found) == 1 and last.passwords))
        if last is None or is_over or data[last.end : pair.start()].strip() != b";":
            found.append(last := _String(pair.start()))
        last.end = pair.end()
        last.given.setdefault(key, pair[2])
        if key in _PASSWORDS:
            last.passwords.append(pair)
    return found


def _first(given: dict[str, bytes], keys: tuple[str, ...]) -> str:
    return next((value for key in keys if key in given and (value := _value(given[key]))), "")


def _is_template(raw: str) -> bool:
    """Whether braces hold a name (an f-string) rather than quote a value, as ODBC does."""
    if raw.startswith("{") and raw.endswith("}"):
        return re.fullmatch(r"\{[a-z_]*\d*(?:[._][a-z0-9_.]+)*\}", raw) is not None or raw.startswith("{{")
    return is_reference(raw)


def _value(raw: bytes) -> str:
    text = html.unescape(decoded(raw)).strip()
    text = text.removeprefix("\\").removesuffix("\\") if text[:2] == '\\"' else text
    if len(text) >= 2 and text[0] + text[-1] in ("{}", '""', "''"):
        quote = text[-1]
        return text[1:-1].replace(quote * 2, quote)
    return text


def _address(host: str, port: str) -> tuple[str, int | None]:
    r"""`tcp:host,1433`, `host:5432`, `host\instance`, or a host with a port of its own."""
    name = host.removeprefix("tcp:")
    name, _, tail = (
        name.partition(",") if "," in name else name.partition(":") if name.count(":") == 1 else (name, "", "")
    )
    return name.partition("\\")[0].strip("()"), port_number(port or tail.strip())


def _family(found: Found, given: dict[str, bytes], port: int | None) -> str:
    engine = " ".join(_value(given.get(key, b"")) for key in ("driver", "provider")).lower()
    for word, family in _ENGINES:
        if word in engine:
            return family
    by_port = {5432: "postgres", 6432: "postgres", 3306: "mysql", 1521: "oracle", 1433: "mssql"}
    if port in by_port:
        return by_port[port]
    if engine.strip():
        return "odbc"
    if {"host", "username"} <= given.keys():
        return "postgres"  # Npgsql's words; SQL Server's are Server and User Id
    named = nearest_family(found, (found.start, found.end), (found.start, found.end))
    return named if named in ("postgres", "mysql", "oracle") else found.rule.family
