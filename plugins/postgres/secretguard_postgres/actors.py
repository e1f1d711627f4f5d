"""Who acts where: the operator's login at its server, or else the role itself wherever it is let in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple, TypeVar

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Login, Target
from secretguard.transport import changing, reading
from secretguard_postgres.addresses import addresses, admin_of
from secretguard_postgres.connect import Address, Connection, within
from secretguard_postgres.login import tried
from secretguard_postgres.sessions import trusted
from secretguard_postgres.standing import server_of

Result = TypeVar("Result")
PATIENCE = 6
"""A change of several statements has so many times the seconds of one call."""


class Actor(NamedTuple):
    """One login at one address."""

    address: Address
    login: Login
    by_admin: bool
    leaked: bool = False

    def reads(self, work: Callable[[Connection], Result], context: Context) -> Result:
        """Return what `work` sees; tried again where that may help. Raises IssuerError."""
        return reading(self.address.where, self._doing(work, context), seconds=context.timeout)

    def changes(self, work: Callable[[Connection], Result], context: Context) -> Result:
        """Return what `work` does, once. Raises IssuerError."""
        return changing(self.address.where, self._doing(work, context), seconds=context.timeout * PATIENCE)

    def _doing(self, work: Callable[[Connection], Result], context: Context) -> Callable[[], Result]:
        return partial(within, self.address, self.login, context, work, md5=self.leaked)

    def transaction(
        self, connection: Connection, context: Context, *, writes: bool = False
    ) -> AbstractContextManager[None]:
        """Return a transaction that trusts nothing in the database."""
        return trusted(connection, as_login=not self.by_admin, seconds=context.timeout / 2, writes=writes)


def operator(target: Target, context: Context) -> Actor | None:
    """Return the operator at the first of its servers that can be written to; None without `--admin`.

    Raises IssuerError if it is let in nowhere.
    """
    admin = admin_of(target)
    if admin is None:
        return None
    failure = IssuerError("the admin reference names no server that can be written to")
    for address in admin.addresses:
        actor = Actor(address, admin.login, by_admin=True)
        try:
            standby = actor.reads(is_standby, context)
        except IssuerError as failed:
            failure = IssuerError(
                f"the operator's login: {failed}",
                hint=failed.hint or "Check user, password, host and port of what the admin reference resolves to.",
                transient=failed.transient,
                unsure=failed.unsure,
            )
        else:
            if not standby:
                return actor
    raise failure


def is_standby(connection: Connection) -> bool:
    """Whether passwords are set elsewhere, and only sessions can be ended here."""
    return server_of(connection).standby


def required_operator(target: Target, context: Context) -> Actor:
    """Return the operator. Raises IssuerError if none is given or it is let in nowhere."""
    actor = operator(target, context)
    if actor is None:
        raise IssuerError("two roles that take turns need an operator's login", hint="Name one with --admin REF.")
    return actor


def let_in(
    target: Target, new: Login | None, context: Context, where: tuple[Address, ...] | None = None
) -> Iterator[Actor]:
    """Yield the role itself wherever its new or its old password is accepted, in that order of preference.

    Each address is tried when its turn comes: most lead to the same server, and what was done at one shows at others.
    """
    for address in addresses(target) if where is None else where:
        if new is not None and tried(address, new, context).accepted:
            yield Actor(address, new, by_admin=False)
        elif tried(address, target.leaked, context, leaked=True).accepted:
            yield Actor(address, target.leaked, by_admin=False, leaked=True)
