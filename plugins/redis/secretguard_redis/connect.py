"""Connections to Redis that take nothing from anywhere but the arguments, and logins tried and judged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Trial
from secretguard.transport import changing, one_line, reached, reading, trying
from secretguard_redis.addresses import Address

Result = TypeVar("Result")
Command = Callable[..., Any]
"""Carries out one command, its words as arguments, and returns the reply; raises redis.RedisError."""
_NO_PASSWORD = ("without any password configured", "no password is set")
"""What a server says to `AUTH password` that lets everybody in as the user `default`."""


def asked(address: Address, login: Login, context: Context, work: Callable[[Command], Result]) -> Result:
    """Return what `work` reads; raises IssuerError."""
    return reading(address.where, lambda: _within(address, login, context, work), seconds=context.timeout)


def changed(address: Address, login: Login, context: Context, work: Callable[[Command], Result]) -> Result:
    """Return what `work` did, tried once; raises IssuerError, `unsure` where its effect may be there."""
    return changing(address.where, lambda: _within(address, login, context, work), seconds=context.timeout)


def tried(address: Address, login: Login, context: Context) -> Trial:
    """Try one login as the application does; what is not certain is UNKNOWN. Never raises for what a server does."""

    def once() -> Trial:
        try:
            with _connected(address, login, context):
                return Trial(Answer.WORKS)
        except driver().AuthenticationError as failed:
            if any(one in str(failed) for one in _NO_PASSWORD):
                return Trial(Answer.UNKNOWN, "the server asks nobody for a password")
            return Trial(Answer.REFUSED, "wrong password, or the user is off")
        except driver().RedisError as failed:
            refusal = _told(failed, address)
        raise refusal

    return trying(address.where, once, seconds=context.timeout)


@cache
def driver() -> Any:
    """Return the errors of redis-py; raises IssuerError if it is not there."""
    try:
        import redis.exceptions
    except ImportError:
        raise IssuerError("redis-py is not installed", hint="pip install 'secretguard[databases]'") from None
    return redis.exceptions


@cache
def _classes() -> tuple[Any, Any]:
    """Return the library's connections, plain and with TLS, over sockets of ours."""
    from redis.connection import Connection, SSLConnection

    class Reached(Connection):
        def _connect(self) -> Any:
            return reached(self.host, self.port, seconds=float(self.socket_timeout or 1))

    class ReachedWithTls(SSLConnection, Reached):  # the library wraps what the next in line connects
        pass

    return Reached, ReachedWithTls


@contextmanager
def _connected(address: Address, login: Login, context: Context) -> Iterator[Command]:
    """Log in; raises redis.RedisError or IssuerError. Nothing is tried twice here: retries are the caller's."""
    driver()
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    plain, encrypted = _classes()
    trusted = {"ssl_ca_certs": context.environ.get("SSL_CERT_FILE") or None} if address.tls else {}
    connection = (encrypted if address.tls else plain)(
        host=address.host,
        port=address.port,
        username=login.user or None,
        password=login.secret.reveal(),
        socket_timeout=context.timeout * 0.9,
        socket_connect_timeout=context.timeout * 0.9,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        decode_responses=True,
        encoding_errors="surrogateescape",
        **trusted,
    )

    def command(*words: str) -> Any:
        connection.send_command(*words)
        return connection.read_response()

    try:
        connection.connect()
        yield command
    finally:
        with suppress(Exception):
            connection.disconnect()


def _within(address: Address, login: Login, context: Context, work: Callable[[Command], Result]) -> Result:
    """Raise what went wrong outside of any handler: the library's own error has the login in its frames."""
    try:
        with _connected(address, login, context) as command:
            return work(command)
    except driver().RedisError as failed:
        refusal = _told(failed, address)
    except (LookupError, TypeError, ValueError):  # whoever runs it may answer anything
        refusal = IssuerError(f"{address.where} does not answer as Redis does")
    raise refusal


def _told(failed: BaseException, address: Address) -> IssuerError:
    """Return a failure in words: a server repeats of a command no more than a hash."""
    redis = driver()
    if isinstance(failed, redis.AuthenticationError):
        return IssuerError(f"{address.where} refuses the login")
    said = one_line(failed)
    if isinstance(failed, (redis.ConnectionError, redis.TimeoutError)):
        untrusted = "certificate" in said.lower()
        return IssuerError(
            f"{address.where}: {said}",
            hint="Name its authority in SSL_CERT_FILE." if untrusted else "",
            transient=not untrusted,
            unsure=not untrusted,
        )
    return IssuerError(f"{address.where}: {said}")
