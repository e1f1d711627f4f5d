"""`secretguard rotate` where something is in the way: a bug in one of several, a server that refuses the change."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.servers.fixtures import started
from tests.servers.mariadb import MariaDB, start_mariadb, stop_mariadb
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis


@pytest.fixture
def code(tmp_path: Path, git: Callable[..., str], run: Run) -> Callable[..., list[str]]:
    """Commit lines into a repository of their own where one stands; return the ids of what leaked."""

    def leak(*lines: str) -> list[str]:
        git("init", "-q")
        names = []
        for number, line in enumerate(lines):
            (tmp_path / f"app{number}.env").write_text(line + "\n")
            git("add", f"app{number}.env")
            git("commit", "-qm", f"{number}")
            found = dict.fromkeys(re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout))
            names += [name for name in found if name not in names]
        return names

    return leak


BROKEN = """
families, kinds = ("token",), ("gitlab-tokens",)
def overlap(target, context):
    raise ValueError(f"cannot rotate {target.leaked.secret.reveal()}")
"""


def test_a_bug_in_one_of_several_leaves_the_others_going(
    code: Callable[..., list[str]], run: Run, environment: dict[str, str], tmp_path: Path, postgres: Postgres
) -> None:
    info = tmp_path / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[secretguard.rotators]\nbroken = broken_rotator\n")
    (tmp_path / "site" / "broken_rotator.py").write_text(BROKEN)
    value = f"glpat-{secrets.token_hex(10)}"
    user, old = postgres.role()
    broken, other = code(f"GITLAB_TOKEN={value}", f"DATABASE_URL={postgres.dsn(user, old)}")
    path = os.pathsep.join([environment["PYTHONPATH"], str(tmp_path / "site")])
    done = run("rotate", broken, other, "--yes", environ={"PYTHONPATH": path})
    assert done.returncode == 70, done.stdout + done.stderr
    assert f"{broken} was stopped by what follows; the others go on." in done.stderr
    assert f"{other} is dead" in done.stdout
    assert not postgres.lets_in(user, old)
    found = re.search(r"The log (\S+) holds no values", done.stderr)
    assert found
    log = Path(found[1]).read_text()
    assert "broken_rotator:4 in overlap" in log
    assert "`secretguard rotate … … --yes`" in log
    assert value not in done.stdout + done.stderr + log


@pytest.fixture
def frozen() -> Iterator[MariaDB]:
    """A MariaDB of its own that changes nothing until somebody allows it."""
    server = started(start_mariadb)
    yield server
    stop_mariadb(server)


def test_a_redis_login_that_would_lock_itself_out_is_not_killed_first(
    code: Callable[..., list[str]], run: Run, redis_server: Redis
) -> None:
    user, old = redis_server.user()
    (name,) = code(f"REDIS_URL={redis_server.dsn(user, old)}")
    stopped = run("rotate", name, "--to", "ref+local://app", "--yes", "--kill-first")
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert "nothing was done: killed first, the leaked login would lock itself out" in stopped.stderr
    assert run("rotate", "status", "--format", "json").stdout == ""
    assert redis_server.lets_in(user, old)
    done = run("rotate", name, "--to", "ref+local://app", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_that_the_server_refused_is_rolled_back(
    code: Callable[..., list[str]], run: Run, frozen: MariaDB
) -> None:
    user, old = frozen.user()
    (name,) = code(f"DATABASE_URL={frozen.dsn(user, old)}")
    frozen.run("SET GLOBAL read_only = ON")
    refused = run("rotate", name, "--to", "ref+local://app", "--yes")
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert "FAILED  Put the new value in force" in refused.stdout
    assert frozen.lets_in(user, old)
    done = run("rotate", "abort")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is aborted" in done.stdout
    assert "old value: 127.0.0.1" in run("rotate", "report", name).stdout
    assert frozen.lets_in(user, old)
    frozen.run("SET GLOBAL read_only = OFF")
    again = run("rotate", name, "--to", "ref+local://app", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert not frozen.lets_in(user, old)


@pytest.mark.parametrize("after", ["done   Put the new value in force", "Plan for"])
def test_whoever_stops_reading_does_not_stop_a_rotation(
    after: str,
    code: Callable[..., list[str]],
    run: Run,
    environment: dict[str, str],
    tmp_path: Path,
    postgres: Postgres,
) -> None:
    user, old = postgres.role()
    (name,) = code(f"DATABASE_URL={postgres.dsn(user, old)}")
    line = [sys.executable, "-m", "secretguard", "rotate", name, "--to", "ref+local://app", "--yes"]
    process = subprocess.Popen(
        line,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while after not in process.stdout.readline():
        pass
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0, said
    assert "nobody reads standard output any more; what was begun goes on." in said
    assert '"state": "closed"' in run("rotate", "status", "--format", "json").stdout
    new = run("store", "get", "ref+local://app#/password", "--show-secrets").stdout.strip()
    assert postgres.lets_in(user, new)
    assert not postgres.lets_in(user, old)


@pytest.mark.parametrize("style", ["text", "json"])
def test_whoever_interrupts_a_rotation_is_told_that_it_is_open(
    style: str,
    code: Callable[..., list[str]],
    run: Run,
    environment: dict[str, str],
    tmp_path: Path,
    postgres: Postgres,
) -> None:
    """While the password is about to be set: another session holds the role's row."""
    user, old = postgres.role()
    (name,) = code(f"DATABASE_URL={postgres.dsn(user, old)}")
    words = ("rotate", name, "--to", "ref+local://app", "--yes", "--format", style)
    with postgres.connected("postgres", postgres.admin) as held:
        held.execute("SELECT pg_advisory_lock(hashtextextended('secretguard:' || %s::text, 0))", (user,))
        process = subprocess.Popen(
            [sys.executable, "-m", "secretguard", *words],
            cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not postgres.run("SELECT 1 FROM pg_stat_activity WHERE usename = %s AND query ~ 'advisory'", user):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
    assert process.returncode == 130, shown + said
    (status,) = run("rotate", "status", "--format", "json").stdout.splitlines()
    rotation = json.loads(status)["rotation"]
    assert f"secretguard rotate resume {rotation}" in said
    if style == "json":
        assert json.loads(shown.splitlines()[-1])["state"] == "open"
    else:
        assert f"{rotation} is open" in shown
    done = run("rotate", "resume")
    assert done.returncode == 0, done.stdout + done.stderr
