"""`secretguard rotate` while an intruder takes every connection that the leaked login may have."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.cli.conftest import Run
from tests.servers.postgres import Postgres


def test_an_operator_rotates_and_without_one_it_is_said_what_to_do(
    tmp_path: Path, git: Callable[..., str], run: Run, postgres: Postgres
) -> None:
    user, old = postgres.role(attributes="CONNECTION LIMIT 1")
    git("init", "-q")
    (tmp_path / "app.env").write_text(f"DATABASE_URL={postgres.dsn(user, old)}\n")
    git("add", "app.env")
    git("commit", "-qm", "Deploy")
    (name,) = set(re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout))
    words = ("rotate", name, "--yes", "--to", "ref+local://app#/DATABASE_URL")
    with suppress(psycopg.OperationalError), postgres.connected(user, old):
        alone = run(*words)
        assert alone.returncode == 3
        assert f"the password is accepted, but no connection is free for {user}" in alone.stderr
        assert "--admin REF" in alone.stderr
        assert "the leaked value works there" in alone.stdout
        helped = run(*words, "--admin", "ref+env://KEEPER", environ={"KEEPER": postgres.operator})
        assert helped.returncode == 0, helped.stdout + helped.stderr
    assert not postgres.lets_in(user, old)
    new = run("store", "get", "ref+local://app#/password", "--show-secrets").stdout.strip()
    assert postgres.lets_in(user, new)
