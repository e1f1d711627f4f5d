"""One user, one password: the new one ends the leaked one, and whoever is in is sent out."""

from secretguard.errors import IssuerError
from secretguard.rotation import Found, Login, Target
from secretguard_rabbitmq.addresses import Management
from secretguard_rabbitmq.management import accepts, close_connections, hashed, put, user


def found(api: Management, new: Login | None) -> Found:
    """Say whether the new password is the user's."""
    return Found.ISSUED if new is not None and accepts(new, user(api.http, new.user)) else Found.NOTHING


def issue(api: Management, target: Target, new: Login) -> None:
    """Set the password unless it is set, then close the user's connections. Raises IssuerError."""
    there = user(api.http, target.leaked.user)
    if not accepts(new, there):
        if there is None or not accepts(target.leaked, there):
            raise not_ours(api, target)
        put(api.http, there.name, hashed(new.secret), there.tags)
    close_connections(api.http, target.leaked.user)


def not_ours(api: Management, target: Target) -> IssuerError:
    """Return what is raised where the broker has not the leaked password."""
    return IssuerError(
        f"the broker at {api.http.host} has not the leaked password of {target.leaked.user}: nothing was changed",
        hint="It is another broker's, or somebody has changed it. Check where the management API leads.",
    )
