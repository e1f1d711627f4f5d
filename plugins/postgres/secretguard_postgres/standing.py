"""What a server says about a role and about whoever asks: attributes, rights, what kind of host it is."""

from typing import NamedTuple

from secretguard_postgres.connect import Connection

_ROLE = """
    SELECT r.oid, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls,
           r.rolinherit, r.rolconnlimit, r.rolvaliduntil::text, shobj_description(r.oid, 'pg_authid')
    FROM pg_roles r WHERE r.rolname = %s
"""
_SERVER = """
    SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_user::text,
           current_setting('neon.timeline_id', true) IS NOT NULL
             OR EXISTS (SELECT FROM pg_settings WHERE name LIKE 'neon.%'),
           rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
    FROM pg_roles WHERE rolname = current_user
"""
_RIGHTS = """
    SELECT pg_has_role(%(role)s::name, 'USAGE'),
           pg_has_role('pg_signal_backend', 'USAGE'),
           pg_has_role('pg_read_all_stats', 'USAGE'),
           pg_has_role(%(role)s::name, 'MEMBER WITH ADMIN OPTION')
"""


class Role(NamedTuple):
    """One role."""

    oid: int
    superuser: bool
    createrole: bool
    createdb: bool
    login: bool
    replication: bool
    bypassrls: bool
    inherit: bool
    limit: int
    until: str | None
    comment: str | None

    @property
    def dangerous(self) -> bool:
        """Whether who has it can make other logins, so that its own password is not the whole story."""
        return self.superuser or self.createrole


class Server(NamedTuple):
    """The server, and who we are there."""

    version: int
    """As in `server_version_num`."""
    standby: bool
    me: str
    plain_only: bool
    """It makes verifiers by itself and takes nothing but a plain password (Neon and what is built on it)."""
    superuser: bool
    createrole: bool
    createdb: bool
    replication: bool
    bypassrls: bool


def server_of(connection: Connection) -> Server:
    """Return what the server says about itself and us."""
    return Server(*connection.execute(_SERVER).fetchone())


def cluster_of(connection: Connection) -> int:
    """Return the number that a server and its standbys share."""
    found: int = connection.execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").fetchone()[0]
    return found


def role_of(connection: Connection, name: str) -> Role | None:
    """Return a role; None if there is none."""
    row = connection.execute(_ROLE, (name,)).fetchone()
    return None if row is None else Role(*row)


def missing_rights(connection: Connection, server: Server, name: str, role: Role) -> list[str]:
    """Return what an operator's role lacks to change the password of another and to end its sessions, as SQL."""
    if server.superuser:
        return []
    if role.superuser:
        return [f"{name} is a superuser, and only a superuser changes it: give such a login"]
    belongs, signals, reads, administers = connection.execute(_RIGHTS, {"role": name}).fetchone()
    lacks = []
    if not server.createrole:
        lacks.append(f'ALTER ROLE "{server.me}" CREATEROLE')
    if server.version >= 160000 and not administers:
        lacks.append(f'GRANT "{name}" TO "{server.me}" WITH ADMIN OPTION')
    if not (belongs or signals):
        lacks.append(f'GRANT pg_signal_backend TO "{server.me}"')
    if not (belongs or reads):
        lacks.append(f'GRANT pg_read_all_stats TO "{server.me}"')
    return lacks
