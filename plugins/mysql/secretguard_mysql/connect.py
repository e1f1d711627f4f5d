"""Connections to MariaDB that take nothing from anywhere but the arguments, and logins tried and judged.

TLS is used wherever the server has it, and never given up for a server that spoke it once. A password is only ever
proven, never sent: a server that asks for the plain text is refused.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Trial
from secretguard.transport import changing, one_line, reached, reading, trying
from secretguard_mysql.addresses import Address

Result = TypeVar("Result")
Connection = Any
"""A connection of PyMySQL; the library is loaded only when one is opened."""
ACCESS_DENIED, LOCKED = 1045, 4151
_REFUSED = (ACCESS_DENIED, 1698, LOCKED)
"""Wrong password or user, no password login at all, account locked: https://mariadb.com/kb/en/mariadb-error-codes/."""
_ACCEPTED = {1044: "not for this database", 1049: "there is no such database", 1820: "expired", 1862: "expired"}
"""What a server says only after the password was right."""
_MAY_PASS = (1040, 1053, 1129, 1203, 1205, 1213, 1226, 4031)
"""Too many connections, shutting down, host blocked for a while, limits, deadlocks."""
_LOST = (2003, 2006, 2013, 2014, 2055, 1927)
"""The client's own numbers for a connection that did not come about or broke off, and a killed one."""
_speaks_tls: set[str] = set()
"""Servers that spoke TLS once in this process."""


class _Unwanted:
    """Stands for the ways to log in that would send the password, and for those of MySQL."""

    def __init__(self, connection: Connection) -> None:
        self._version = str(connection.server_version)

    def authenticate(self, packet: object) -> object:  # noqa: ARG002
        if "mariadb" in self._version.lower():
            raise _NotLoggedIn("wants the password in plain text or by a way not tried here, and does not get it")
        raise _NotLoggedIn(f"is no MariaDB but {one_line(self._version)[:60]!r}, on which this was never tried")


class _NotLoggedIn(Exception):  # noqa: N818 - it stays inside this module
    """The words go on from the name of a server."""


def asked(address: Address, login: Login, context: Context, work: Callable[[Connection], Result]) -> Result:
    """Return what `work` reads; raises IssuerError."""
    return reading(address.where, lambda: _within(address, login, context, work), seconds=context.timeout)


def changed(address: Address, login: Login, context: Context, work: Callable[[Connection], Result]) -> Result:
    """Return what `work` did, tried once; raises IssuerError, `unsure` where its effect may be there."""
    return changing(address.where, lambda: _within(address, login, context, work), seconds=context.timeout)


def tried(address: Address, login: Login, context: Context) -> Trial:
    """Try one login as the application does; what is not certain is UNKNOWN. Never raises for what a server does."""

    def once() -> Trial:
        try:
            with _connected(address, login, context):
                return Trial(Answer.WORKS)
        except driver().MySQLError as failed:
            number = _number(failed)
            refusal = _told(failed, address)
        except _NotLoggedIn as failed:
            return Trial(Answer.UNKNOWN, f"it {failed}")
        if number in _REFUSED:
            return Trial(Answer.REFUSED, "access denied to a login from this machine" if number != LOCKED else "locked")
        if number in _ACCEPTED:
            return Trial(Answer.WORKS, f"the password is accepted, {_ACCEPTED[number]}")
        raise refusal

    return trying(address.where, once, seconds=context.timeout)


@cache
def driver() -> Any:
    """Return PyMySQL; raises IssuerError if it is not there."""
    try:
        import pymysql.connections
    except ImportError:
        raise IssuerError("PyMySQL is not installed", hint="pip install 'secretguard[databases]'") from None
    return pymysql


@cache
def _connection_class() -> Any:
    from pymysql.constants import CLIENT

    pymysql = driver()

    class Guarded(pymysql.connections.Connection):  # type: ignore[name-defined,misc]
        """Decides about TLS and the way to log in where the server's greeting is known."""

        tls_optional = False

        def _get_server_information(self) -> None:
            super()._get_server_information()
            if not self.server_capabilities & CLIENT.SSL:
                if not self.tls_optional:
                    raise pymysql.err.OperationalError(2026, "the server has no TLS, which is asked for here")
                self.ssl = False
                self.client_flag &= ~CLIENT.SSL
            # Whatever the server would like first: the account's own way comes with its next message.
            self._auth_plugin_name = "mysql_native_password"

    return Guarded


def _tls(address: Address, context: Context) -> object:
    """Return what PyMySQL calls `ssl`: checked against SSL_CERT_FILE, else against the usual authorities."""
    if address.tls in ("prefer", "require"):
        return _unchecked()
    import certifi

    authorities = context.environ.get("SSL_CERT_FILE") or certifi.where()
    return {"ca": authorities, "verify_mode": "required", "check_hostname": address.tls == "verify-identity"}


@cache
def _unchecked() -> ssl.SSLContext:
    """Return TLS that believes any certificate: the usual authorities take long to load, and nobody would ask them."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    return unchecked


@contextmanager
def _connected(address: Address, login: Login, context: Context) -> Iterator[Connection]:
    """Open a connection in autocommit mode; raises pymysql.MySQLError, IssuerError or _NotLoggedIn."""
    stopped: IssuerError | None = None
    try:
        connection = _connection_class()(
            host=address.host,
            port=address.port,
            user=login.user,
            password=login.secret.reveal(),
            database=address.database or None,
            ssl=_tls(address, context),
            auth_plugin_map=dict.fromkeys(
                (b"mysql_clear_password", b"sha256_password", b"caching_sha2_password", b"dialog"), _Unwanted
            ),
            autocommit=True,
            defer_connect=True,
            read_timeout=context.timeout,
            write_timeout=context.timeout,
            charset="utf8mb4",
            program_name=context.name if context.rotation else "secretguard",
        )
        connection.tls_optional = address.tls == "prefer" and address.where not in _speaks_tls
    except (OSError, UnicodeError, ValueError):
        stopped = IssuerError(f"no connection to {address.where} can be made up", hint="Look at SSL_CERT_FILE.")
    if stopped:
        raise stopped
    try:
        connection.connect(reached(address.host, address.port, seconds=context.timeout * 0.9))
        if connection.ssl:
            _speaks_tls.add(address.where)
        yield connection
    finally:
        with suppress(Exception):
            connection.close()


def _within(address: Address, login: Login, context: Context, work: Callable[[Connection], Result]) -> Result:
    """Raise what went wrong outside of any handler: the library's own error has the login in its frames."""
    try:
        with _connected(address, login, context) as connection:
            return work(connection)
    except driver().MySQLError as failed:
        refusal = _told(failed, address)
    except _NotLoggedIn as failed:
        refusal = IssuerError(f"{address.where} {failed}")
    raise refusal


def _number(failed: BaseException) -> int:
    return failed.args[0] if failed.args and isinstance(failed.args[0], int) else 0


def _told(failed: BaseException, address: Address) -> IssuerError:
    """Return a failure in words that hold no statement: a server repeats parts of one only in syntax errors."""
    number = _number(failed)
    if number in _LOST:
        return IssuerError(f"{address.where}: the connection broke off ({number})", transient=True, unsure=True)
    words = "a statement was not understood" if number == 1064 else str(failed.args[-1] if failed.args else "")
    return IssuerError(
        f"{address.where}: {one_line(words)}" + (f" ({number})" if number else ""), transient=number in _MAY_PASS
    )


def rows(connection: Connection, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Carry out one statement and return its rows; raises pymysql.MySQLError."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())
