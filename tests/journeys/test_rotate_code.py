"""A login leaks in sixty files of every type, beside keys: it is rotated and patched, and what was patched runs."""

import json
import os
import secrets
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from secretguard.testing.repository import RepositoryBuilder
from tests.journeys.running import CommandLine
from tests.servers.postgres import Postgres

SERVICES = {
    "services/s{n}/app.py": """import psycopg

DATABASE_URL = "{uri}"

def main():
    with psycopg.connect(DATABASE_URL) as connection:
        print(connection.execute("select current_user").fetchone()[0])

main()
""",
    "services/s{n}/pool.py": """import psycopg

def connect(dsn: str = "{asyncpg}"):
    return psycopg.connect(dsn.replace("+asyncpg", ""))

print(connect().execute("select current_user").fetchone()[0])
""",
    "services/s{n}/keywords.py": """import psycopg

print(psycopg.connect("host={host} port={port} dbname=postgres user={user} password='{password}'")
      .execute("select current_user").fetchone()[0])
""",
    "services/s{n}/jdbc.py": """import psycopg
from urllib.parse import parse_qsl, urlsplit

url = urlsplit("jdbc:postgresql://{host}:{port}/postgres?user={user}&password={encoded}".removeprefix("jdbc:"))
login = dict(parse_qsl(url.query))
print(psycopg.connect(host=url.hostname, port=url.port, dbname=url.path[1:], **login)
      .execute("select current_user").fetchone()[0])
""",
    "services/s{n}/parts.py": """import psycopg

HOST = "{host}"
url = f"postgresql://{user}:{encoded}@{{HOST}}:{port}/postgres"
print(psycopg.connect(url).execute("select current_user").fetchone()[0])
""",
    "services/s{n}/split.py": """import psycopg

settings = dict(
    host="{host}",
    port="{port}",
    user="{user}",
    password="{password}",
    dbname="postgres",
)
print(psycopg.connect(**settings).execute("select current_user").fetchone()[0])
""",
    "services/s{n}/encoded.py": """import base64
import psycopg

DATABASE_URL_BASE64 = "{base64}"
print(psycopg.connect(base64.b64decode(DATABASE_URL_BASE64).decode()).execute("select current_user").fetchone()[0])
""",
    "services/s{n}/job.sh": """#!/bin/sh
# psql {uri}
exec psql '{uri}' -Atc 'select current_user'
""",
    "services/s{n}/web.js": """// {uri}
const {{ execFileSync }} = require("child_process");
const url = process.env.DATABASE_URL || "{uri}";
process.stdout.write(execFileSync("psql", [url, "-Atc", "select current_user"]));
""",
}
"""Path and content, each of them seven times: sixty-three files."""
BESIDE = {
    ".env": "DATABASE_URL={uri}\nDB_PASSWORD={password}\n",
    "README.md": "Run it with `{uri}`.\n",
    "llm/client.py": 'OPENAI_API_KEY = "{key}"\n',
    "rust/src/main.rs": 'const URL: &str = "{uri}";\n\nfn main() {{ println!("{{}}", URL.len()); }}\n',
}


@pytest.fixture
def leaked(tmp_path: Path, postgres: Postgres) -> dict[str, str]:
    """The words that the files are filled with."""
    password = f"{secrets.token_hex(6)}@{secrets.token_hex(6)}/x"
    user, _ = postgres.role()
    postgres.run(f"ALTER ROLE {user} PASSWORD '{password}'")
    encoded = quote(password, safe="")
    uri = postgres.dsn(user, encoded)
    tail = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(148))
    return {
        "host": postgres.host, "port": str(postgres.port), "user": user, "password": password, "encoded": encoded,
        "uri": uri, "asyncpg": uri.replace("postgresql:", "postgresql+asyncpg:"),
        "base64": b64encode(uri.encode()).decode(), "key": f"sk-proj-{tail[:74]}T3BlbkFJ{tail[74:]}",
    }  # fmt: skip


def test_what_was_rotated_and_patched_runs(
    tmp_path: Path, leaked: dict[str, str], postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    builder = RepositoryBuilder(tmp_path / "orders")
    for number in range(7):
        for path, content in SERVICES.items():
            builder.write(path.format(n=number), content.format(**leaked))
    for path, content in BESIDE.items():
        builder.write(path, content.format(**leaked))
    builder.commit("Import")
    repository = tmp_path / "orders"
    before = _state(repository)
    command_line = CommandLine(tmp_path, tmp_path_factory.getbasetemp() / "home" / "cache")
    credential = next(
        one["id"] for one in command_line.scan("--history", cwd=repository)["credentials"] if one["files"] > 60
    )
    done = command_line.run(
        "rotate", credential, "--to", "ref+local://app#/DATABASE_URL", "--yes", "--deliver", "branch", cwd=repository,
        environ={"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rust/src/main.rs:1" in done.stdout
    assert _state(repository) == before
    clone = tmp_path / "patched"
    branch = f"secretguard/rotate-{credential}"
    subprocess.run(["git", "clone", "-q", "-b", branch, str(repository), str(clone)], check=True)
    holding = [
        str(path.relative_to(clone))
        for path in clone.rglob("*")
        if path.is_file() and ".git" not in path.parts and any(
            leaked[form].encode() in path.read_bytes() for form in ("password", "encoded", "base64")
        )
    ]  # fmt: skip
    assert holding == ["rust/src/main.rs"]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(leaked["uri"])
    programs = {".py": sys.executable, ".sh": "sh", ".js": "node"}
    path = f"{postgres.bin}{os.pathsep}{os.environ['PATH']}"
    for name in SERVICES:
        service = clone / name.format(n=3)
        ran = command_line.run(
            "run", "--env-file", "secretguard.refs.env", "--", programs[service.suffix], str(service), cwd=clone,
            environ={"PATH": path},
        )  # fmt: skip
        assert (ran.returncode, ran.stdout.strip()) == (0, leaked["user"]), (name, ran.stdout, ran.stderr)
    assert not (clone / ".env").exists()
    assert json.loads(json.dumps((clone / ".env.example").read_text())) == "DATABASE_URL=\nDB_PASSWORD=\n"


def _state(repository: Path) -> list[str]:
    """What a person sees of a repository: HEAD, index, stash and files."""
    commands = (["status", "--porcelain=v2", "--branch"], ["stash", "list"], ["ls-files", "-s"], ["rev-parse", "HEAD"])
    return [
        subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True).stdout
        for words in commands
    ]
