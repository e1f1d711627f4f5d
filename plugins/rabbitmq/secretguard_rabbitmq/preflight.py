"""What is looked at before anything is changed: the API, the rights of its login, the user, and what is in the way."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Finding, Mode, Preflight, Target
from secretguard_rabbitmq.addresses import Management, management_of
from secretguard_rabbitmq.management import ADMINISTRATOR, User, accepts, user, whoami
from secretguard_rabbitmq.two_users import other

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANOTHER = "rabbitmqctl add_user …, then rabbitmqctl set_user_tags … administrator."


def look(target: Target, context: Context) -> Preflight:
    """Look at the broker through its API."""
    try:
        api = management_of(target, context)
        return Preflight(_effects(api, target, context), tuple(_seen(api, target, context)))
    except IssuerError as error:
        return Preflight((), (Finding(str(error), error.hint, stops=True),))


def _effects(api: Management, target: Target, context: Context) -> tuple[str, ...]:
    name, at = target.leaked.user, api.http.host
    if context.mode is Mode.BREACH:
        return (
            f"{at}: {name} gets another password (as a hash), which ends the leaked one",
            f"{at}: all connections of {name} are closed",
        )
    return (
        f"{at}: {other(name)} is made, with the tags, permissions, topic permissions and limits of {name}",
        f"{at}: {name} loses its password, and its connections are closed",
        f"{at}: {name} is removed",
    )


def _seen(api: Management, target: Target, context: Context) -> Iterator[Finding]:
    at, name = api.http.host, target.leaked.user
    if api.user == name:
        yield Finding(f"the login for the management API is the leaked one, {name}", _ANOTHER, stops=True)
        return
    tags = whoami(api.http)
    if ADMINISTRATOR not in tags:
        hint = f"rabbitmqctl set_user_tags {api.user} {ADMINISTRATOR}"
        yield Finding(f"{api.user} at {at} is no {ADMINISTRATOR}", hint, stops=True)
        return
    there = user(api.http, name)
    if there is None:
        hint = "Its login may come from LDAP or another backend: change it there."
        yield Finding(f"the broker at {at} keeps no user {name}", hint, stops=True)
        return
    yield from _of_user(api, there, target, context)
    base = urlsplit(api.http.base)
    if base.scheme == "http" and base.hostname not in _LOOPBACK:
        yield Finding(f"the management API at {at} is used without TLS", "Name it with https:// where it has it.")
    yield Finding(
        f"a definitions file that the broker at {at} loads at its start sets back what it says of {name}",
        "Change the password hash there too (load_definitions in rabbitmq.conf).",
    )


def _of_user(api: Management, there: User, target: Target, context: Context) -> Iterator[Finding]:
    at = api.http.host
    if not accepts(target.leaked, there):
        hint = "Check where the management API leads."
        yield Finding(f"{there.name} at {at} has another password than the leaked one", hint, stops=True)
    if ADMINISTRATOR in there.tags:
        yield Finding(
            f"{there.name} at {at} is an {ADMINISTRATOR}: an intruder may have left users, policies or shovels",
            "rabbitmqctl list_users, list_policies and export_definitions show them.",
        )
    if context.mode is Mode.GRACEFUL:
        second = user(api.http, other(there.name))
        if second is not None and context.name not in second.tags:
            hint = f"Remove it (rabbitmqctl delete_user {second.name}) if nobody uses it, or use --mode breach."
            yield Finding(f"{second.name} is there already", hint, stops=True)
