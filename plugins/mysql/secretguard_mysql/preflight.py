"""What is looked at before anything is changed: server, account, rights, and what is in the way."""

import re
from collections.abc import Iterator
from functools import partial

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Finding, Mode, Preflight, Target
from secretguard_mysql.accounts import Account, accounts, opened_by, ours, untold, ways_of
from secretguard_mysql.addresses import Address, Admin, servers
from secretguard_mysql.connect import Connection, asked, driver, rows
from secretguard_mysql.in_place import own_way
from secretguard_mysql.passwords import ED25519, NATIVE, PLUGINS

_VERSION = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)\.\d+-MariaDB", re.IGNORECASE)
_EVERYWHERE = re.compile(r"GRANT (?P<rights>.+?) ON \*\.\* TO ")
_GIVE_ADMIN = "Name an operator's login with --admin REF: each account that the leaked password opens is then changed."
_LEAVE_OUT = "Leave --admin out: the account then changes its own password in place."


def in_place(target: Target, context: Context) -> Preflight:
    """Look at each server as the leaked login."""
    effects, findings = [], []
    for address in servers(target):
        at = address._replace(database="")
        try:
            findings += asked(at, target.leaked, context, partial(_seen_as_leaked, address=at, target=target))
        except IssuerError as error:
            findings.append(Finding(str(error), error.hint, stops=not error.transient))
        effects.append(
            f"{at}: {target.leaked.user} sets its own password (SET PASSWORD, as a hash), which ends the leaked one,"
            " and ends all its other sessions"
        )
    return Preflight(tuple(effects), tuple(findings))


def by_admin(admin: Admin, target: Target, context: Context) -> Preflight:
    """Look at the operator's server as the operator."""
    if admin.login.user == target.leaked.user:
        same = Finding(f"--admin is the leaked login {target.leaked.user} itself", _LEAVE_OUT, stops=True)
        return Preflight((), (same,))
    at = admin.address.where
    look = partial(_seen_as_admin, admin=admin, target=target, context=context)
    try:
        findings = asked(admin.address, admin.login, context, look)
    except IssuerError as error:
        hint = error.hint or "Check user, password, host and port of what the admin reference resolves to."
        raise IssuerError(f"the operator's login: {error}", hint=hint, transient=error.transient) from None
    effects = (
        f"{at}: {target.leaked.user} gets a second password beside the leaked one (ALTER USER, as a hash)",
        f"{at}: the leaked password is taken out of the account, and all its sessions are ended (KILL USER)",
    )
    return Preflight(effects, tuple(findings))


def _seen_as_leaked(connection: Connection, *, address: Address, target: Target) -> list[Finding]:
    findings = list(_of_server(connection, address))
    if any(one.stops for one in findings):
        return findings
    account, plugin, more = own_way(connection)
    if plugin not in PLUGINS:
        findings.append(
            Finding(
                f"{account} at {address} logs in by {plugin or 'a way that it does not say'}",
                f"Only {' and '.join(PLUGINS)} can be told a password without its plain text.",
                stops=True,
            )
        )
    if more:
        hint = "SET PASSWORD would replace the first only. Give an operator's login with --admin."
        findings.append(Finding(f"{account} at {address} has several ways in", hint, stops=True))
    if _rights(connection) & {"CREATE USER", "SUPER", "ALL PRIVILEGES"}:
        findings.append(
            Finding(
                f"{account} at {address} may change other accounts: an intruder may have left some",
                "Compare SELECT User, Host FROM mysql.global_priv with what you know.",
            )
        )
    return [*findings, _of_others(connection, account, address, target)]


def _of_others(connection: Connection, account: str, address: Address, target: Target) -> Finding:
    """Say of the other accounts of that name what the leaked login may see: mostly nothing."""
    only = f"only {account} is changed at {address}"
    try:
        every = accounts(connection, target.leaked.user)
    except driver().MySQLError:
        return Finding(
            f"{only}: others of that name are not seen without --admin, and the leaked password may open them",
            "With --admin REF each account that it opens is changed.",
        )
    others = [str(one) for one in opened_by(every, target.leaked.secret) if str(one) != account]
    if others:
        return Finding(f"{only}, and the leaked password opens {', '.join(others)} too", _GIVE_ADMIN, stops=True)
    return Finding(f"{only}: it opens no other of that name")


def _seen_as_admin(connection: Connection, *, admin: Admin, target: Target, context: Context) -> list[Finding]:
    findings = list(_of_server(connection, admin.address, dual=True))
    rights = _rights(connection)
    if "ALL PRIVILEGES" not in rights:
        for wanted, what in ((("CREATE USER",), "ALTER USER"), (("CONNECTION ADMIN", "SUPER"), "KILL USER")):
            if not rights & set(wanted):
                findings.append(
                    Finding(
                        f"{admin.login.user} at {admin.address} lacks {wanted[0]}, which {what} needs",
                        f"GRANT {wanted[0]} ON *.* TO the account of --admin.",
                        stops=True,
                    )
                )
    if any(one.stops for one in findings):
        return findings
    try:
        every = accounts(connection, target.leaked.user)
    except driver().MySQLError:
        hint = "GRANT SELECT ON mysql.global_priv TO the account of --admin."
        return [
            *findings,
            Finding(f"{admin.login.user} may not read the accounts at {admin.address}", hint, stops=True),
        ]
    return [*findings, *_of_accounts(every, connection, admin, target, context)]


def _of_accounts(
    every: list[Account], connection: Connection, admin: Admin, target: Target, context: Context
) -> Iterator[Finding]:
    ways = ways_of(target, None, context)
    mine = ours(connection, target.leaked.user, ways)
    strong = [one for one in opened_by(every, target.leaked.secret) if one not in mine]
    if not mine:
        yield Finding(
            f"no account of {target.leaked.user} at {admin.address} has the leaked password in the form of {NATIVE}",
            _LEAVE_OUT if strong else "Check where the admin reference leads.",
            stops=True,
        )
    elif strong:
        yield Finding(
            f"the leaked password also opens {', '.join(map(str, strong))} by {ED25519}, where none is put beside it",
            "Change it there by hand first: ALTER USER … IDENTIFIED VIA ed25519 USING PASSWORD(…).",
            stops=True,
        )
    for one in untold(every):
        yield Finding(f"whether the leaked password opens {one} cannot be seen: {one.by} keeps nothing to compare")
    for one in every:
        if one not in mine:
            yield Finding(f"{one} has another password, or another way in, and stays as it is")
        elif any(way.plugin in PLUGINS and way not in ways.ours for way in one.ways):
            if context.mode is Mode.BREACH:
                yield Finding(f"{one} has more than one password: all but the new one are taken out")
            else:
                yield Finding(f"{one} has more than one password: the others stay")
    if len(mine) > 1:
        yield Finding(f"the leaked password opens {', '.join(str(one) for one in mine)}: all of them are changed")


def _of_server(connection: Connection, address: Address, *, dual: bool = False) -> Iterator[Finding]:
    ((said,),) = rows(connection, "SELECT VERSION()")
    version = _VERSION.search(str(said))
    if version is None:
        yield Finding(
            f"{address} is no MariaDB but {str(said)[:60]!r}, on which this rotator was never tried",
            "Change the password by hand: on MySQL 8 with ALTER USER … RETAIN CURRENT PASSWORD.",
            stops=True,
        )
        return
    if dual and (int(version["major"]), int(version["minor"])) < (10, 4):
        yield Finding(
            f"{address} is older than MariaDB 10.4: an account has one password there", _LEAVE_OUT, stops=True
        )
    validators = rows(
        connection, "SELECT PLUGIN_NAME FROM information_schema.PLUGINS"
        " WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE' AND @@strict_password_validation",
    )  # fmt: skip
    if validators:
        yield Finding(
            f"{address} checks passwords with {validators[0][0]} and takes them in plain text only,"
            " which its logs would keep",
            "SET GLOBAL strict_password_validation = OFF while it is rotated, or change the password by hand.",
            stops=True,
        )


def _rights(connection: Connection) -> set[str]:
    """Return what the login of a connection may do everywhere, roles that are on included."""
    grants = (_EVERYWHERE.match(str(one)) for (one,) in rows(connection, "SHOW GRANTS"))
    return {right.strip() for grant in grants if grant for right in grant["rights"].split(",")}
