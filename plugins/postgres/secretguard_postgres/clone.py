"""A second role made after a first: its attributes, its settings, and everything it makes the owner's."""

import re
from typing import TYPE_CHECKING

from secretguard.rotation import Login
from secretguard_postgres.connect import Connection
from secretguard_postgres.passwords import set_password
from secretguard_postgres.standing import Role, Server

if TYPE_CHECKING:
    from psycopg import sql

_LISTS = (
    "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries",
    "temp_tablespaces", "unix_socket_directories",
)  # fmt: skip
"""Settings kept as a list of quoted names (GUC_LIST_QUOTE): one literal would be one name."""
_NAME = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^",\s]+))\s*(?:,|\Z)')
_SETTINGS = """
    SELECT d.datname, c FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase,
           unnest(s.setconfig) c
    WHERE s.setrole = %s ORDER BY d.datname NULLS FIRST, c
"""


def make_second(connection: Connection, server: Server, first: str, role: Role, new: Login, *, owner: str) -> None:
    """Make the role of `new`, inside the caller's transaction; raises psycopg.Error.

    It is a member of `first`, never SUPERUSER: it becomes `owner` at login and has what that has.
    """
    from psycopg import sql

    name = sql.Identifier(new.user)
    words: list[sql.Composable] = [sql.SQL("CREATE ROLE {} INHERIT").format(name)]
    for has, word in (
        (role.createdb, "CREATEDB"), (role.createrole, "CREATEROLE"), (role.replication, "REPLICATION"),
        (role.bypassrls, "BYPASSRLS"),
    ):  # fmt: skip
        words += [sql.SQL(word)] if has else []
    words.append(sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(role.limit)))
    if role.until:
        words.append(sql.SQL("VALID UNTIL {}").format(sql.Literal(role.until)))
    connection.execute(sql.SQL(" ").join(words))
    options = sql.SQL(" WITH INHERIT TRUE, SET TRUE" if server.version >= 160000 else "")
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(first), name) + options)
    _carry_settings(connection, role, name, owner)
    set_password(connection, server, new, also="LOGIN")


def _carry_settings(connection: Connection, role: Role, name: "sql.Identifier", owner: str) -> None:
    from psycopg import sql

    acts_as = False
    for database, setting in connection.execute(_SETTINGS, (role.oid,)).fetchall():
        key, _, value = setting.partition("=")
        acts_as = acts_as or (key == "role" and database is None)
        where = sql.SQL(" IN DATABASE {}").format(sql.Identifier(database)) if database else sql.SQL("")
        connection.execute(
            sql.SQL("ALTER ROLE {}{} SET {} TO {}").format(name, where, _key(key), setting_value(key, value))
        )
    if not acts_as:
        connection.execute(sql.SQL("ALTER ROLE {} SET role TO {}").format(name, sql.Literal(owner)))


def _key(key: str) -> "sql.Composed":
    """Return a setting's name; an extension's has a dot in it."""
    from psycopg import sql

    return sql.SQL(".").join(sql.Identifier(part) for part in key.split("."))


def setting_value(key: str, value: str) -> "sql.Composable":
    """Return a stored setting as it is written in SET."""
    from psycopg import sql

    if key.lower() not in _LISTS:
        return sql.Literal(value)
    names = [one["plain"] or one["quoted"].replace('""', '"') for one in _NAME.finditer(value)]
    return sql.SQL(", ").join(map(sql.Literal, names or [""]))
