"""One login spread over several settings: `DB_HOST` / `DB_USER` / `DB_PASSWORD`, object literals, manifests."""

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Iterator

from secretguard.engine.around import Around, setting_at, snake_case
from secretguard.engine.engines import FAMILY_OF_PORT, family_named, nearest_family
from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.settings import Setting
from secretguard.engine.text import enclosing_lines, is_crowded, neighbourhood, shared_lines, shared_neighbourhood
from secretguard.engine.values import is_hash, is_reference
from secretguard.model import Endpoint, Rule

_PASSWORD = compiled(r"(?:password|passwd|passphrase|pass|pwd|pw|secret)\d?$")
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
_HERE = compiled(rb"")
_COMMAND_LINE = compiled(
    rb"\b(?:psql|pg_dump|pg_dumpall|pg_restore|pgbench|createdb|dropdb|pg_isready|vacuumdb"
    rb"|mysql|mysqldump|mysqladmin|mariadb)\b"
)
_USER_RESOURCE = compiled(rb"resource[ \t]+\"\w*(?:user|role|login)\w*\"[^{}]{0,80}\{[^{}]*$")
"""Terraform: the block is a user, so its `name` is the user's."""
_LONGEST_LINE = 2048
"""Bytes of a line that is one setting."""


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login whose password stands in the setting that the pattern's match names.

    Settings belong together when they share the key's prefix (`DB_`, `spring.datasource.`) and stand within
    eight lines; the nearest one wins, inside the same braces if those hold any.
    """
    span = neighbourhood(found.data, found.start, found.end)
    if not is_crowded(*span):
        # Most passwords in code are lookups: look at the setting itself before its neighbours.
        mine = setting_at(found.start, found.data, max(span[0], found.start - 128), min(span[1], found.end + 768))
        if mine is None or not _is_literal(found, mine):
            return
    around = found.once(Around, shared_neighbourhood(found.data, found.start, found.end))
    mine = around.setting_at(found.start)
    prefix = _prefix(mine.key) if mine else None
    if mine is None or prefix is None or mine.start != found.start:
        return
    if is_crowded(*span) and not _is_literal(found, mine):
        return
    siblings = {role: one.value for role, one in _siblings(found, around, span, mine, prefix).items()}
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


def user_span(rule: Rule, data: bytes, start: int, user: str) -> tuple[int, int] | None:
    """Return where the `user` of a login stands whose password's setting, as `parse` saw it, begins at `start`.

    None if the user stands in no setting of its own.
    """
    here = _HERE.match(data, start)
    if here is None:
        return None
    found = Found(rule, data, here)
    around = Around(data, *shared_neighbourhood(data, start, start + 1))
    mine = around.setting_at(start)
    prefix = _prefix(mine.key) if mine else None
    if mine is None or prefix is None:
        return None
    own = _siblings(found, around, neighbourhood(data, start, mine.value_end), mine, prefix).get("user")
    return (own.value_start, own.value_end) if own is not None and own.value == user else None


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
    data, at = found.data, setting.start
    is_flag = data[at - 1 : at] == b"-" and data[at + len(setting.key) : setting.value_start] == b"="
    is_in_xml = data[setting.value_start - 1 : setting.value_start] == b">" and " " not in value
    if setting.key.isupper() or is_flag or is_in_xml:
        return True
    # Bare words are values in YAML, ini and properties files, one to a line; elsewhere they are code.
    low, high = enclosing_lines(found.data, setting.start, setting.value_end, _LONGEST_LINE)
    if high - low > _LONGEST_LINE:
        return False
    line = found.data[low:high]
    yaml = re.match(rb"^[ \t-]*[\"']?[\w.-]+[\"']?[ \t]*:[ \t]+\S+[ \t]*\r?$", line)
    ini = re.match(rb"^[\w.-]+[ \t]*=[ \t]*\S+[ \t]*\r?$", line)
    spaced_code = re.search(rb"\w[ \t]+=[ \t]+[A-Za-z_]+[ \t]*;?\r?$", line) is not None
    return bool(yaml or ini) and not spaced_code


def _prefix(key: str) -> str | None:
    """Return what stands before the password word, in snake case; None if the key is no password's."""
    snake = snake_case(key)
    word = _PASSWORD.search(snake)
    return snake[: word.start()] if word else None


def _siblings(found: Found, around: Around, span: tuple[int, int], mine: Setting, prefix: str) -> dict[str, Setting]:
    """Return the settings in `span` that belong to the password's, by role.

    Those inside the same braces come first; where they name no host, one outside them may (nested options).
    """
    data, start = found.data, mine.start
    block = around.braces(start, *neighbourhood(data, start, start + 1))
    commands = found.once(_commands, shared_lines(data, start, mine.value_end, 1024))
    low, high = enclosing_lines(data, start, mine.value_end, 1024)
    flags = bisect_left(commands, low) < bisect_left(commands, high)
    is_user = _USER_RESOURCE.search(data, max(0, start - 512), start) is not None
    return around.nearest(mine, [block, span] if block else [span], prefix, flags=flags, is_user=is_user)


def _commands(data: bytes, low: int, high: int) -> list[int]:
    return [match.start() for match in _COMMAND_LINE.finditer(data, low, high)]


def _family(found: Found, prefix: str, siblings: dict[str, str], port: int | None, mine: Setting) -> str:
    """Name the engine: by the key, its siblings, the port, else the nearest word that names one."""
    if found.rule.family not in ("database", "password"):
        return found.rule.family
    named = family_named(prefix) or family_named(siblings.get("engine", "")) or FAMILY_OF_PORT.get(port or 0, "")
    if named:
        return named
    place, of_database = (mine.start, mine.value_end), found.rule.family == "database"
    return nearest_family(found, place, place, of_database=of_database) or found.rule.family


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
