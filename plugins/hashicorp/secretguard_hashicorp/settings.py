"""Where Vault or OpenBao is and who we are there: what the operator's environment says, checked, and nothing else.

The names are those of the command-line programs: VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT,
VAULT_CAPATH, VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, each also with BAO_ in front; VAULT_ROLE_ID with VAULT_SECRET_ID or
VAULT_SECRET_ID_FILE for AppRole. A `~/.vault-token` that lies about is not used.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from secretguard.errors import RemoteError
from secretguard.rotation import Context
from secretguard.secret import Secret

PREFIXES = ("VAULT", "BAO")
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,128}(?:/[A-Za-z0-9_.-]{1,128})*")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_LONGEST_FILE = 4096


@dataclass(frozen=True, slots=True)
class AppRole:
    """A login of a machine."""

    role_id: str
    secret_id: Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """One server, and who we are there."""

    address: str
    """`https://host[:port]`."""
    login: Secret | AppRole
    namespace: str = ""
    authorities: str | None = field(default=None, repr=False)
    """File or directory of certificate authorities, in place of the usual ones."""
    client_certificate: tuple[str, str] | None = field(default=None, repr=False)
    """Files of certificate and key."""

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.address).netloc


def settings(context: Context, error: type[RemoteError], first: str = "VAULT") -> Settings:
    """Return what the environment says; raises `error`. Names that begin with `first` win over the other ones."""
    other = next(prefix for prefix in PREFIXES if prefix != first)
    prefixes: tuple[str, ...] = (first, other)
    if context.environ.get(f"{first}_ADDR") and context.environ.get(f"{other}_ADDR"):
        prefixes = (first,)  # two servers: a token for the one is not shown to the other

    def said(name: str) -> str:
        names = (f"{prefix}_{name}" for prefix in prefixes)
        return next((found for one in names if (found := context.environ.get(one, "").strip())), "")

    address = said("ADDR")
    if not address:
        raise error(
            f"{first}_ADDR is not set", hint=f"Set {first}_ADDR=https://host:8200 to the address of the server."
        )
    namespace = said("NAMESPACE").strip("/")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise error(f"{first}_NAMESPACE is not a namespace", hint="As in team-a/project.")
    authorities = said("CACERT") or said("CAPATH")
    certificate, key = said("CLIENT_CERT"), said("CLIENT_KEY")
    if missing := [one for one in (authorities, certificate, key) if one and not Path(one).exists()]:
        raise error(f"{missing[0]}, which {first}_CACERT or {first}_CLIENT_CERT and _KEY name, is not there")
    return Settings(
        _checked(address, f"{first}_ADDR", error),
        _login(context, said, first, error),
        namespace,
        authorities or None,
        (certificate, key) if certificate and key else None,
    )


def _checked(address: str, name: str, error: type[RemoteError]) -> str:
    """Return the address without a slash at its end, if a token may be sent there."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise error(f"{name} is not an address", hint="As in https://vault.example.net:8200.") from None
    odd = parts.username is not None or parts.query or parts.fragment or parts.path.strip("/") or port == 0
    if parts.scheme not in ("http", "https") or not host or odd:
        raise error(f"{name} is not an address", hint="As in https://vault.example.net:8200, and nothing behind it.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise error(
            f"{name} is plain http to another machine: the token and each value would cross the network in the clear",
            hint="Use https, with VAULT_CACERT for an authority of your own. Plain http is for loopback only.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _login(context: Context, said: Callable[[str], str], first: str, error: type[RemoteError]) -> Secret | AppRole:
    role_id, token, secret_id = said("ROLE_ID"), Secret(said("TOKEN")), Secret(said("SECRET_ID"))
    if token.reveal():
        if not _TOKEN.fullmatch(token.reveal()):
            raise error(f"{first}_TOKEN holds characters that no token has")
        return token
    if role_id and not secret_id.reveal() and said("SECRET_ID_FILE"):
        secret_id = _content(Path(said("SECRET_ID_FILE")), f"{first}_SECRET_ID_FILE", error)
    if role_id and secret_id.reveal():
        return AppRole(role_id, secret_id)
    hint = f"Set {first}_TOKEN, or {first}_ROLE_ID and {first}_SECRET_ID (or {first}_SECRET_ID_FILE)."
    if (Path(context.environ.get("HOME") or "/nonexistent") / ".vault-token").exists():
        hint += (
            " There is a ~/.vault-token, which is not used by itself: whose it is and what it may do is for you to say,"
            f' with export {first}_TOKEN="$(cat ~/.vault-token)".'
        )
    raise error(f"nothing says who you are at {urlsplit(said('ADDR')).hostname}", hint=hint)


def _content(path: Path, name: str, error: type[RemoteError]) -> Secret:
    try:
        with path.open("rb") as file:
            return Secret(file.read(_LONGEST_FILE).decode().strip())
    except (OSError, UnicodeDecodeError):
        raise error(f"the file that {name} names cannot be read") from None
