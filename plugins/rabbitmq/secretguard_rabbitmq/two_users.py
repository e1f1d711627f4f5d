"""Two users that take turns: the other one gets a password and all that the leaked one may do, before that goes.

While a rotation goes on, the user that it made carries its name as a tag, by which it is found again.
"""

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Found, Login, Target
from secretguard_rabbitmq.addresses import Management
from secretguard_rabbitmq.in_place import not_ours
from secretguard_rabbitmq.management import (
    accepts,
    close_connections,
    delete,
    grant,
    grants,
    hashed,
    put,
    user,
)

SUFFIX = "_alt"


def other(name: str) -> str:
    """Return the user that takes turns with `name`."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) and name != SUFFIX else name + SUFFIX


def found(api: Management, target: Target, new: Login | None, context: Context) -> Found:
    """Look for the user that this rotation made: whole, without its value, or not at all."""
    there = user(api.http, other(target.leaked.user))
    if there is None or context.name not in there.tags:
        return Found.NOTHING
    if new is None or not accepts(new, there):
        return Found.ORPHAN
    leaked = user(api.http, target.leaked.user)
    if leaked and grants(api.http, there.name) != grants(api.http, leaked.name):
        return Found.NOTHING  # it was cut off: issuing goes on from there
    return Found.ISSUED


def issue(api: Management, target: Target, new: Login, context: Context) -> None:
    """Make the other user, with tags, permissions, topic permissions and limits. Raises IssuerError."""
    there, leaked = user(api.http, new.user), user(api.http, target.leaked.user)
    if there is not None and context.name not in there.tags:
        raise IssuerError(f"{new.user} is there already, and not of this rotation: nothing was changed")
    if leaked is None or not accepts(target.leaked, leaked):
        raise not_ours(api, target)
    if not accepts(new, there):
        put(api.http, new.user, hashed(new.secret), (*leaked.tags, context.name))
    grant(api.http, new.user, grants(api.http, leaked.name))


def disable(api: Management, target: Target) -> tuple[str, ...]:
    """Take the leaked user's password away and close its connections; its rights stay until it is destroyed."""
    there = user(api.http, target.leaked.user)
    if there is None:
        return (f"{target.leaked.user} is gone",)
    if there.password_hash and not accepts(target.leaked, there):
        return (f"{there.name} has another password by now, and is left as it is",)
    if there.password_hash:
        put(api.http, there.name, "", there.tags)
    close_connections(api.http, there.name)
    return (f"{there.name} has no password any more, its connections are closed",)


def destroy(api: Management, target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Remove the leaked user, and the rotation's name from the tags of the new one."""
    evidence = []
    leaked, there = user(api.http, target.leaked.user), user(api.http, new.user)
    if leaked is not None and not leaked.password_hash:
        delete(api.http, leaked.name)
        evidence.append(f"{leaked.name} is removed")
    if there is not None and context.name in there.tags:
        put(api.http, there.name, there.password_hash, (one for one in there.tags if one != context.name))
    return tuple(evidence)


def withdraw(api: Management, target: Target, context: Context) -> tuple[str, ...]:
    """Remove the user that this rotation made."""
    there = user(api.http, other(target.leaked.user))
    if there is None or context.name not in there.tags:
        return ()
    delete(api.http, there.name)
    close_connections(api.http, there.name)
    return (f"{there.name} is removed again",)
