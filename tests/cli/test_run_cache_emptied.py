"""What is written to a store is what the next start gets, whatever `secretguard run --cache` kept before."""

import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import resolved
from secretguard.stores.resolved import Resolved
from tests.cli.conftest import Run
from tests.cli.test_rotate_again import Leak
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock since the last start is Linux's")

OLD, NEW = "tr0ub4dor-and-3", "another-one-of-4"
Start = Callable[[], str]


@pytest.fixture
def compiled(environment: dict[str, str], run: Run, tmp_path: Path) -> None:
    """Have the rules compiled in the test's own cache: a rotation needs a scan."""
    run("scan", "--stdin", input="", timeout=600)
    own = tmp_path / "cache" / "secretguard"
    own.mkdir(parents=True)
    for rules in (Path(environment["XDG_CACHE_HOME"]) / "secretguard").glob("rules-*.bin"):
        shutil.copy2(rules, own)


@pytest.fixture
def document() -> str:
    """The path of a document of this test's own."""
    return f"secret/emptied-{secrets.token_hex(4)}"


@pytest.fixture
def login(openbao: OpenBao, tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """The operator's login, with a cache of this test's own."""
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    return {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root, "SECRETGUARD_STORE_KEY": "file"}


@pytest.fixture
def start(run: Run, login: dict[str, str], document: str) -> Start:
    """Start with what is kept, or ask the store; return what the program is given, or why it is not."""

    def start() -> str:
        environ = login | {"VAULT_FORMAT": "json", "VALUE": f"ref+vault://{document}#/VALUE"}
        done = run("run", "--cache", "3600", "--", "sh", "-c", 'printf %s "$VALUE"', environ=environ)
        return done.stdout or done.stderr

    return start


def test_after_a_value_is_put_the_next_start_gets_it(
    run: Run, login: dict[str, str], document: str, start: Start, openbao: OpenBao
) -> None:
    openbao.done("POST", document.replace("secret/", "secret/data/"), {"data": {"VALUE": OLD}})
    assert start() == OLD
    # Another name for the same document, from an environment that is not that of the program.
    done = run("store", "put", f"ref+openbao://{document}#/VALUE", input=NEW, environ=login)
    assert (done.returncode, "note: the cache" in done.stderr) == (0, False), done.stderr
    assert start() == NEW


def test_after_versions_are_destroyed_the_next_start_does_without(
    run: Run, login: dict[str, str], document: str, start: Start
) -> None:
    run("store", "put", f"ref+vault://{document}#/VALUE", input=OLD, environ=login)
    assert start() == OLD
    done = run("store", "destroy", f"ref+vault://{document}", "--all", "--yes", environ=login)
    assert done.returncode == 0, done.stderr
    assert "holds nothing" in start()


def test_after_an_export_the_next_start_gets_the_copy(
    run: Run, login: dict[str, str], document: str, start: Start
) -> None:
    run("store", "put", f"ref+vault://{document}#/VALUE", input=OLD, environ=login)
    run("store", "put", "ref+local://app#/VALUE", input=NEW, environ=login)
    assert start() == OLD
    done = run(
        "store", "export", "ref+local://app#/VALUE", "--to", f"ref+vault://{document}#/VALUE", "--force", environ=login
    )
    assert done.returncode == 0, done.stderr
    assert start() == NEW


@pytest.mark.usefixtures("compiled")
def test_after_a_rotation_no_start_gets_the_leaked_value(
    run: Run,
    login: dict[str, str],
    document: str,
    start: Start,
    postgres: Postgres,
    git: Callable[..., str],
    tmp_path: Path,
) -> None:
    leak = Leak(tmp_path / "code", postgres, git, run)
    where = f"ref+vault://{document}#/VALUE"
    run("store", "put", where, input=leak.dsn, environ=login)
    assert start() == leak.dsn
    done = run("rotate", leak.name, "--to", where, "--yes", cwd=leak.folder, environ=login)
    assert done.returncode == 0, done.stdout + done.stderr
    fresh = start()
    assert fresh.startswith("postgres")
    assert leak.old not in fresh


REFERENCE = parse_reference("ref+vault://secret/app")


def test_who_asked_before_the_write_keeps_nothing_after_it(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path / "data"), "SECRETGUARD_STORE_KEY": "file"}
    cache = Resolved(tmp_path / "cache" / "secretguard" / "resolved", Context(environ), 60)
    cache.keep(REFERENCE, {"": Secret(OLD)}, resolved.now())
    asked = resolved.now()
    resolved.empty(cache.folder, 10)
    assert list(cache.folder.iterdir()) == []
    cache.keep(REFERENCE, {"": Secret(OLD)}, asked)
    assert cache.read(REFERENCE) is None
    cache.keep(REFERENCE, {"": Secret(NEW)}, resolved.now())
    assert (cache.read(REFERENCE) or {})[""].same_as(Secret(NEW))
