"""Where a leaked login leads, and where the operator says that the broker is managed."""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from secretguard.errors import IssuerError
from secretguard.model import Endpoint
from secretguard.rotation import Context, Target
from secretguard.transport import Http

API = "SECRETGUARD_RABBITMQ_API"
"""The environment variable that says where the management API is, and with which login."""
_TLS = re.compile(r"^(?:py)?amqps\b|^(?:py)?amqp\+ssl\b", re.IGNORECASE)
_EXAMPLE = "As in https://USER:PASSWORD@HOST:15671, an administrator's login."
_PORTS = {False: 5672, True: 5671}


class Address(NamedTuple):
    """One broker and virtual host; `tls`: with a certificate that is checked, which `amqps://` means."""

    host: str
    port: int
    vhost: str = "/"
    tls: bool = False

    @property
    def where(self) -> str:
        """Host and port, the breaker's name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.where if self.vhost == "/" else f"{self.where}/{self.vhost}"


class Management(NamedTuple):
    """The management API, and as whom we use it."""

    http: Http
    user: str


def addresses(target: Target) -> tuple[Address, ...]:
    """Return the distinct addresses that the leaked login opens; only a virtual host and TLS are taken beside them."""
    return tuple(dict.fromkeys(_address(target, one) for one in target.endpoints if one.host))


def _address(target: Target, endpoint: Endpoint) -> Address:
    beside = (one for one in target.spellings if any(at.host == endpoint.host for at in one.endpoints))
    tls = endpoint.port == _PORTS[True] or any(_TLS.search(one.text.reveal()) for one in beside)
    return Address(endpoint.host, endpoint.port or _PORTS[tls], unquote(endpoint.database) or "/", tls)


def management_of(target: Target, context: Context) -> Management:
    """Return the API that `--admin` or the environment names; raises IssuerError, which repeats neither."""
    named = target.admin.reveal() if target.admin else context.environ.get(API, "")
    if not named:
        raise IssuerError(f"nobody says where the management API is: neither --admin nor {API}", hint=_EXAMPLE)
    try:
        parts = urlsplit(named.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise IssuerError("what names the management API is no URL", hint=_EXAMPLE) from None
    if parts.scheme not in ("http", "https") or not (host and parts.username and parts.password):
        raise IssuerError("what names the management API is no http(s) URL with a login", hint=_EXAMPLE)
    user, password = unquote(parts.username), unquote(parts.password)
    where = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    http = Http(
        f"{parts.scheme}://{where}{parts.path.rstrip('/')}/api",
        login=(user, password),
        timeout=context.timeout,
        certificates=context.environ.get("SSL_CERT_FILE") or None,
    )
    return Management(http, user)
