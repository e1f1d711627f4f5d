"""Logins at the PostgreSQL servers whose users Vault manages: tried, and others of the same user sent out.

Vault changes a password and drops a user, but looks at no login of either, and ends no session.
"""

import re
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, TypeVar

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Answer, Context, Login, Proof, Target
from secretguard.transport import changing, is_off_limits, reading

Result = TypeVar("Result")
Connection = Any
_MODES = ("prefer", "require", "verify-ca", "verify-full")
_REFUSED = re.compile(r"password authentication failed for user|role \"[^\"]*\" (?:does not exist|is not permitted)")
_REACHED = re.compile(r"database \"[^\"]*\" does not exist|permission denied for database|too many connections")
"""What a server says only to those that it has recognised."""
_OTHERS = "FROM pg_stat_activity WHERE usesysid = %s AND pid <> pg_backend_pid()"
_ROUNDS = 20


def proof(target: Target, login: Login, context: Context) -> Proof:
    """Try `login` at each endpoint. What a server says in another language than English counts as unknown."""
    return Proof(tuple((where(one), *_tried(one, target, login, context)) for one in target.endpoints))


def where(endpoint: Endpoint) -> str:
    """Return an endpoint in words."""
    at = f"{endpoint.host}:{endpoint.port or 5432}"
    return f"{at}/{endpoint.database}" if endpoint.database else at


def servers(target: Target) -> tuple[Endpoint, ...]:
    """Return one endpoint of each server."""
    return tuple({(one.host, one.port): one for one in target.endpoints}.values())


def send_out(target: Target, login: Login, context: Context) -> tuple[str, ...]:
    """End every other session of the login's user, until none is left. Raises IssuerError."""
    return tuple(
        f"{where(one)}: {within(one, target, login, context, others_sent_out)} other sessions of its user ended"
        for one in servers(target)
    )


def others_sent_out(connection: Connection) -> int:
    """End all other sessions of this one's user; return how many. A dropped user's session may do that too."""
    (user,) = connection.execute("SELECT usesysid FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        found = connection.execute(f"SELECT pid, pg_terminate_backend(pid) {_OTHERS}", (user,)).fetchall()
        if not found:
            return len(ended)
        ended.update(pid for pid, _ in found)
        time.sleep(0.05)
    raise IssuerError(
        "sessions of that user come back as fast as they are ended",
        hint="Somebody logs in again and again: shut out that client, then go on.",
        transient=True,
    )


def within(
    endpoint: Endpoint, target: Target, login: Login, context: Context, work: Callable[[Connection], Result]
) -> Result:
    """Return what `work` does with a connection of its own; raises IssuerError."""
    with closing(connect(endpoint, target, login, context)) as connection:
        return on(connection, endpoint, context, work)


def on(connection: Connection, endpoint: Endpoint, context: Context, work: Callable[[Connection], Result]) -> Result:
    """Return what `work` does with a connection; raises IssuerError without anything of a login in it."""

    def once() -> Result:
        with suppress(_library().Error):
            return work(connection)
        raise IssuerError(f"{where(endpoint)}: a statement failed", transient=True, unsure=True)

    return changing(f"{endpoint.host}:{endpoint.port or 5432}", once, seconds=context.timeout)


def connect(endpoint: Endpoint, target: Target, login: Login, context: Context) -> Connection:
    """Return a connection in autocommit mode; raises IssuerError whose words are the server's, without values."""
    call = lambda: _connected(endpoint, target, login, context)  # noqa: E731 - a def would keep more in its frame
    return changing(f"{endpoint.host}:{endpoint.port or 5432}", call, seconds=context.timeout)


def _connected(endpoint: Endpoint, target: Target, login: Login, context: Context) -> Connection:
    words = "it has no address that may be contacted"
    psycopg = _library()
    for number in _addresses(endpoint):
        try:
            return psycopg.connect(
                host=endpoint.host,
                hostaddr=number,
                port=endpoint.port or 5432,
                dbname=endpoint.database or "postgres",
                user=login.user,
                password=login.secret.reveal(),
                sslmode=_tls(target),
                require_auth="scram-sha-256,md5",
                sslcertmode="disable",
                gssencmode="disable",
                passfile="/dev/null",
                options="-c search_path=pg_catalog",
                connect_timeout=max(2, int(context.timeout)),
                application_name=context.name,
                autocommit=True,
            )
        except psycopg.OperationalError as failed:
            words = str(failed).replace(login.secret.reveal(), "****").rpartition("failed: ")[2]
    raise IssuerError(f"{where(endpoint)}: {_printable(words)}", transient=not _REFUSED.search(words))


def _tried(endpoint: Endpoint, target: Target, login: Login, context: Context) -> tuple[Answer, str]:
    def once() -> None:
        _connected(endpoint, target, login, context).close()

    try:
        reading(f"{endpoint.host}:{endpoint.port or 5432}", once, seconds=context.timeout)
    except IssuerError as error:
        words = str(error).removeprefix(where(endpoint) + ": ")
        if _REFUSED.search(words):
            return Answer.REFUSED, words
        return (Answer.WORKS if _REACHED.search(words) else Answer.UNKNOWN), words
    return Answer.WORKS, ""


def _addresses(endpoint: Endpoint) -> list[str]:
    """Return the IP addresses of a host but those that nothing from a repository may send us to."""
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port or 5432, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    numbers = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
    return [one for one in numbers if not is_off_limits(one)]


def _tls(target: Target) -> str:
    """Return the strictest mode that any spelling of the login asks for, at least what libpq does by itself."""
    said = [mode for one in target.spellings for mode in re.findall(r"sslmode=([a-z-]+)", one.text.reveal())]
    return max((one for one in said if one in _MODES), key=_MODES.index, default="prefer")


def _printable(words: str) -> str:
    return "".join(one if one.isprintable() else " " for one in words)[:200].strip()


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        psycopg = None  # type: ignore[assignment]
    if psycopg is None:
        raise IssuerError("psycopg is not installed", hint="pip install 'secretguard[postgres]'")
    return psycopg
