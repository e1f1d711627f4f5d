"""Two passwords of one account side by side, by an operator's login: put in, taken out, taken back."""

import time
from collections.abc import Callable, Collection

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Found, Login, Mode, Target
from secretguard_mysql.accounts import Account, Way, Ways, accounts, end_sessions, give, ours, ways_of
from secretguard_mysql.addresses import Admin
from secretguard_mysql.connect import Connection, asked, changed
from secretguard_mysql.passwords import PLUGINS

ROUNDS = 3
"""How often a leaked password is taken out that somebody puts back."""
_PAUSE = 0.2
"""Seconds in which a statement ends whose session was ended."""


def found(admin: Admin, target: Target, new: Login | None, context: Context) -> Found:
    """Say whether every account of this rotation has the new way in."""
    ways = ways_of(target, new, context)
    if ways.new is None:
        return Found.NOTHING
    mine = asked(admin.address, admin.login, context, lambda at: ours(at, target.leaked.user, ways))
    return Found.ISSUED if mine and all(ways.new in one.ways for one in mine) else Found.NOTHING


def issue(admin: Admin, target: Target, new: Login, context: Context) -> None:
    """Put the new way in behind the leaked one: whoever has that is still let in first."""
    ways = ways_of(target, new, context)
    _change(admin, target, ways, context, lambda one: _with_new(one, ways))


def disable(admin: Admin, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take the leaked way out and end every session; again if somebody put something back in between."""
    ways = ways_of(target, new, context)

    def without(account: Account) -> tuple[Way, ...]:
        return _without_leaked(account, ways, alone=context.mode is Mode.BREACH)

    hosts: set[str] = set()
    for _ in range(ROUNDS):
        mine = _change(admin, target, ways, context, without, end=True, hosts=hosts)
        hosts = {one.host for one in mine}  # an intruder may have set what tells nobody whose account it is
        time.sleep(_PAUSE)
        left = asked(admin.address, admin.login, context, lambda at: accounts(at, target.leaked.user))
        if all(without(one) == one.ways for one in left if one.host in hosts):
            return tuple(f"{one}: the leaked password is out, its sessions are ended" for one in mine)
    raise IssuerError(
        f"somebody keeps changing the password of {target.leaked.user}",
        hint="Look at SHOW PROCESSLIST on the server, and lock the account until it is found.",
    )


def withdraw(admin: Admin, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Take the new way out again, where the leaked one is still in."""
    ways = ways_of(target, new, context)
    if ways.new is None:
        return ()
    done = _change(admin, target, ways, context, lambda one: _without_new(one, ways), end=True)
    return tuple(f"{one}: the new password is out again" for one in done)


def _change(
    admin: Admin,
    target: Target,
    ways: Ways,
    context: Context,
    wanted: Callable[[Account], tuple[Way, ...]],
    *,
    end: bool = False,
    hosts: Collection[str] = (),
) -> list[Account]:
    """Give accounts the ways that are wanted, and end their sessions; those for `hosts`, or those found to be ours."""

    def work(connection: Connection) -> list[Account]:
        every = accounts(connection, target.leaked.user)
        mine = [one for one in every if (one.host in hosts if hosts else ways.ours & set(one.ways))]
        if not mine:
            raise IssuerError(
                f"no account of {target.leaked.user} there has the leaked password, so nothing was changed",
                hint="It is another server's, or somebody has changed it. Check where the admin reference leads.",
            )
        for account in mine:
            if (become := wanted(account)) != account.ways:
                give(connection, account, become)
        if end:
            for account in mine:  # after the last change: one account's session must not undo another's
                end_sessions(connection, account)
        return mine

    return changed(admin.address, admin.login, context, work)


def _with_new(account: Account, ways: Ways) -> tuple[Way, ...]:
    if ways.new is None or ways.new in account.ways:
        return account.ways
    place = ways.leaked if ways.leaked in account.ways else ways.bar
    at = account.ways.index(place)
    return (*account.ways[: at + (place == ways.leaked)], ways.new, *account.ways[at + 1 :])


def _without_leaked(account: Account, ways: Ways, *, alone: bool) -> tuple[Way, ...]:
    """Return what stays; `alone`: no other password does, for an intruder could have set it (SET PASSWORD)."""

    def stays(one: Way) -> bool:
        if alone and one.plugin in PLUGINS:
            return one == ways.new
        return one != ways.leaked

    left = tuple(one for one in account.ways if stays(one))
    if ways.new and ways.new not in left:  # an intruder may have set another in its place
        left = (ways.new, *left)
    return left or (ways.bar,)


def _without_new(account: Account, ways: Ways) -> tuple[Way, ...]:
    if ways.leaked not in account.ways:
        raise IssuerError(f"{account} no longer has the old password, so the new one stays")
    return tuple(one for one in account.ways if one != ways.new)
