"""Requests to Vault or OpenBao through hvac's adapter: no redirects, checked paths, nothing from the environment.

Measured on hvac 2.4: it follows redirects and takes the token along to another host, it lets `..` in a path reach
`sys/`, and reads VAULT_TOKEN and `~/.vault-token` by itself. None of these happens here.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from secretguard.errors import IssuerError, RemoteError
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.transport import LONGEST_ANSWER, body_of, changing, failures_told, http_session, reading
from secretguard_hashicorp.settings import AppRole, Settings, settings

_SEGMENTS = re.compile(r"[A-Za-z0-9_.@+=-]{1,512}(?:/[A-Za-z0-9_.@+=-]{1,512})*")
DEAD = ("bad token", "invalid token")
"""What a server says of a token that it does not know."""
_STANDBY = (472, 473)


class Number(NamedTuple):
    """A JSON number as it was written: other people's fields go back digit by digit."""

    text: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A JSON value that no traceback shows."""

    value: Any = field(repr=False)


NOTHING = Hidden(None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status below 300 or a refusal that the caller judges."""

    status: int
    body: Mapping[str, Any] = field(repr=False)

    @property
    def data(self) -> Mapping[str, Any]:
        """The `data` of the answer."""
        data = self.body.get("data")
        return data if isinstance(data, Mapping) else {}

    def says(self, words: str) -> bool:
        """Whether the errors in it contain `words`. They are compared, and never shown."""
        return any(words in str(one) for one in self.body.get("errors") or ())


@dataclass(frozen=True, slots=True)
class Vault:
    """One server as one operator sees it."""

    settings: Settings
    timeout: float
    """Seconds for one exchange."""
    error: type[RemoteError]

    @property
    def host(self) -> str:
        """Host and port, for messages and for the breaker."""
        return self.settings.host

    def look(self, method: str, path: str, body: Hidden = NOTHING, *, token: Secret | None = None) -> Answer:
        """Ask something without effect, again where that may help; raises `error`."""
        by = token or self.token()
        call = lambda: self._exchange(method, path, body, by)  # noqa: E731 - a def would keep more in its frame
        return reading(self.host, call, seconds=self.timeout, error=self.error)

    def change(self, method: str, path: str, body: Hidden = NOTHING, *, token: Secret | None = None) -> Answer:
        """Change something, asked once; raises `error`, `unsure` if it may be done after all."""
        by = token or self.token()
        call = lambda: self._exchange(method, path, body, by)  # noqa: E731
        return changing(self.host, call, seconds=self.timeout, error=self.error)

    def token(self) -> Secret:
        """Return the operator's token; with AppRole, one login serves this process until it runs out."""
        login = self.settings.login
        return login if isinstance(login, Secret) else _logged_in(self, login)

    def denied(self, what: str, path: str, *capabilities: str) -> RemoteError:
        """Return the error for a refusal, with the policy that would allow it."""
        if unknown := self.unknown_token():
            return unknown
        wanted = ", ".join(f'"{one}"' for one in capabilities)
        return self.error(
            f"{self.host} does not let us {what}",
            hint=f'The policy of the token needs: path "{path}" {{ capabilities = [{wanted}] }}',
        )

    def unknown_token(self) -> RemoteError | None:
        """Return the error for a token that is none at this server, which says so in other words than of a right."""
        try:
            answer = self.look("get", "auth/token/lookup-self")
        except RemoteError:
            return None
        bare = list(answer.body.get("errors") or ()) == ["permission denied"]
        if answer.status != 403 or not (bare or any(answer.says(words) for words in DEAD)):
            return None
        return self.error(
            f"{self.host} does not know the token that you work with",
            hint="VAULT_TOKEN is wrong, has expired or was revoked, or is of another server or namespace.",
        )

    def _exchange(self, method: str, path: str, body: Hidden, token: Secret | None) -> Answer:
        untrusted = "Name the file of its authority in VAULT_CACERT. VAULT_SKIP_VERIFY is not honoured."
        unreached = f"Is {self.settings.address} (VAULT_ADDR) right, the server up, and this machine in its network?"
        with (
            http_session() as session,
            failures_told(self.host, self.error, untrusted=untrusted, unreached=unreached),
            self._adapter(session, token).request(
                method,
                "/v1/" + checked(path, self.error),
                raise_exception=False,
                data=None if body.value is None else written(body.value).encode(),
                stream=True,
            ) as response,
        ):
            return self._judged(response, Hidden(body_of(response)))

    def _adapter(self, session: Any, token: Secret | None) -> Any:
        try:
            from hvac import adapters
        except ImportError:
            raise self.error(
                "Vault and OpenBao need hvac, which is not installed", hint="pip install 'secretguard[vault]'"
            ) from None
        session.verify = self.settings.authorities or True
        session.cert = self.settings.client_certificate
        make: Any = adapters.RawAdapter  # hvac has no types
        return make(
            base_uri=self.settings.address,
            token=token.reveal() if token else "",
            namespace=self.settings.namespace or None,
            session=session,
            timeout=self.timeout,
            allow_redirects=False,
        )

    def _judged(self, response: Any, content: Hidden) -> Answer:
        """Return the answer if a caller can do something with it."""
        status = response.status_code
        if len(content.value) > LONGEST_ANSWER:
            raise self.error(f"{self.host} sent an answer without end", unsure=True)
        if 300 <= status < 400:
            raise self.error(
                f"{self.host} sends us elsewhere (status {status}), and is not followed: the token would go along",
                hint="Set VAULT_ADDR to the server that answers itself.",
            )
        if status == 429:
            wait = response.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdigit() else None
            raise self.error(f"{self.host} asks to wait", transient=True, retry_after=seconds)
        if status in _STANDBY:
            raise self.error(f"{self.host} is a standby that serves nobody", hint="Set VAULT_ADDR to the active one.")
        if status == 503:
            raise self.error(f"{self.host} is sealed or down", hint="Unseal it.", transient=True, unsure=True)
        if status >= 500 or status == 412:  # 412: a replica that has not caught up with our last write
            raise self.error(f"{self.host} failed with status {status}", transient=True, unsure=True)
        return Answer(status, parsed(content.value))


def vault(context: Context, error: type[RemoteError] = IssuerError, first: str = "VAULT") -> Vault:
    """Return the server that the operator's environment names; raises `error`."""
    return Vault(settings(context, error, first), context.timeout, error)


def checked(path: str, error: type[RemoteError]) -> str:
    """Return `path`, perhaps with a query of ours, if each segment is one; raises `error`."""
    bare, _, _ = path.partition("?")
    if not _SEGMENTS.fullmatch(bare) or any(not one.strip(".") for one in bare.split("/")):
        raise error("a path at the server is not one", hint="Segments of letters, digits, `_.@+=-`.")
    return path


def parsed(content: bytes) -> Mapping[str, Any]:
    """Return a JSON object with its numbers as they were written; an empty one for anything else."""
    with suppress(ValueError, RecursionError):
        found = json.loads(content, parse_float=Number, parse_int=Number)
        if isinstance(found, dict):
            return found
    return {}


def written(value: Any) -> str:
    """Return `value` as JSON."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(written(one) for one in value) + "]"
    return json.dumps(value)


def whole(value: object) -> int:
    """Return a whole number of an answer; 0 if it is none."""
    text = value.text if isinstance(value, Number) else str(value)
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else 0


@dataclass(frozen=True, slots=True)
class _Session:
    token: Secret
    ends: float
    """By the monotonic clock."""


_sessions: dict[tuple[str, str, str, str], _Session] = {}
_sessions_lock = threading.Lock()


def _logged_in(server: Vault, login: AppRole) -> Secret:
    """Return a token for an AppRole. Logins are kept in memory: a secret id may be good for one only."""
    digest = hashlib.sha256(login.secret_id.reveal().encode("utf-8", "surrogateescape")).hexdigest()
    key = (server.settings.address, server.settings.namespace, login.role_id, digest)
    with _sessions_lock:
        kept = _sessions.get(key)
        if kept is None or kept.ends < time.monotonic():
            kept = _sessions[key] = _log_in(server, login)
        return kept.token


def _log_in(server: Vault, login: AppRole) -> _Session:
    body = Hidden({"role_id": login.role_id, "secret_id": login.secret_id.reveal()})
    call = lambda: server._exchange("post", "auth/approle/login", body, None)  # noqa: E731
    answer = changing(server.host, call, seconds=server.timeout, error=server.error)
    auth = answer.body.get("auth")
    if answer.status != 200 or not isinstance(auth, Mapping) or not isinstance(auth.get("client_token"), str):
        raise server.error(
            f"{server.host} refuses the AppRole login",
            hint="VAULT_ROLE_ID or VAULT_SECRET_ID is wrong, has expired or was used up.",
        )
    seconds = whole(auth.get("lease_duration")) or 86400
    return _Session(Secret(auth["client_token"]), time.monotonic() + 0.8 * seconds)
