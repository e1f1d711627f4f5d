"""Connections to PostgreSQL that take nothing from anywhere but the arguments, and failures that say what they are.

libpq fills what it is not told from variables, a password file, a service file and certificates in the home
directory. Here every option is told. TLS is never given up for a server that spoke it.
"""

import ctypes
import re
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from secretguard.errors import IssuerError
from secretguard.rotation import Context, Login
from secretguard.transport import is_off_limits

if TYPE_CHECKING:
    import psycopg

Result = TypeVar("Result")
Connection = Any
"""A psycopg connection; the library is loaded only when one is opened."""
Handshake = Any
"""A PGconn of psycopg, which is one class in C and another in Python."""
OLDEST_LIBPQ = 160000
"""The first that can be told which ways to log in are acceptable (`require_auth`)."""
_VERBOSE = 2
"""PQERRORS_VERBOSE: a failure names its SQLSTATE and where in the server it was raised, in no language."""
_STATE = re.compile(r":  (?P<state>[0-9A-Z]{5}): (?P<words>[^\n]*)")
_ROUTINE = re.compile(r"\n[^\n:]+: +(?P<routine>\w+), [\w./-]+:\d+\s*(?:\n|\Z)")
_TO_SERVER = re.compile(r"\Aconnection to server [^\n]*? failed: ")
FULL = "53300"
"""too_many_connections"""
_PAUSES = (0.1, 0.3, 0.6)
"""Seconds in which a session of ours ends that still takes a connection of the role."""
_TAKES_NO_VERIFIER = "This host takes no verifier. Nothing was changed; set the password at the host's console."
_speaks_tls: set[tuple[str, int]] = set()
"""Servers that spoke TLS once in this process."""


class Address(NamedTuple):
    """One server and database, and how strictly its identity is checked."""

    host: str
    port: int
    database: str = ""
    """Empty: the one that a client gets which names none."""
    tls: str = "prefer"
    """An `sslmode` of libpq, at least prefer."""

    @property
    def where(self) -> str:
        """Host and port, the breaker's name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.where}/{self.database}" if self.database else self.where


class NotConnected(Exception):  # noqa: N818 - it stays inside this plugin
    """No connection came about. `words` never hold a value."""

    def __init__(self, words: str, *, state: str = "", routine: str = "", network: bool = False) -> None:
        super().__init__(words)
        self.words, self.state, self.routine, self.network = words, state, routine, network


class NoFreeConnection(IssuerError):  # noqa: N818 - it says what is missing
    """The password is accepted, and all that the role or its database may have of sessions is taken."""


@contextmanager
def connected(address: Address, login: Login, context: Context, *, md5: bool = False) -> Iterator[Connection]:
    """Open a connection in autocommit mode; raises NotConnected or psycopg.Error.

    `md5`: also log in where the server still asks for that; only a leaked password may be answered so.
    """
    psycopg = driver()
    pgconn = _let_in(address, login, context, md5=md5)
    connection = psycopg.Connection(pgconn)
    try:
        connection.autocommit = True
        connection.prepare_threshold = None  # a pooler may hand each transaction to another session
        yield connection
    finally:
        connection.close()


def _let_in(address: Address, login: Login, context: Context, *, md5: bool) -> Handshake:
    for pause in _PAUSES:
        try:
            return reached(address, login, context, md5=md5)
        except NotConnected as failed:
            if failed.state != FULL:
                raise
        time.sleep(pause)
    return reached(address, login, context, md5=md5)


def within(
    address: Address, login: Login, context: Context, work: Callable[[Connection], Result], *, md5: bool = False
) -> Result:
    """Return what `work` does with a connection; raises IssuerError and nothing else.

    It is raised outside of any handler: the library's own error holds the conninfo in its frames.
    """
    psycopg = driver()
    try:
        with connected(address, login, context, md5=md5) as connection:
            return work(connection)
    except NotConnected as failed:
        refusal = _untaken(failed, address, login)
    except psycopg.Error as failed:
        refusal = told(failed, address)
    raise refusal


def no_free_connection(address: Address, login: Login) -> NoFreeConnection:
    """Return what is told where a password is accepted and no session to be had."""
    name = login.user.replace("'", "''")
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename ="
    return NoFreeConnection(
        f"{address}: the password is accepted, but no connection is free for {login.user}: somebody takes them all",
        hint="Name an operator's login with --admin REF, which needs none of them. Or have an administrator end them: "
        f"{ends} '{name}';",
    )


def _untaken(failed: NotConnected, address: Address, login: Login) -> IssuerError:
    """Return why no connection came about."""
    if failed.state == FULL:
        return no_free_connection(address, login)
    return IssuerError(f"{address}: {failed.words}", transient=failed.network)


def told(failed: "psycopg.Error", address: Address) -> IssuerError:
    """Return a statement's failure in the server's words: never the statement, which may hold a verifier."""
    state = failed.sqlstate or ""
    words = printable(failed.diag.message_primary or "the connection broke off")
    lost = state[:2] in ("", "08", "57")
    hint = _TAKES_NO_VERIFIER if "plaintext password" in words else ""
    return IssuerError(f"{address}: {words}" + (f" ({state})" if state else ""), hint=hint, transient=lost, unsure=lost)


def printable(text: str) -> str:
    """Return what a server says without control characters, at a length that people read."""
    return "".join(one if one.isprintable() else " " for one in text)[:300].strip()


@cache
def driver() -> Any:
    """Return psycopg; raises IssuerError if it, or the libpq that it found, will not do."""
    try:
        import psycopg
    except ImportError:
        psycopg = None  # type: ignore[assignment]
    if psycopg is None:
        raise IssuerError("psycopg is not installed", hint="pip install 'secretguard[postgres]'")
    if psycopg.pq.version() < OLDEST_LIBPQ:
        raise IssuerError(
            "the libpq on this machine is older than 16 and cannot be kept from sending a password in plain text",
            hint="pip install 'psycopg[binary]' brings its own.",
        )
    return psycopg


def reached(address: Address, login: Login, context: Context, *, md5: bool) -> Handshake:
    """Return a connection, over TLS unless the server has none and nobody asked for it."""
    if not login.user or not login.secret.reveal():
        raise NotConnected("a login needs a user and a password")
    until = time.monotonic() + context.timeout * 0.9
    failure = NotConnected("its name has no address that may be contacted")
    for hostaddr in _addresses(address):
        mode = "require" if address.tls == "prefer" else address.tls
        try:
            pgconn = _established(_conninfo(address, hostaddr, login, context, mode, md5=md5), login, until)
        except NotConnected as failed:
            failure = failed
        else:
            _speaks_tls.add((address.host, address.port))
            return pgconn
        if _has_no_tls(failure) and address.tls == "prefer" and (address.host, address.port) not in _speaks_tls:
            try:
                return _established(_conninfo(address, hostaddr, login, context, "disable", md5=md5), login, until)
            except NotConnected as failed:
                failure = failed
        if not failure.network:
            break
    raise failure


def _has_no_tls(failure: NotConnected) -> bool:
    return not failure.state and "server does not support SSL" in failure.words


def _addresses(address: Address) -> list[str]:
    """Return the IP addresses of a host, without those that nothing from a repository may send us to."""
    if address.host.startswith(("/", "@")):
        raise NotConnected("a local socket is not contacted")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        found = []
    if not found:
        raise NotConnected("its name does not resolve", network=True)
    numbers = dict.fromkeys(str(one[4][0]) for one in found)
    return [number for number in numbers if not is_off_limits(number)]


def _conninfo(address: Address, hostaddr: str, login: Login, context: Context, mode: str, *, md5: bool) -> bytes:
    """Return the options, each of them named: what is left out would be filled in from elsewhere."""
    options = _nothing() | {
        "host": address.host,
        "hostaddr": hostaddr,
        "port": str(address.port),
        "dbname": address.database or login.user,
        "user": login.user,
        "password": login.secret.reveal(),
        "sslmode": mode,
        "require_auth": "scram-sha-256,md5" if md5 else "scram-sha-256",
        "application_name": context.name if context.rotation else "secretguard",
        "client_encoding": "UTF8",
        "sslcertmode": "disable",
        "ssl_min_protocol_version": "TLSv1.2",
        "passfile": "",
    }
    if mode.startswith("verify-"):
        options["sslrootcert"] = context.environ.get("PGSSLROOTCERT", "")
    quoted = (f"{name}='{_escaped(value)}'" for name, value in options.items())
    return " ".join(quoted).encode("utf-8", "surrogateescape")


@cache
def _nothing() -> dict[str, str]:
    """Return every option that libpq would look up in the environment, at the value it was built with."""
    known = driver().pq.Conninfo.get_defaults()
    options = {one.keyword.decode(): (one.compiled or b"").decode() for one in known if one.envvar}
    for unset in ("service", "servicefile", "min_protocol_version", "max_protocol_version"):
        options.pop(unset, None)  # an empty one is an error; a service only fills what is not told
    return options


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _established(conninfo: bytes, login: Login, until: float) -> Handshake:
    """Connect with verbose failures; raises NotConnected."""
    pq = driver().pq
    if b"\0" in conninfo:
        raise NotConnected("a name or password of it holds a NUL")
    pgconn: Handshake = pq.PGconn.connect_start(conninfo)
    if pgconn.status != pq.ConnStatus.BAD:
        _libpq().PQsetErrorVerbosity(ctypes.c_void_p(pgconn.pgconn_ptr), _VERBOSE)
        if _polled(pgconn, until):
            pgconn.nonblocking = 1
            return pgconn
        words = pgconn.get_error_message() if pgconn.status == pq.ConnStatus.BAD else "no answer in time"
    else:
        words = pgconn.get_error_message()
    pgconn.finish()
    raise _failure(words, login)


def _polled(pgconn: Handshake, until: float) -> bool:
    """Drive the handshake to its end; False if it failed or took too long."""
    states = driver().pq.PollingStatus
    while time.monotonic() < until:
        status = pgconn.connect_poll()
        if status in (states.OK, states.FAILED):
            return bool(status == states.OK)
        wanted = selectors.EVENT_READ if status == states.READING else selectors.EVENT_WRITE
        with selectors.DefaultSelector() as selector:  # the socket may be another one each time
            selector.register(pgconn.socket, wanted)
            selector.select(max(0.0, until - time.monotonic()))
    return False


def _failure(words: str, login: Login) -> NotConnected:
    """Take a failure of libpq apart: the server's own begins with a severity and an SQLSTATE."""
    value = login.secret.reveal()
    if value in words:  # a server may say anything
        words = words.replace(value, "****")
    state, routine = _STATE.search(words), _ROUTINE.search(words)
    if state:
        return NotConnected(
            printable(state["words"]), state=state["state"], routine=routine["routine"] if routine else ""
        )
    said = printable(_TO_SERVER.sub("", words))
    ours = ("authentication method requirement", "server does not support SSL", "certificate", "definition of service")
    return NotConnected(said, network=not any(one in words for one in ours))


@cache
def _libpq() -> Any:
    """Return the libpq that psycopg uses: psycopg does not wrap the one function that is needed of it."""
    import importlib

    pq = driver().pq
    if pq.__impl__ == "python":
        return importlib.import_module("psycopg.pq._pq_ctypes").pq
    package = "psycopg_binary" if pq.__impl__ == "binary" else "psycopg_c"
    library = ctypes.CDLL(str(importlib.import_module(f"{package}.pq").__file__))
    library.PQsetErrorVerbosity.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library
