"""`Key=Value;` strings: ADO.NET, ODBC, OLE DB, Azure and StackExchange.Redis connection strings."""

import html
import re
from collections.abc import Iterator

from secretguard.engine.engines import nearest_family
from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded, enclosing_lines, neighbourhood
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
    rb"|&quot;[^\n=]{0,128}?&quot;|(?:" + _ENTITY + rb"|[^;\"'`\n<>]){0,512})"
    rb"[ \t]*(?=;|$|[\"'`<>\\\n])",
)
_USERS = ("userid", "user", "uid", "username")
_PASSWORDS = ("password", "pwd", "passwd")
_HOSTS = ("server", "datasource", "address", "addr", "networkaddress", "host", "hostname")
_LEAST = 2
"""Bytes of a value; less is no password, and a generated line may hold it a hundred thousand times."""
_MOST = 16
"""Settings on each side of the password; a generated line holds thousands that belong to nothing."""
_DATABASES = ("database", "initialcatalog", "dbq")
_ENGINES = (
    ("postgres", "postgres"), ("npgsql", "postgres"), ("redshift", "postgres"), ("mysql", "mysql"),
    ("mariadb", "mysql"), ("oracle", "oracle"), ("oraoledb", "oracle"), ("mongodb", "mongodb"),
    ("snowflake", "snowflake"), ("clickhouse", "clickhouse"), ("sqlserver", "mssql"), ("sql server", "mssql"),
    ("sqloledb", "mssql"), ("sqlncli", "mssql"), ("msoledbsql", "mssql"), ("freetds", "mssql"),
)  # fmt: skip


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one string; the pattern's match is the password key with its value."""
    low, high = enclosing_lines(found.data, found.start, found.end, 1024)
    pairs = list(_PAIR.finditer(found.data, low, high))
    mine = next((n for n, pair in enumerate(pairs) if pair.start() <= found.start < pair.end()), None)
    if mine is None or len(pairs[mine][2].strip()) < _LEAST:
        return
    first = last = mine
    while first > max(0, mine - _MOST) and found.data[pairs[first - 1].end() : pairs[first].start()].strip() == b";":
        first -= 1
    most = min(len(pairs), mine + _MOST)
    while last + 1 < most and found.data[pairs[last].end() : pairs[last + 1].start()].strip() == b";":
        last += 1
    given: dict[str, str] = {}
    for pair in pairs[first : last + 1]:
        given.setdefault(re.sub(r"[ _]", "", decoded(pair[1]).lower()), _value(pair[2]))
    secret = next((given[key] for key in _PASSWORDS if given.get(key)), "")
    if _is_template(decoded(pairs[mine][2])):
        return
    host = next((given[key] for key in _HOSTS if given.get(key)), "")
    user = next((given[key] for key in _USERS if given.get(key)), "")
    if not secret or not (host or user or "dsn" in given or "driver" in given):
        return
    name, port = _address(host, given.get("port", ""))
    database = next((given[key] for key in _DATABASES if given.get(key)), "")
    yield Parts(
        pairs[first].start(),
        pairs[last].end(),
        secret,
        user=user,
        family=_family(found, given, port),
        endpoints=(Endpoint(name, port, database),) if name else (),
        form="ado",
        secret_start=pairs[mine].start(2),
        secret_end=pairs[mine].end(2),
    )


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


def _family(found: Found, given: dict[str, str], port: int | None) -> str:
    engine = f"{given.get('driver', '')} {given.get('provider', '')}".lower()
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
    low, high = neighbourhood(found.data, found.start, found.end)
    named = nearest_family(found.data, low, high, (found.start, found.end))
    return named if named in ("postgres", "mysql", "oracle") else found.rule.family
