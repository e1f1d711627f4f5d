"""One PostgreSQL login in every spelling of `spellings.yaml`, with made-up values."""

import base64
import io
import random
import string
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from typing import Any
from urllib.parse import quote

import yaml

from secretguard.testing.manifest import Planted, Text

_ARCHIVE = "backup/config.zip"
_MEMBER = "etc/orders.env"


@dataclass(frozen=True, slots=True)
class Server:
    """A place where the login opens a database."""

    host: str
    port: int
    database: str


@dataclass(frozen=True, slots=True)
class Login:
    """A database login and the servers that accept it."""

    user: str
    password: str
    servers: tuple[Server, ...]

    @property
    def encoded(self) -> str:
        """The password as it stands in a URI."""
        return quote(self.password, safe="")

    def uri(self, server: Server) -> str:
        """Return the login as a URI."""
        return f"postgresql://{self.user}:{self.encoded}@{server.host}:{server.port}/{server.database}"

    def planted(self, name: str) -> Planted:
        """Return it as the builder hides it."""
        values = (self.encoded, *map(self.uri, self.servers))
        return Planted(name, self.password, "postgres", self.user, other_values=values)


def random_login(rng: random.Random, servers: tuple[Server, ...] = ()) -> Login:
    """Return a login whose password needs percent-encoding in a URI."""
    password = f"{letters(rng, 7)}@{letters(rng, 6)}/{letters(rng, 5)}"
    return Login(f"svc_{letters(rng, 6).lower()}", password, servers or random_servers(rng))


def random_servers(rng: random.Random) -> tuple[Server, ...]:
    """Return a primary, a replica and a pooler."""
    domain = f"{letters(rng, 8).lower()}.net"
    ports = {"orders-db": 5432, "replica-2": 5433, "pooler": 6432}
    return tuple(Server(f"{name}.{domain}", port, "orders") for name, port in ports.items())


def letters(rng: random.Random, length: int) -> str:
    """Return random letters and digits, a letter first."""
    return rng.choice(string.ascii_letters) + "".join(rng.choices(string.ascii_letters + string.digits, k=length - 1))


def spelled(login: Login, planted: Planted) -> Iterator[tuple[str, Text]]:
    """Yield path and content of each file that spells `login`."""
    servers = cycle(login.servers)
    for entry in _entries("login"):
        filled = string.Template(entry["text"]).substitute(_slots(login, next(servers)))
        data = filled.encode(entry.get("encoding", "utf-8"))
        yield entry["path"], Text(data, (planted,) * entry.get("mentions", 1))
    yield _ARCHIVE, Text(archive({_MEMBER: f"DATABASE_URL={login.uri(next(servers))}\n"}), (planted,), _MEMBER)


def harmless(rng: random.Random) -> Iterator[tuple[str, Text]]:
    """Yield files with placeholders, lookups, hashes and checksums, which are no credentials."""
    integrity = base64.b64encode(rng.randbytes(64)).decode()
    for entry in _entries("harmless"):
        yield entry["path"], Text(string.Template(entry["text"]).substitute(integrity=integrity).encode())


def archive(members: dict[str, str]) -> bytes:
    """Return a zip file with these members, the same bytes each time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _entries(section: str) -> list[dict[str, Any]]:
    document = yaml.safe_load((files("secretguard.testing") / "spellings.yaml").read_text("utf-8"))
    entries: list[dict[str, Any]] = document[section]
    return entries


def _slots(login: Login, server: Server) -> dict[str, object]:
    uri = login.uri(server)
    return {
        "user": login.user,
        "password": login.password,
        "encoded": login.encoded,
        "host": server.host,
        "port": server.port,
        "database": server.database,
        "uri": uri,
        "uri_base64": base64.b64encode(uri.encode()).decode(),
        "uri_hex": uri.encode().hex(),
        "uri_unicode": "".join(f"\\u{ord(char):04x}" for char in uri),
        "user_base64": base64.b64encode(login.user.encode()).decode(),
        "password_base64": base64.b64encode(login.password.encode()).decode(),
    }
