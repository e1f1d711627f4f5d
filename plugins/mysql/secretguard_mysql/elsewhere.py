"""What a login opens for others than this machine: `user@host` is an account, which only an operator sees."""

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Target, Trial
from secretguard_mysql.accounts import accounts, opened_by, untold
from secretguard_mysql.addresses import Address, admin_of, servers
from secretguard_mysql.connect import asked, tried


def tried_everywhere(address: Address, target: Target, login: Login, context: Context) -> Trial:
    """Try a login from here; where it is refused, look whether the server keeps its password for another host.

    Never raises for what a server does.
    """
    trial, admin = tried(address, login, context), admin_of(target)
    if trial.answer is not Answer.REFUSED or admin is None or not admin.is_for(address):
        return trial
    try:
        every = asked(admin.address, admin.login, context, lambda at: accounts(at, login.user))
        opened = opened_by(every, login.secret)
    except IssuerError as error:
        return Trial(Answer.UNKNOWN, f"{trial.words}; for other hosts the operator's login does not tell: {error}")
    if opened:
        return Trial(Answer.WORKS, f"not from this machine: {', '.join(map(str, opened))} has this password")
    return Trial(Answer.REFUSED, f"{trial.words}; no account of {login.user} has this password")


def unproven(target: Target, context: Context) -> tuple[str, ...]:
    """Return what no login from here tells of the leaked password. Raises IssuerError."""
    user, admin = target.leaked.user, admin_of(target)
    unseen = [
        f"accounts of {user} for other hosts than this machine, at {one.where}: only --admin sees them"
        for one in servers(target)
        if admin is None or not admin.is_for(one)
    ]
    if admin is None:
        return tuple(unseen)
    dark = untold(asked(admin.address, admin.login, context, lambda at: accounts(at, user)))
    return (*unseen, *(f"{one} at {admin.address.where}, which logs in by {one.by}" for one in dark))
