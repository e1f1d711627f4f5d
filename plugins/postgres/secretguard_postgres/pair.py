"""Two roles that take turns, `app` and `app_sg`: what they are called, what marks them, what is in the way.

One of them owns everything; the other is its member and becomes it at login (`SET role`), so that whatever the
application makes belongs to the owner, whichever of the two it came in as.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from secretguard.rotation import Context, Finding, Target
from secretguard_postgres.actors import Actor
from secretguard_postgres.connect import Connection
from secretguard_postgres.sessions import all_sessions_of, listed
from secretguard_postgres.standing import Role, Server, role_of, server_of

SUFFIX = "_sg"
LONGEST = 63
"""Bytes of a role's name; the server cuts longer ones off."""
_MARK = re.compile(r"\s*\[secretguard (?P<name>sg-[0-9a-f]{1,16}) of (?P<owner>[^\]]*)\]\s*\Z")
_ATTRIBUTES = (("createdb", "CREATEDB"), ("replication", "REPLICATION"), ("bypassrls", "BYPASSRLS"))


class Mark(NamedTuple):
    """What a role's comment says of it."""

    name: str
    """`Context.name` of the rotation in which its turn began."""
    owner: str
    """The one of the two that owns everything."""


def other_name(user: str) -> str:
    """Return the name of the role whose turn it is after `user`."""
    return user.removesuffix(SUFFIX) if user.endswith(SUFFIX) and user != SUFFIX else user + SUFFIX


def mark_of(role: Role | None) -> Mark | None:
    """Return a role's mark; None if it has none."""
    found = _MARK.search(role.comment or "") if role else None
    return Mark(found["name"], found["owner"]) if found else None


def marked(comment: str | None, mark: Mark) -> str:
    """Return a comment with a mark at its end, in place of an older one."""
    return f"{unmarked(comment)} [secretguard {mark.name} of {mark.owner}]".strip()


def unmarked(comment: str | None) -> str:
    """Return a comment as its author wrote it."""
    return _MARK.sub("", comment or "")


def owner_of(leaked: str, leaked_role: Role) -> str:
    """Return which of the two owns everything; without a mark it is the one there was first."""
    mark = mark_of(leaked_role)
    return mark.owner if mark else leaked


def is_ours(leaked: str, leaked_role: Role, other: str, other_role: Role) -> bool:
    """Whether an existing other role is the second of this pair: one of the two says so."""
    mark, other_mark = mark_of(leaked_role), mark_of(other_role)
    return bool((mark and mark.owner == other) or (other_mark and other_mark.owner in (leaked, other)))


def hindrances(connection: Connection, *, actor: Actor, target: Target, context: Context) -> list[Finding]:
    """Return what is in the way of a second role."""
    leaked, other = target.leaked.user, other_name(target.leaked.user)
    with actor.transaction(connection, context):
        server, role, second = server_of(connection), role_of(connection, leaked), role_of(connection, other)
        busy = all_sessions_of(connection, other) if second else []
        found = _of_second(leaked, role, other, second, context) if role else []
        if role and second is None:
            found += _of_attributes(server, role, leaked)
        found += _of_access(connection, server, leaked, other)
    mark = mark_of(second)
    if busy and not (mark and mark.name == context.name):
        found.append(Finding(f"{other} is in use: {listed(busy)}", "It must have no sessions.", stops=True))
    if any(one.host and not one.database for one in target.endpoints):
        found.append(
            Finding(
                f"without a database in its settings, a client of {other} looks for one called {other}",
                "Name the database in the settings.",
            )
        )
    return found


def _of_second(leaked: str, role: Role, other: str, second: Role | None, context: Context) -> list[Finding]:
    if len(other.encode()) > LONGEST:
        return [Finding(f"a second role for {leaked} would have too long a name", "Use --mode breach.", stops=True)]
    if second is None:
        return []
    if not is_ours(leaked, role, other, second):
        return [Finding(f"{other} exists and is not the second role of {leaked}", "Use --mode breach.", stops=True)]
    mark = mark_of(second)
    if second.login and not (mark and mark.name == context.name):
        return [Finding(f"{other} can log in, so that its turn is not over", "Take LOGIN from it first.", stops=True)]
    return []


def _of_attributes(server: Server, role: Role, leaked: str) -> list[Finding]:
    """From 16 on, who makes a role gives it only what he has himself."""
    lacks = [word for field, word in _ATTRIBUTES if getattr(role, field) and not getattr(server, field)]
    if server.superuser or server.version < 160000 or not lacks:
        return []
    return [
        Finding(
            f"{leaked} has {', '.join(lacks)}, which only a role that has it can give",
            f'ALTER ROLE "{server.me}" {" ".join(lacks)}.',
            stops=True,
        )
    ]


def _of_access(connection: Connection, server: Server, leaked: str, other: str) -> list[Finding]:
    """Rules of pg_hba.conf that name the role do not mean the other one; only a superuser sees them."""
    if not server.superuser:
        return []
    rows = connection.execute(
        "SELECT line_number FROM pg_hba_file_rules WHERE %(role)s = ANY (user_name)", {"role": leaked}
    ).fetchall()
    lines = ", ".join(str(row[0]) for row in rows)
    return [Finding(f"pg_hba.conf names {leaked} in line {lines}", f"Name {other} there too.")] if rows else []


def effects(target: Target, actor: Actor) -> Iterable[str]:
    """Return what will be done, in order."""
    leaked, other = target.leaked.user, other_name(target.leaked.user)
    return (
        f"at {actor.address}, the operator makes {other}, or wakes it, with a SCRAM verifier made here: a member of "
        f"the role that owns everything, with the settings of {leaked}, acting as the owner from login on",
        f"sessions of {leaked} are watched until there are none",
        f"{leaked} loses LOGIN, and its sessions are ended; logins are tried at every address",
        f"{leaked} is dropped if it owns nothing, else it keeps its objects without a password",
    )
