"""One login spread over several settings: `DB_HOST` / `DB_USER` / `DB_PASSWORD`, object literals, manifests."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from secretguard.engine.engines import FAMILY_OF_PORT, family_named, nearest_family
from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.settings import Setting, neighbours, settings
from secretguard.engine.text import enclosing_lines, neighbourhood
from secretguard.engine.values import is_hash, is_reference
from secretguard.model import Endpoint

_PASSWORD = compiled(r"(?:password|passwd|passphrase|pass|pwd|pw|secret)\d?$")
_WORDS = {
    "user": "user username user_name usr login uid userid user_id role rolename default_user",
    "host": "host hosts hostname host_name server addr address endpoint url jdbc_url url_host data_source",
    "port": "port url_port",
    "database": "name database db dbname db_name database_name initial_catalog vhost url_database",
    "engine": "engine dialect client type adapter driver connection driver_class_name drivername provider image",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_IMPLIED_USER = {
    "mysql_root": "root",
    "mariadb_root": "root",
    "sa": "sa",
    "mssql_sa": "sa",
    "postgresql_postgres": "postgres",
    "elastic": "elastic",
}
_NOT_A_VALUE = compiled(
    r"^(?:str|string|text|bytes|int|bool|boolean|char|object|any|none|null|nil|true|false|optional|required|undefined|yes|no|on|off"
    r"|password|passwd|pass|pwd|pw|secret|username|user|value|env|self|this|input|prompt|ask|default|omit|Secret|SecretStr)$"
    r"|^[A-Z]\w*(?:\.[A-Z]\w*)+$|^\w+\.\w+(?:\.\w+)*$",
    re.IGNORECASE,
)
_NAME_OF_SECRET = compiled(
    r"^[A-Za-z]+(?:[_.-][A-Za-z]+)*[_.-](?:PASSWORD|PASSWD|PASS|PWD|SECRET|KEY|TOKEN)$", re.IGNORECASE
)
_COMMAND_LINE = compiled(
    rb"\b(?:psql|pg_dump|pg_dumpall|pg_restore|pgbench|createdb|dropdb|pg_isready|vacuumdb"
    rb"|mysql|mysqldump|mysqladmin|mariadb)\b"
)
_USER_RESOURCE = compiled(rb"resource[ \t]+\"\w*(?:user|role|login)\w*\"[^{}]{0,80}\{[^{}]*$")
"""Terraform: the block is a user, so its `name` is the user's."""
_FLAGS = {
    "U": "user", "u": "user", "user": "user", "username": "user", "h": "host", "host": "host", "p": "port", "P": "port",
    "port": "port", "d": "database", "dbname": "database", "D": "database", "database": "database",
}  # fmt: skip


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login whose password stands in the setting that the pattern's match names.

    Settings belong together when they share the key's prefix (`DB_`, `spring.datasource.`) and stand within
    eight lines; the nearest one wins, inside the same braces if those hold any.
    """
    # Most passwords in code are lookups: look at the setting itself before its neighbours.
    low, high = neighbourhood(found.data, found.start, found.end)
    own_low, own_high = max(low, found.start - 128), min(high, found.end + 768)
    mine = _setting_at(found, settings(found.data, own_low, own_high))
    if mine is None or not _is_literal(found, mine):
        return
    around = settings(found.data, low, high)
    mine = _setting_at(found, around)
    prefix = _prefix(mine.key) if mine else None
    if mine is None or prefix is None or mine.start != found.start:
        return
    siblings = _siblings(found, around, mine, prefix)
    encoded = _in_kubernetes_data(found.data, mine.start)
    secret = _plain(mine.value) if encoded else mine.value
    if secret is None:
        return
    siblings = {role: (_plain(value) or value) if encoded else value for role, value in siblings.items()}
    host, own_port, own_database = _address(siblings.get("host", ""))
    port = port_number(siblings.get("port", "")) or own_port
    family = _family(found, prefix, siblings, port, mine)
    bare = prefix in ("", "set_", "the_")
    if bare and family == found.rule.family and not (siblings.get("user") and host):
        return  # a password of something: the generic rule's business
    if bare and not siblings.get("user") and not host:
        return
    yield Parts(
        mine.start,
        mine.value_end + (1 if mine.quoted else 0),
        secret,
        user=siblings.get("user", "") or _IMPLIED_USER.get(prefix.rstrip("_"), ""),
        family=family,
        endpoints=(Endpoint(host, port, _database(siblings.get("database", "")) or own_database),) if host else (),
        form="split",
        encoding=("base64",) if encoded else (),
        secret_start=mine.value_start,
        secret_end=mine.value_end,
    )


def _address(value: str) -> tuple[str, int | None, str]:
    """Return host, port and database that `value` names: a host, `host:port`, or a (JDBC) URL; empty if none."""
    named = re.fullmatch(
        r"(?:(?:jdbc:)?[a-z][a-z0-9+:.-]{0,40}://)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]{1,253})"
        r"(?::(\d+))?(?:[/;]([\w.-]*)\S*)?",
        value,
    )
    if named is None or re.fullmatch(r"\d+|[._-]+|\w{1,2}", named[1]):
        return "", None, ""
    return named[1].strip("[]"), port_number(named[2] or ""), (named[3] or "") if value.startswith("jdbc:") else ""


def _database(value: str) -> str:
    return value if re.fullmatch(r"[\w$.-]{1,64}", value) else ""


def _setting_at(found: Found, around: Sequence[Setting]) -> Setting | None:
    inside = [
        one for one in around if one.start <= found.start < one.start + len(one.key.encode("utf-8", "surrogateescape"))
    ]
    return min(inside, key=lambda one: one.value_start, default=None)


def _is_literal(found: Found, setting: Setting) -> bool:
    value = setting.value
    if not value or is_reference(value) or is_hash(value) or len(value) > 256:
        return False
    if _NAME_OF_SECRET.match(value):
        return False
    if setting.quoted:
        return value == value.strip() and value[0] not in "\"'`"  # else the quotes are two, around what is between
    if _NOT_A_VALUE.match(value) or "(" in value or value[0] in "&*[|>@!{=:" or value.startswith(("//", "--")):
        return False
    if setting.key.isupper():
        return True
    # Bare words are values in YAML, ini and properties files, one to a line; elsewhere they are code.
    low, high = enclosing_lines(found.data, setting.start, setting.value_end, 512)
    line = found.data[low:high]
    yaml = re.match(rb"^[ \t-]*[\"']?[\w.-]+[\"']?[ \t]*:[ \t]+\S+[ \t]*\r?$", line)
    ini = re.match(rb"^[\w.-]+[ \t]*=[ \t]*\S+[ \t]*\r?$", line)
    spaced_code = re.search(rb"\w[ \t]+=[ \t]+[A-Za-z_]+[ \t]*;?\r?$", line) is not None
    return bool(yaml or ini) and not spaced_code


def _snake(key: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.replace("-", "_").replace(".", "_"))
    return re.sub(r"__+", "_", spaced.lower())


def _prefix(key: str) -> str | None:
    """Return what stands before the password word, in snake case; None if the key is no password's."""
    snake = _snake(key)
    word = _PASSWORD.search(snake)
    return snake[: word.start()] if word else None


def _siblings(found: Found, around: Sequence[Setting], mine: Setting, prefix: str) -> dict[str, str]:
    """Return the values of the settings that belong to the password's, by role.

    Those inside the same braces come first; where they name no host, one outside them may (nested options).
    """
    block = _braces(found.data, mine.start, around)
    flags = _COMMAND_LINE.search(found.data, *enclosing_lines(found.data, mine.start, mine.value_end, 1024)) is not None
    named = _USER_RESOURCE.search(found.data, max(0, mine.start - 512), mine.start) is not None
    roles: dict[str, str] = {}
    for only_block in (True, False):
        for other in neighbours(around, mine):
            if only_block and not (block and block[0] <= other.start < block[1]):
                continue
            role = "user" if named and other.key == "name" else _role(other.key, prefix, flags=flags)
            if role and role not in roles and _is_companion(other) and not _is_variable(found.data, mine, other):
                roles[role] = other.value
        if "host" in roles:
            break
    return roles


def _role(key: str, prefix: str, *, flags: bool) -> str | None:
    if flags and (role := _FLAGS.get(key)):
        return role
    snake = _snake(key)
    # EMAIL_HOST_PASSWORD stands beside EMAIL_HOST, RABBITMQ_DEFAULT_PASS beside RABBITMQ_HOST.
    shorter = re.sub(r"(?:host|default|root|admin|initdb_root)_$", "", prefix)
    longer = "elasticsearch_" if prefix == "elastic_" else prefix
    for stem in dict.fromkeys((prefix, shorter, longer)):
        rest = snake[len(stem) :] if snake.startswith(stem) else ""
        if rest in ("name", "hosts") and not stem and not key.isupper():
            continue  # Django's NAME is a database; `name:` is anything, and Ansible's `hosts:` all of them
        if rest in _ROLES:
            return _ROLES[rest]
    return None


def _is_companion(setting: Setting) -> bool:
    value = setting.value
    return bool(value) and len(value) < 200 and value not in ("true", "false", "new") and not is_reference(value)


def _is_variable(data: bytes, mine: Setting, other: Setting) -> bool:
    """Whether `other` is a variable: `user = app` beside `password = "…"`, where a literal has quotes."""
    if other.quoted or not mine.quoted or other.key.isupper() or not other.value.isidentifier():
        return False
    return data[other.start + len(other.key) : other.value_start] == b" = "


def _braces(data: bytes, at: int, around: Sequence[Setting]) -> tuple[int, int] | None:
    """Return the span of the innermost braces around `at` that hold another setting."""
    low, high = neighbourhood(data, at, at + 1)
    depth = 0
    for start in range(at - 1, low - 1, -1):
        byte = data[start : start + 1]
        if byte in b")}]":
            depth += 1
        elif byte in b"({[":
            depth -= 1
            if depth < 0:
                end = _closing(data, at, high)
                if sum(start < one.start < end for one in around) > 1:
                    return start, end
                depth = 0
    return None


def _closing(data: bytes, at: int, high: int) -> int:
    depth = 0
    for end in range(at, high):
        byte = data[end : end + 1]
        if byte in b"({[":
            depth += 1
        elif byte in b")}]":
            depth -= 1
            if depth < 0:
                return end
    return high


def _family(found: Found, prefix: str, siblings: dict[str, str], port: int | None, mine: Setting) -> str:
    """Name the engine: by the key, its siblings, the port, else the nearest word that names one."""
    if found.rule.family not in ("database", "password"):
        return found.rule.family
    named = family_named(prefix) or family_named(siblings.get("engine", "")) or FAMILY_OF_PORT.get(port or 0, "")
    if named:
        return named
    low, high = neighbourhood(found.data, mine.start, mine.value_end)
    around, of_database = (mine.start, mine.value_end), found.rule.family == "database"
    return nearest_family(found.data, low, high, around, of_database=of_database) or found.rule.family


def _in_kubernetes_data(data: bytes, at: int) -> bool:
    """Whether `at` stands under `data:` of a Kubernetes Secret, where values are base64."""
    manifest = data[max(0, at - 4096) : at].rsplit(b"\n---", 1)[-1]
    if not re.search(rb"kind[\"']?:[ \t]*[\"']?Secret\b", manifest):
        return False
    sections = re.findall(rb"^[ \t\"']*(data|stringData|metadata|spec)[\"']?:", manifest, re.MULTILINE)
    return bool(sections) and sections[-1] == b"data"


def _plain(value: str) -> str | None:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8").rstrip("\n")
    except (binascii.Error, ValueError):
        return None
    return text if text and text.isprintable() else None
