"""The cases of `corpus/*.yaml`: one file before and after, with literals that are made when the tests run.

A case has a `name`, a `path`, `before`, and `after` (the whole file), or `manual`: a word of the reason why a person
has to do it, and perhaps `advice`: a word of what to do. `files` are others of the repository; `also`: what becomes
of those. `credential: openai` leaks a key instead of a login; `crlf`, `mark` and `encoding` say how the file is written. `store`: where the value goes. `variables` maps each variable to the
form it holds. `runs`: it is a program that prints what it gets; `compiles`: it needs no other file to be compiled.
"""

import base64
import random
import string
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from secretguard.rotation import Login
from secretguard.secret import Secret

FOLDER = Path(__file__).parent / "corpus"
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Case:
    """One file before and after."""

    name: str
    path: str
    before: str
    after: str | None
    manual: str = ""
    advice: str = ""
    credential: str = "postgres"
    files: dict[str, str] = field(default_factory=dict)
    also: dict[str, str | None] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    store: str = "ref+vault://secret/app"
    crlf: bool = False
    mark: bool = False
    encoding: str = "utf-8"
    runs: bool = False
    compiles: bool = False
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"

    def written(self, text: str) -> bytes:
        """Return the bytes of the file with this text, literals filled in."""
        text = filled(text)
        text = text.replace("\n", "\r\n") if self.crlf else text
        return ("\ufeff" + text if self.mark else text).encode(self.encoding)


def cases() -> list[Case]:
    """Return every case of every file."""
    return [
        Case(**{"after": None, **one}, source=file.stem)
        for file in sorted(FOLDER.glob("*.yaml"))
        for one in yaml.safe_load(file.read_text("utf-8"))
    ]


@cache
def _made(seed: int = 7) -> dict[str, str]:
    pick = random.Random(seed)
    password = "pw" + "".join(pick.choice(_LETTERS) for _ in range(22))
    user, host = "raw_capture", "db.internal.example"
    login = f"{user}:{quote(password, safe='')}@{host}:5432/app"
    key = (
        "sk-proj-"
        + "".join(pick.choice(_LETTERS) for _ in range(74))
        + "T3BlbkFJ"
        + "".join(pick.choice(_LETTERS) for _ in range(74))
    )
    dsn = f"postgresql://{login}"
    return {
        "user": user,
        "key id": "AKIA" + "".join(pick.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
        "secret key": "".join(pick.choice(_LETTERS + "+/") for _ in range(40)),
        "host": host,
        "password": password,
        "dsn": dsn,
        "dsn asyncpg": f"postgresql+asyncpg://{login}",
        "dsn base64": base64.b64encode(dsn.encode()).decode(),
        "password base64": base64.b64encode(password.encode()).decode(),
        "jdbc": f"jdbc:postgresql://{host}:5432/app?user={user}&password={password}",
        "libpq": f"host={host} port=5432 dbname=app user={user} password={password}",
        "ado": f"Host={host};Port=5432;Database=app;Username={user};Password={password}",
        "key": key,
    }


def filled(text: str) -> str:
    """Return `text` with each ⟨word⟩ replaced by the literal it stands for."""
    for word, value in _made().items():
        text = text.replace(f"⟨{word}⟩", value)
    return text


def leaked(case: Case) -> tuple[Login, str, str]:
    """Return the credential of a case, its kind and family."""
    made = _made()
    if case.credential == "openai":
        return Login("", Secret(made["key"])), "openai-project", "token"
    if case.credential == "aws":
        return Login(made["key id"], Secret(made["secret key"])), "aws-access-key", "aws"
    return Login(made["user"], Secret(made["password"])), "postgres-uri", "postgres"


def described(rewrite: Any) -> dict[str, str]:
    """Return the variables of a rewriting and the forms that they hold."""
    return {one.variable.name: one.spelling.form for one in rewrite.variables}
