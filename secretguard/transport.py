"""Calls to other people's systems: a time limit on each, retries for reads only, a breaker for each host.

What a plugin does to a server, by whatever protocol, goes through `reading` or `changing`. HTTP without a library of
its own goes through `Http`: no redirects, no proxy or login from the environment, no endless answer.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from secretguard.deadline import within
from secretguard.errors import IssuerError, RemoteError
from secretguard.rotation import Answer, Trial

if TYPE_CHECKING:
    import requests

Result = TypeVar("Result")
ATTEMPTS = 4
FAILURES_TO_OPEN = 5
SECONDS_OPEN = 20.0
LONGEST_ANSWER = 4 << 20
"""Bytes; no answer that we ask for comes near."""
_FIRST_PAUSE, _JITTER = 0.1, 0.3
"""Seconds before a read is tried again: each pause is twice the one before, and up to the jitter longer."""
_METADATA = ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
"""Of AWS, Alibaba Cloud and Oracle Cloud, where they are not link-local."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LONGEST_WAIT = 60.0
"""Seconds of a Retry-After that are waited; longer ones end the attempt and are told to the user."""


def reading(host: str, call: Callable[[], Result], *, seconds: float, error: type[RemoteError] = IssuerError) -> Result:
    """Return what `call` returns, tried up to four times with backoff and jitter; each try may take `seconds`.

    `call` must have no effect. It raises `error`; only a transient one is tried again, after its `retry_after` if it
    has one. Raises `error`.
    """
    import stamina

    _quiet_retries()
    for attempt in stamina.retry_context(
        on=_wait_before_retry,
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=_FIRST_PAUSE,
        wait_max=3.0,
        wait_jitter=_JITTER,
    ):
        with attempt:
            return _guarded(host, call, seconds, error)
    raise AssertionError("a retry ends with a result or an error")


def changing(
    host: str, call: Callable[[], Result], *, seconds: float, error: type[RemoteError] = IssuerError
) -> Result:
    """Return what `call` returns, tried once: whether an effect took place after all, only looking tells.

    Raises `error`; `unsure` is set if there was no answer in `seconds`.
    """
    return _guarded(host, call, seconds, error)


def trying(host: str, call: Callable[[], Trial], *, seconds: float) -> Trial:
    """Return what `call` finds of a login, tried again as a read is; what does not answer is UNKNOWN. Never raises."""
    try:
        return reading(host, call, seconds=seconds)
    except IssuerError as failed:
        return Trial(Answer.UNKNOWN, str(failed))


def one_line(said: object, most: int = 300) -> str:
    """Return what a server says as one line without control characters, to be shown or written down."""
    return "".join(char if char.isprintable() else " " for char in str(said))[:most]


def _wait_before_retry(error: Exception) -> bool | float:
    if not isinstance(error, RemoteError) or not error.transient:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= _LONGEST_WAIT else False


def _guarded(host: str, call: Callable[[], Result], seconds: float, error: type[RemoteError]) -> Result:
    guard = breaker(host)
    if guard.refuses:
        raise error(
            f"{host} failed {FAILURES_TO_OPEN} times in a row and is left alone for {SECONDS_OPEN:.0f} seconds",
            hint="Look whether it is up, then run the command again.",
        )
    try:
        result = within(host, call, seconds, error)
    except RemoteError as failed:
        guard.note(failed)
        raise
    guard.note(None)
    return result


class Breaker:
    """The breaker of a host: open after five transient failures in a row, and tried again after a while.

    The library holds a lock while it calls. So it is told of a call's end and does not make the call: calls to one host
    go on side by side, and inside each other.
    """

    def __init__(self, host: str) -> None:
        from pybreaker import CircuitBreaker, CircuitBreakerListener

        self._opened = 0.0
        outer = self

        class Listener(CircuitBreakerListener):
            def state_change(self, cb: object, old_state: object, new_state: object) -> None:  # noqa: ARG002
                outer._opened = time.monotonic()

        self._library = CircuitBreaker(
            fail_max=FAILURES_TO_OPEN,
            reset_timeout=0,  # when it may be tried again, `refuses` says, by a clock that nobody sets
            exclude=[lambda failed: not (isinstance(failed, RemoteError) and failed.transient)],
            listeners=[Listener()],
            name=host,
        )

    @property
    def is_open(self) -> bool:
        """Whether the last five calls failed."""
        return self._library.current_state == "open"

    @property
    def refuses(self) -> bool:
        """Whether the host is to be left alone now."""
        return self.is_open and time.monotonic() < self._opened + SECONDS_OPEN

    def note(self, failed: RemoteError | None) -> None:
        """Count how a call ended."""
        from pybreaker import CircuitBreakerError

        def replay() -> None:
            if failed is not None:
                raise failed

        with suppress(RemoteError, CircuitBreakerError):
            self._library.call(replay)


@cache
def breaker(host: str) -> Breaker:
    """Return the breaker of a host, one for the whole process."""
    return Breaker(host)


def reached(host: str, port: int, *, seconds: float, error: type[RemoteError] = IssuerError) -> socket.socket:
    """Open a TCP connection, for a library that takes one; raises `error`.

    No link-local, metadata, multicast or unspecified address is contacted, whatever a name resolves to.
    """
    until = time.monotonic() + seconds
    for address in _addresses(host, port, error):
        try:
            return socket.create_connection((address, port), timeout=max(0.1, until - time.monotonic()))
        except OSError:
            continue
    raise error(f"{host}:{port} cannot be reached", transient=True)


def _addresses(host: str, port: int, error: type[RemoteError]) -> list[str]:
    """Return the IP addresses of a host that may be contacted."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError, OverflowError):
        raise error(f"the name {host} does not resolve", transient=True) from None
    allowed = [one for one in dict.fromkeys(str(entry[4][0]) for entry in found) if not is_off_limits(one)]
    if not allowed:
        raise error(f"{host} has no address that may be contacted")
    return allowed


def is_off_limits(number: str) -> bool:
    """Whether nothing from a repository may send us to that IP address: what answers there trusts whoever asks."""
    one = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address):
        one = one.ipv4_mapped or one.sixtofour or _behind_nat64(one) or one
    return one.is_link_local or one.is_multicast or one.is_unspecified or str(one) in _METADATA


def _behind_nat64(one: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(one.packed[-4:]) if one in _NAT64 else None


@cache
def _quiet_retries() -> None:
    """Retries are ours to tell: the library's own log would go to standard error."""
    import stamina.instrumentation

    stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON; None if it is none."""
        import json

        with suppress(ValueError):
            return json.loads(self.body)
        return None


@dataclass(frozen=True, slots=True)
class Http:
    """One HTTP service: `base` is `https://host[:port][/path]`, `headers` go with each request."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    """For HTTP basic authentication."""
    timeout: float = 10.0
    """Seconds for one whole exchange."""
    certificates: str | None = None
    """A file of authorities to trust in place of the usual ones."""
    error: type[RemoteError] = IssuerError

    @property
    def host(self) -> str:
        """Host and port, for messages and for the breaker."""
        return urlsplit(self.base).netloc.rpartition("@")[2]

    def get(self, path: str) -> Reply:
        """Read; tried again where that may help. Raises `error` for every answer but 2xx and 4xx."""
        return reading(self.host, lambda: self._exchange("GET", path, None), seconds=self.timeout, error=self.error)

    def send(self, method: str, path: str, body: object = None) -> Reply:
        """Change something, asked once. Raises `error` for every answer but 2xx and 4xx; `unsure` if it may be done."""
        return changing(self.host, lambda: self._exchange(method, path, body), seconds=self.timeout, error=self.error)

    def repeat(self, method: str, path: str, body: object = None) -> Reply:
        """Change something that may be asked for twice, with one effect; tried again as a read is. Raises `error`."""
        return reading(self.host, lambda: self._exchange(method, path, body), seconds=self.timeout, error=self.error)

    def _exchange(self, method: str, path: str, body: object) -> Reply:
        untrusted = "Name its authority."
        with http_session() as session, failures_told(self.host, self.error, untrusted=untrusted):
            session.verify = self.certificates or True
            with session.request(
                method,
                self.base.rstrip("/") + path,
                json=body,
                headers=dict(self.headers),
                auth=self.login,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._judged(response, body_of(response))

    def _judged(self, response: "requests.Response", content: bytes) -> Reply:
        """Return the reply if a caller can do something with it."""
        status = response.status_code
        if len(content) > LONGEST_ANSWER:
            raise self.error(f"{self.host} sent an answer without end", unsure=True)
        if status == 429 or (status == 403 and _is_about_rate(response.headers)):
            raise self.error(f"{self.host} asks to wait", transient=True, retry_after=_seconds(response.headers))
        if status >= 500:
            raise self.error(f"{self.host} failed with status {status}", transient=True, unsure=True)
        if 300 <= status < 400:
            raise self.error(f"{self.host} sends us elsewhere (status {status}), and is not followed")
        return Reply(status, dict(response.headers), content)


@contextmanager
def failures_told(host: str, error: type[RemoteError], *, untrusted: str = "", unreached: str = "") -> Iterator[None]:
    """Turn what requests, or a library on top of it, raises into `error`.

    `untrusted` is the hint for certificates, `unreached` the one for a server that does not answer.
    """
    import requests

    try:
        yield
    except requests.ConnectTimeout:
        raise error(f"{host} cannot be reached in time", hint=unreached, transient=True) from None
    except requests.exceptions.SSLError:
        raise error(f"the certificate of {host} is not trusted", hint=untrusted) from None
    except requests.ConnectionError as failed:
        refused = "NewConnectionError" in type(failed.args[0]).__name__ + repr(failed.args)[:400]
        raise error(f"{host} cannot be reached", hint=unreached, transient=True, unsure=not refused) from None
    except (requests.RequestException, OSError):
        raise error(f"{host} broke off its answer", transient=True, unsure=True) from None


def body_of(response: "requests.Response") -> bytes:
    """Return the body of a streamed response, or more than LONGEST_ANSWER of it."""
    content = bytearray()
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > LONGEST_ANSWER:
            break
    return bytes(content)


def http_session() -> "requests.Session":
    """Return a session of our own: no proxy, login or certificates from the environment."""
    import requests

    session = requests.Session()
    session.trust_env = False
    return session


def _is_about_rate(headers: Mapping[str, str]) -> bool:
    """Whether a refusal is for a while only, as GitHub says it with status 403."""
    return "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0"


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return what Retry-After, or else GitHub's X-RateLimit-Reset, says in seconds; nonsense counts as nothing."""
    text, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    if text.isdigit():
        return float(text)
    return max(0.0, float(reset) - time.time()) if reset.isdigit() else None
