"""What somebody who had a role's password may have left behind in a database: for a person to look through.

Nothing here says that an intruder made it; a server does not keep who made what when.
"""

from collections.abc import Iterator

from secretguard.rotation import Finding
from secretguard_postgres.connect import Connection, printable
from secretguard_postgres.standing import Role

_MOST = 20
"""Names listed of one kind."""
_OF_ANY_ROLE = (
    (
        "settings of the role, which come into force at each login",
        """
        SELECT c || coalesce(' in database ' || d.datname, '')
        FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
        WHERE s.setrole = %(oid)s ORDER BY 1
        """,
    ),
    (
        "functions of the role that run with its rights for whoever calls them (this database only)",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.prosecdef AND p.proowner = %(oid)s ORDER BY 1",
    ),
)
_OF_A_POWERFUL_ONE = (
    (
        "other roles that can log in and make roles, replicate or pass row security",
        """
        SELECT rolname FROM pg_roles
        WHERE rolcanlogin AND oid <> %(oid)s AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)
        ORDER BY oid DESC
        """,
    ),
    (
        "the youngest roles that can log in, youngest first",
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND oid >= 16384 AND oid <> %(oid)s ORDER BY oid DESC",
    ),
    (
        "memberships that the role granted",
        """
        SELECT r.rolname || ' to ' || m.rolname FROM pg_auth_members a
        JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
        WHERE a.grantor = %(oid)s ORDER BY 1
        """,
    ),
    (
        "settings of other roles and of databases",
        """
        SELECT coalesce(r.rolname, 'every role') || coalesce(' in database ' || d.datname, '') || ': ' || c
        FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
        WHERE s.setrole <> %(oid)s ORDER BY 1
        """,
    ),
    ("event triggers (this database only)", "SELECT evtname || ' on ' || evtevent FROM pg_event_trigger ORDER BY 1"),
    ("subscriptions", "SELECT subname FROM pg_stat_subscription WHERE subname IS NOT NULL GROUP BY 1 ORDER BY 1"),
)


def leftovers(connection: Connection, name: str, role: Role) -> Iterator[Finding]:
    """Yield what is to be looked through, of a role that can make roles much more than of another."""
    for what, question in _OF_ANY_ROLE + (_OF_A_POWERFUL_ONE if role.dangerous else ()):
        rows = [printable(str(row[0])) for row in connection.execute(question, {"oid": role.oid}).fetchall()]
        if rows:
            more = f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
            yield Finding(
                f"{name}: {what}: {', '.join(rows[:_MOST])}{more}", "Look whether you know them; a rotation keeps them."
            )
