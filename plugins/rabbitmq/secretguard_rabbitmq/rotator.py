"""Rotates RabbitMQ logins through the management API: in place, or gracefully with two users that take turns."""

import secrets
import string

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Found, Login, Mode, Overlap, Preflight, Proof, Target, Usage
from secretguard.secret import Secret
from secretguard_rabbitmq import in_place, two_users
from secretguard_rabbitmq.addresses import addresses, management_of
from secretguard_rabbitmq.connect import tried
from secretguard_rabbitmq.management import connections
from secretguard_rabbitmq.preflight import look

families: tuple[str, ...] = ("amqp",)
kinds: tuple[str, ...] = ()
LENGTH = 40
_ALPHABET = string.ascii_letters + string.digits
"""Nothing that a URI or a shell would treat specially."""


def overlap(target: Target, context: Context) -> Overlap:
    """Return TWO in graceful mode, with another user; one user has one password."""
    return Overlap.TWO if context.mode is Mode.GRACEFUL else Overlap.NONE


def preflight(target: Target, context: Context) -> Preflight:
    """Look at the API, its login and the user. No effects."""
    return look(target, context)


def make(target: Target, context: Context) -> Login | None:
    """Return 40 random letters and digits, 238 bits, for the same user or the one that takes turns with it."""
    name = two_users.other(target.leaked.user) if context.mode is Mode.GRACEFUL else target.leaked.user
    return Login(name, Secret("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))))


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Look whether the new login is there."""
    api = management_of(target, context)
    if context.mode is Mode.GRACEFUL:
        return two_users.found(api, target, new, context)
    return in_place.found(api, new)


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """Put the new login in force."""
    if new is None:
        raise IssuerError("a new password is made before it is put in force")
    api = management_of(target, context)
    if context.mode is Mode.GRACEFUL:
        two_users.issue(api, target, new, context)
    else:
        in_place.issue(api, target, new)
    return new


def verify(target: Target, login: Login, context: Context) -> Proof:
    """Try a login over AMQP at every endpoint, in the virtual host that it names."""
    answers = ((str(one), tried(one, login, context)) for one in addresses(target))
    return Proof(tuple((where, trial.answer, trial.words) for where, trial in answers))


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Count the connections of the leaked user; in place nobody has one by the old password."""
    if new.user == target.leaked.user:
        return Usage(0, ("connections by the leaked password were closed when the new one was set",))
    api = management_of(target, context)
    number = connections(api.http, target.leaked.user)
    return Usage(number, (f"{api.http.host}: {number} connections of {target.leaked.user}",))


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take the leaked user's password away; in place that was done when the new one was set."""
    if context.mode is Mode.GRACEFUL:
        return two_users.disable(management_of(target, context), target)
    return ("the leaked password ended when the new one was set",)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Remove the leaked user where another took its turn."""
    if context.mode is Mode.GRACEFUL:
        return two_users.destroy(management_of(target, context), target, new, context)
    return ()


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Remove the user that was made."""
    if context.mode is Mode.GRACEFUL:
        return two_users.withdraw(management_of(target, context), target, context)
    return ()
