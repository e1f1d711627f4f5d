"""A user's passwords as Redis keeps them, by their digests: no plain text is in any command.

Commands: https://redis.io/docs/latest/commands/acl-setuser/ (`#` adds a SHA-256, `!` removes one).
"""

import hashlib
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Login, Target
from secretguard.secret import Secret
from secretguard_redis.connect import Command, driver

DEFAULT_USER = "default"
IN_ACL_FILE, IN_CONFIGURATION, NOWHERE = "kept in its ACL file", "kept in redis.conf", "not kept over a restart"
ROUNDS = 3
"""How often a leaked password is removed that somebody puts back."""
_NO_ACL_FILE = "not configured to use an ACL file"


class Digests(NamedTuple):
    """What a server keeps of the passwords that a rotation is about."""

    user: str
    leaked: str
    new: str
    """Empty: there is none yet."""
    bar: str
    """Stands in for both while there is neither, and tells the rotation its own user again."""

    def among(self, passwords: set[str]) -> bool:
        """Whether a user with these is one of this rotation's."""
        return bool({self.leaked, self.new, self.bar} & passwords)


def digests(target: Target, new: Login | None, context: Context) -> Digests:
    """Return the digests of a rotation. Nobody knows a password for the bar: it is cut from a longer digest."""
    bar = hashlib.sha512(f"secretguard bars {context.name}".encode()).hexdigest()[:64]
    fresh = digest(new.secret) if new else ""
    return Digests(target.leaked.user or DEFAULT_USER, digest(target.leaked.secret), fresh, bar)


def digest(secret: Secret) -> str:
    """Return what Redis keeps of a password."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogateescape")).hexdigest()


def passwords(command: Command, user: str) -> set[str]:
    """Return the digests of a user's passwords; raises IssuerError if there is no such user, or it needs none."""
    reply = command("ACL", "GETUSER", user)
    if reply is None:
        raise IssuerError(f"there is no user {user} there")
    told = dict(zip(reply[::2], reply[1::2], strict=True))
    if "nopass" in told["flags"]:
        raise IssuerError(f"the user {user} there is let in with any password (nopass)")
    return set(told["passwords"])


def put_in(command: Command, ours: Digests) -> str:
    """Add the new password; return where it is kept. Raises IssuerError where the user is not ours."""
    there = _ours(command, ours)
    if ours.new not in there:
        words = [f"#{ours.new}", *([f"!{ours.bar}"] if ours.bar in there else [])]
        command("ACL", "SETUSER", ours.user, *words)
    return keep(command)


def stays(there: set[str], ours: Digests, *, alone: bool) -> set[str]:
    """Return what is left without the leaked password; `alone`: no other stays, for an intruder could have set it."""
    left = set() if alone else there - {ours.leaked, ours.bar}
    return left | {ours.new} if ours.new else left or {ours.bar}


def take_out(command: Command, ours: Digests, *, alone: bool) -> str:
    """Remove the leaked password and end every session of the user but this one; return where that is kept.

    Again if one of them was quick enough to set another: we stay in. Raises IssuerError.
    """
    there = _ours(command, ours)
    for _ in range(ROUNDS):
        left = stays(there, ours, alone=alone)
        if left != there:
            if is_server_password(command, ours.user, ours.leaked):
                _without_server_password(command, ours, left)
            else:
                command("ACL", "SETUSER", ours.user, *_change(there, left))
        command("CLIENT", "KILL", "USER", ours.user)
        there = passwords(command, ours.user)
        if there == stays(there, ours, alone=alone):
            return keep(command)
    raise IssuerError(
        f"somebody keeps changing the passwords of {ours.user}", hint="Look at CLIENT LIST and ACL LIST on the server."
    )


def take_back(command: Command, ours: Digests) -> str:
    """Remove the new password again, where the leaked one is still in."""
    there = _ours(command, ours)
    if ours.leaked not in there:
        raise IssuerError(f"the user {ours.user} no longer has the old password, so the new one stays")
    if ours.new in there:
        command("ACL", "SETUSER", ours.user, f"!{ours.new}")
    return keep(command)


def _change(there: set[str], wanted: set[str]) -> list[str]:
    return [f"!{one}" for one in sorted(there - wanted)] + [f"#{one}" for one in sorted(wanted - there)]


def keep(command: Command) -> str:
    """Have the server write its users down, where it can; return where."""
    redis = driver()
    try:
        command("ACL", "SAVE")
    except redis.ResponseError as failed:
        if _NO_ACL_FILE not in str(failed):
            return NOWHERE
    else:
        return IN_ACL_FILE
    try:
        command("CONFIG", "REWRITE")
    except redis.ResponseError:
        return NOWHERE
    return IN_CONFIGURATION


def _ours(command: Command, ours: Digests) -> set[str]:
    there = passwords(command, ours.user)
    if not ours.among(there):
        raise IssuerError(
            f"the user {ours.user} there has not the leaked password, so nothing was changed",
            hint="It is another server's, or somebody has changed it. Check where the admin reference leads.",
        )
    return there


def is_server_password(command: Command, user: str, leaked: str) -> bool:
    """Whether the leaked password is also `requirepass`, which the server keeps in plain text."""
    if user != DEFAULT_USER:
        return False
    try:
        reply = command("CONFIG", "GET", "requirepass")
    except driver().ResponseError:
        return False
    return len(reply) == 2 and digest(Secret(reply[1])) == leaked


def _without_server_password(command: Command, ours: Digests, left: set[str]) -> None:
    """Empty `requirepass` and keep the other passwords, in one step: emptied alone it would let everybody in."""
    for words in (
        ("MULTI",),
        ("CONFIG", "SET", "requirepass", ""),
        ("ACL", "SETUSER", ours.user, "resetpass", *(f"#{one}" for one in sorted(left))),
    ):
        command(*words)
    for reply in command("EXEC"):
        if isinstance(reply, Exception):
            raise reply
