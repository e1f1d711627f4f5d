"""`secretguard run --cache SECONDS`: a start without the store, for so long, and no value on the disk."""

import base64
import json
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import resolved
from secretguard.stores.resolved import Resolved
from tests.cli.conftest import Run
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao
from tests.servers.processes import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the clock since the last start is Linux's")

VALUE = "tr0ub4dor-and-3"
SHOW = ("sh", "-c", "echo $PASSWORD")


@pytest.fixture
def vault(openbao: OpenBao, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose password lies in OpenBao."""
    openbao.done("POST", "secret/data/cached", {"data": {"PASSWORD": VALUE, "OTHER": "beside"}})
    return {
        "PASSWORD": "ref+vault://secret/cached#/PASSWORD",
        "VAULT_ADDR": openbao.address,
        "VAULT_TOKEN": openbao.root,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "SECRETGUARD_STORE_KEY": "file",
    }


def entries(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("cache/secretguard/resolved/*"))


@pytest.fixture
def changed(openbao: OpenBao, vault: dict[str, str]) -> Callable[[str], None]:
    """Set another value in the store, by which is seen who answers."""
    return lambda value: openbao.done("POST", "secret/data/cached", {"data": {"PASSWORD": value}})


def test_within_its_time_the_store_is_not_asked_and_after_it_is(
    run: Run, vault: dict[str, str], changed: Callable[[str], None], tmp_path: Path
) -> None:
    assert run("run", "--cache", "3", "--", *SHOW, environ=vault).stdout == f"{VALUE}\n"
    began = time.monotonic()
    changed("another")
    again = run("run", "--cache", "60", "--", *SHOW, environ=vault)
    if time.monotonic() - began < 2.5:
        assert (again.stdout, again.stderr) == (f"{VALUE}\n", "")
    time.sleep(3.1)
    assert run("run", "--cache", "60", "--", *SHOW, environ=vault).stdout == "another\n"
    assert len(entries(tmp_path)) == 1


def test_a_start_needs_no_store_for_so_long(run: Run, vault: dict[str, str], openbao: OpenBao) -> None:
    assert run("run", "--cache", "600", "--", *SHOW, environ=vault).stdout == f"{VALUE}\n"
    openbao.done("DELETE", "secret/metadata/cached")
    assert run("run", "--cache", "600", "--", *SHOW, environ=vault).stdout == f"{VALUE}\n"
    assert run("run", "--", *SHOW, environ=vault).returncode == 3


def test_without_the_option_nothing_is_kept_or_used(
    run: Run, vault: dict[str, str], changed: Callable[[str], None], tmp_path: Path
) -> None:
    assert run("run", "--", *SHOW, environ=vault).stdout == f"{VALUE}\n"
    assert entries(tmp_path) == []
    run("run", "--cache", "600", "--", *SHOW, environ=vault)
    changed("another")
    assert run("run", "--", *SHOW, environ=vault).stdout == "another\n"


def test_no_value_is_on_the_disk_and_nobody_else_may_look(run: Run, vault: dict[str, str], tmp_path: Path) -> None:
    assert run("run", "--cache", "600", "--", *SHOW, environ=vault).returncode == 0
    assert len(entries(tmp_path)) == 1
    spelled = [
        VALUE,
        "beside",
        base64.b64encode(VALUE.encode()).decode()[:-4],
        VALUE.encode().hex(),
        "PASSWORD",
        "cached",
    ]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [one for one in spelled if one.encode() in content] == [], path
    for path in (entries(tmp_path)[0].parent, entries(tmp_path)[0].parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(entries(tmp_path)[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["VAULT_TOKEN", "VAULT_ADDR", "VAULT_NAMESPACE", "BAO_ADDR", "HOME"])
def test_what_one_environment_was_answered_is_not_given_to_another(
    run: Run, vault: dict[str, str], environment: dict[str, str], name: str, tmp_path: Path
) -> None:
    assert run("run", "--cache", "600", "--", *SHOW, environ=vault).returncode == 0
    data = {"XDG_DATA_HOME": str(Path(environment["HOME"]) / ".local" / "share")}
    other = {
        "VAULT_TOKEN": "s.none",
        "VAULT_ADDR": f"http://127.0.0.1:{free_port()}",
        "VAULT_NAMESPACE": "none",
        "BAO_ADDR": "http://127.0.0.1:1",
        "HOME": str(tmp_path),
    }
    done = run("run", "--cache", "600", "--", *SHOW, environ=vault | data | {name: other[name]})
    answered = name in ("BAO_ADDR", "HOME")  # with which the same server answers, asked anew
    assert (done.returncode, done.stdout) == ((0, f"{VALUE}\n") if answered else (3, ""))
    assert len(entries(tmp_path)) == (2 if answered else 1)


def test_a_document_of_secrets_manager_is_kept_too(
    run: Run, moto: Moto, environment: dict[str, str], tmp_path: Path
) -> None:
    client = boto3.client(
        "secretsmanager",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    name = f"run/{tmp_path.name}"
    client.create_secret(Name=name, SecretString=json.dumps({"PASSWORD": VALUE}))
    environ = {
        **moto.environ(),
        "PASSWORD": f"ref+awssecrets://{name}#/PASSWORD",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "SECRETGUARD_STORE_KEY": "file",
        "HOME": environment["HOME"],
    }
    assert run("run", "--cache", "600", "--", *SHOW, environ=environ).stdout == f"{VALUE}\n"
    client.put_secret_value(SecretId=name, SecretString=json.dumps({"PASSWORD": "another"}))
    assert run("run", "--cache", "600", "--", *SHOW, environ=environ).stdout == f"{VALUE}\n"
    assert run("run", "--", *SHOW, environ=environ).stdout == "another\n"


@pytest.mark.parametrize("text", ["0", "-1", "3601", "1h"])
def test_other_times_are_refused(run: Run, text: str) -> None:
    done = run("run", f"--cache={text}", "--", "true")
    assert done.returncode == 2
    assert "3600" in done.stderr or "integer" in done.stderr


@pytest.mark.parametrize("name", ["file", "x" * 300], ids=["a file", "too long"])
def test_a_cache_that_cannot_be_used_is_no_reason_not_to_start(
    run: Run, vault: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("")
    environ = vault | {"XDG_CACHE_HOME": str(tmp_path / name)}
    done = run("run", "--cache", "60", "--", *SHOW, environ=environ)
    assert (done.returncode, done.stdout) == (0, f"{VALUE}\n")
    assert "note: the cache cannot be" in done.stderr
    done = run("run", "--", *SHOW, environ=environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{VALUE}\n", "")


def test_an_entry_that_was_altered_is_not_believed(
    run: Run, vault: dict[str, str], changed: Callable[[str], None], tmp_path: Path
) -> None:
    assert run("run", "--cache", "60", "--", *SHOW, environ=vault).returncode == 0
    changed("another")
    entry = entries(tmp_path)[0]
    content = entry.read_bytes()
    line = content[32:].partition(b"\n")[0]
    for spoilt in (
        b"",
        content[:-1],
        content[:40],
        content.replace(line, line.replace(b"60", b"3600", 1)),
        bytes(len(content)),
    ):
        entry.write_bytes(spoilt)
        assert run("run", "--cache", "3600", "--", *SHOW, environ=vault).stdout == "another\n"
        entry.write_bytes(content)


REFERENCE = parse_reference("ref+vault://secret/app#/PASSWORD")


@pytest.fixture
def cache(tmp_path: Path) -> Resolved:
    environ = {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "SECRETGUARD_STORE_KEY": "file",
        "VAULT_ADDR": "https://vault.example.com",
    }
    return Resolved(tmp_path / "cache" / "secretguard" / "resolved", Context(environ), 60)


Clocks = Callable[..., None]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clocks]:
    """Move the clocks away from now, by seconds."""

    def move(wall: float = 0.0, boot: float = 0.0, started: str = "one") -> None:
        (tmp_path / "boot").write_text(started)
        monkeypatch.setattr(resolved, "_BOOT", tmp_path / "boot")
        monkeypatch.setattr(resolved.time, "time", lambda: 1_000_000 + wall)
        monkeypatch.setattr(resolved.time, "clock_gettime", lambda _: 1_000 + boot)

    move()
    return move


@pytest.mark.parametrize(
    ("moved", "counts"),
    [
        ({}, True),
        ({"wall": 59, "boot": 59}, True),
        ({"wall": 60, "boot": 60}, False),
        ({"wall": -1, "boot": 5}, False),
        ({"wall": 5, "boot": -1}, False),
        ({"wall": 5, "boot": 70}, False),  # set back after a while: the other clock knows
        ({"wall": 7200, "boot": 5}, False),  # a machine that was suspended with its state
        ({"wall": 5, "boot": 5, "started": "two"}, False),
    ],
)
def test_an_entry_counts_while_both_clocks_say_so_and_then_it_is_removed(
    cache: Resolved, clocks: Clocks, moved: dict[str, float], counts: bool
) -> None:
    cache.keep(REFERENCE, {"PASSWORD": Secret(VALUE)}, resolved.now())
    clocks(**moved)
    found = cache.read(REFERENCE)
    assert (found is not None) == counts
    assert found is None or found["PASSWORD"].reveal() == VALUE
    cache.remove_expired()
    assert len(list(cache.folder.iterdir())) == (1 if counts else 0)


def test_the_shorter_of_two_limits_counts(cache: Resolved, clocks: Clocks) -> None:
    cache.keep(REFERENCE, {"PASSWORD": Secret(VALUE)}, resolved.now())
    clocks(wall=30, boot=30)
    assert Resolved(cache.folder, cache.context, 29).read(REFERENCE) is None
    assert Resolved(cache.folder, cache.context, 3600).read(REFERENCE) is not None
    clocks(wall=61, boot=61)
    assert Resolved(cache.folder, cache.context, 3600).read(REFERENCE) is None


def test_what_is_at_hand_is_not_kept(cache: Resolved) -> None:
    for text in ("ref+local://app#/X", "ref+env://X"):
        cache.keep(parse_reference(text), {"X": Secret(VALUE)}, resolved.now())
    assert not cache.folder.exists()
