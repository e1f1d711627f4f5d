"""The leaked login changes its own password: one at a time, and whoever came in with the old one is sent out."""

import re
from functools import partial

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Target
from secretguard_mysql.addresses import Address, servers
from secretguard_mysql.connect import Connection, changed, driver, rows, tried
from secretguard_mysql.passwords import NATIVE, stored_form

ROUNDS = 3
"""How often the password is set that somebody else sets back."""
_NO_SUCH_SESSION = 1094
_IDENTIFIED = re.compile(r" IDENTIFIED (?:BY PASSWORD '[^']*'|VIA (?P<plugin>\w+)(?: USING '[^']*')?)(?P<more> OR )?")


def own_way(connection: Connection) -> tuple[str, str, bool]:
    """Return who we are as the server matched us, the plugin of our account, and whether it has other ways in."""
    ((account,),) = rows(connection, "SELECT CURRENT_USER()")
    ((made,),) = rows(connection, "SHOW CREATE USER CURRENT_USER()")
    way = _IDENTIFIED.search(str(made))
    if way is None:
        return str(account), "", False
    return str(account), way["plugin"] or NATIVE, way["more"] is not None


def issue(target: Target, new: Login, context: Context) -> None:
    """Set the new password at every server that lets the leaked or the new one in. Raises IssuerError."""
    inside = False
    for address in servers(target):
        inside |= _take_over(address, target, new, context)
    if not inside:
        raise IssuerError(
            f"neither the leaked nor the new password of {target.leaked.user} is accepted anywhere: nothing was set",
            hint="Somebody else may have changed it. An operator's login can be given with --admin.",
        )


def _take_over(address: Address, target: Target, new: Login, context: Context) -> bool:
    """Set the password, send everybody out, and prove it; again if it was changed under us. False: no way in."""
    at = address._replace(database="")
    for _ in range(ROUNDS):
        if tried(at, new, context).answer is Answer.WORKS:
            changed(at, new, context, _end_others)
        elif tried(at, target.leaked, context).answer is Answer.WORKS:
            changed(at, target.leaked, context, partial(_set, new=new))
        else:
            return False
        if tried(at, target.leaked, context).answer is Answer.REFUSED:
            return True
    raise IssuerError(
        f"somebody keeps changing the password of {target.leaked.user} at {at}: it was set {ROUNDS} times",
        hint="Give an operator's login with --admin.",
    )


def _set(connection: Connection, *, new: Login) -> None:
    """Set it and end the others until it still is what we set: one of them may have been quicker. We stay in."""
    _, plugin, _ = own_way(connection)
    form = stored_form(plugin, new.secret)
    for _ in range(ROUNDS):
        rows(connection, "SET PASSWORD = %s", form)
        _end_others(connection)
        ((made,),) = rows(connection, "SHOW CREATE USER CURRENT_USER()")
        if f"'{form}'" in str(made):
            return
    raise IssuerError("somebody keeps changing it from another session", hint="Give an operator's login with --admin.")


def _end_others(connection: Connection) -> None:
    """End every session of the same user but this one, until there is none: one may just have come in."""
    for _ in range(50):
        others = rows(
            connection, "SELECT ID FROM information_schema.PROCESSLIST"
            " WHERE ID <> CONNECTION_ID() AND BINARY USER = SUBSTRING_INDEX(USER(), '@', 1) AND COMMAND <> 'Killed'",
        )  # fmt: skip
        if not others:
            return
        for (number,) in others:
            try:
                rows(connection, f"KILL {int(number)}")
            except driver().MySQLError as failed:
                if failed.args[0] != _NO_SUCH_SESSION:
                    raise
    raise IssuerError("its sessions come back faster than they can be ended", hint="Give an operator's login.")
