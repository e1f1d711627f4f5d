"""The journal of one host: whose it is, which version it has, and what happens when the disk does not play along."""

import multiprocessing
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from secretguard.errors import RotationError
from secretguard.rotate.journal import open_journal
from secretguard.rotate.journal_schema import CURRENT, VERSIONS
from secretguard.rotate.journal_sqlite import FILE, open_sqlite
from secretguard.rotate.records import Outcome
from secretguard.rotate.state_directory import identity, state_directory
from tests.rotate.journals import CREDENTIAL, ROOT, Kind, Worker, a_rotation
from tests.servers.processes import Workspace, unprivileged


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directory_and_files_are_nobody_elses(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = open_journal(None, {"XDG_STATE_HOME": str(tmp_path / "deep" / "state")})
        journal.acquire(CREDENTIAL)
    finally:
        os.umask(before)
    directory = tmp_path / "deep" / "state" / "secretguard"
    files = {path.name: mode_of(path) for path in directory.iterdir()}
    assert mode_of(directory) == 0o700
    assert files == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
    journal.close()


def test_without_xdg_it_is_in_the_home_directory(tmp_path: Path) -> None:
    for environ in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative/state"}):
        assert state_directory({"HOME": str(tmp_path), **environ}) == tmp_path / ".local" / "state" / "secretguard"
    assert not Path("relative").exists()


def test_what_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "secretguard").mkdir(mode=0o755)
    (tmp_path / "secretguard" / FILE).touch(mode=0o644)
    open_journal(None, {"XDG_STATE_HOME": str(tmp_path)}).close()
    assert mode_of(tmp_path / "secretguard") == 0o700
    assert mode_of(tmp_path / "secretguard" / FILE) == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "secretguard"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(RotationError, match="can be written by others") as caught:
        state_directory({"XDG_STATE_HOME": str(tmp_path)})
    assert f"chmod 700 {directory}" in caught.value.hint
    assert list(directory.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "secretguard"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    with pytest.raises(RotationError, match="belongs to somebody else"):
        state_directory({"XDG_STATE_HOME": str(tmp_path)})


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "secretguard").touch()
    with pytest.raises(RotationError, match="cannot be used") as caught:
        state_directory({"XDG_STATE_HOME": str(tmp_path)})
    assert caught.value.hint


def test_a_state_directory_keeps_its_name(tmp_path: Path) -> None:
    first = identity(tmp_path)
    assert len(first) == 32
    assert identity(tmp_path) == first
    (tmp_path / "other").mkdir()
    assert identity(tmp_path / "other") != first


def as_version(path: Path, version: int) -> None:
    """Make a journal as an older secretguard made it, with a rotation in it."""
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in VERSIONS[:version]:
            for statement in step:
                connection.execute(statement.format(counter="INTEGER PRIMARY KEY AUTOINCREMENT"))
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO anchors (trail, count, seal) VALUES ('local', 7, 'abc')")


@pytest.mark.parametrize("version", range(1, CURRENT))
def test_an_older_journal_is_brought_up_to_date_with_what_is_in_it(sqlite: Kind, version: int) -> None:
    as_version(sqlite.state / FILE, version)
    journal = sqlite.here()
    assert journal.anchor() == (7, "abc")
    assert sqlite.run("PRAGMA user_version") == [(CURRENT,)]
    journal.set_anchor(8, "def")
    journal.begin(a_rotation(), journal.acquire(CREDENTIAL))
    with pytest.raises(sqlite3.IntegrityError):
        sqlite.run(
            f"INSERT INTO rotations (id, credential, state, record) VALUES ('rot_b', '{CREDENTIAL}', 'open', '{{}}')"
        )
    assert sqlite.here().anchor() == (8, "def")


def test_a_migration_that_fails_changes_nothing(sqlite: Kind) -> None:
    as_version(sqlite.state / FILE, 1)
    for name in ("a", "b"):
        sqlite.run(f"INSERT INTO rotations (id, credential, state, record) VALUES ('{name}', 'sg', 'open', '')")
    before = sqlite.run("SELECT * FROM sqlite_schema")
    with pytest.raises(RotationError):
        sqlite.here()
    assert sqlite.run("SELECT * FROM sqlite_schema") == before
    assert sqlite.run("PRAGMA user_version") == [(1,)]


def test_a_newer_journal_is_refused(sqlite: Kind) -> None:
    sqlite.here().close()
    sqlite.run(f"PRAGMA user_version = {CURRENT + 1}")
    with pytest.raises(RotationError, match=f"version {CURRENT + 1}.* up to {CURRENT}") as caught:
        sqlite.here()
    assert "update" in caught.value.hint
    assert sqlite.run("PRAGMA user_version") == [(CURRENT + 1,)]


def _no_database(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever it is called" * 100)


def _torn_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def _somebody_elses(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 42")


@pytest.mark.parametrize("damage", [_no_database, _torn_pages, _somebody_elses])
def test_a_damaged_file_is_told_and_left_as_it_is(sqlite: Kind, damage: Callable[[Path], None]) -> None:
    journal = sqlite.here()
    journal.begin(a_rotation(), journal.acquire(CREDENTIAL))
    journal.close()
    path = sqlite.state / FILE
    damage(path)
    content = path.read_bytes()
    with pytest.raises(RotationError, match="is damaged, or is no journal") as caught:
        sqlite.here()
    assert "docs/journal.md" in caught.value.hint
    assert caught.value.__cause__ is None
    if damage is not _somebody_elses:
        assert path.read_bytes() == content


def test_a_row_that_says_nothing_is_told(sqlite: Kind) -> None:
    journal = sqlite.here()
    journal.begin(a_rotation(), journal.acquire(CREDENTIAL))
    sqlite.run("UPDATE rotations SET record = '[1]'")
    with pytest.raises(RotationError, match="cannot be read"):
        journal.rotations()
    sqlite.run("UPDATE leases SET process = '{}'")
    with pytest.raises(RotationError, match="cannot be read"):
        journal.leases()


def test_each_commit_is_on_the_disk_when_it_returns(sqlite: Kind) -> None:
    journal = sqlite.here()
    connection = journal._database._connection  # type: ignore[attr-defined]
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _refused_in_full(state: Path, said: "multiprocessing.SimpleQueue[str]") -> None:
    """Write until the kernel refuses; what was acknowledged must be there, also for us."""
    journal = open_sqlite(state)
    lease = journal.acquire(CREDENTIAL)
    rotation = a_rotation("rot_0000000000000001")
    journal.begin(rotation, lease)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    settled = 0
    try:
        while True:
            number = journal.intend(rotation.id, "issue", lease)
            journal.settle(rotation.id, number, Outcome.DONE, ["x" * 2000], lease)
            settled = number
    except RotationError as error:
        said.put(f"{settled}|{error}|{error.hint}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.intend(rotation.id, "with room again", lease)
    os._exit(0)


def test_a_file_that_may_not_grow_loses_nothing(sqlite: Kind) -> None:
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()
    process = fork.Process(target=_refused_in_full, args=(sqlite.state, said))
    process.start()
    process.join(60)
    assert not said.empty()
    settled, message, hint = said.get().split("|")
    assert process.exitcode == 0
    assert str(sqlite.state / FILE) in message
    assert "What was written before is kept." in hint
    attempts = sqlite.here().attempts("rot_0000000000000001")
    done = [one.number for one in attempts if one.outcome is Outcome.DONE]
    assert done == list(range(1, int(settled) + 1))
    assert attempts[-1].step == "with room again"


def may_mount() -> bool:
    return shutil.which("unshare") is not None and (
        subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
            capture_output=True, check=False,
        ).returncode == 0
    )  # fmt: skip


FULL_DISK = """
import os, sys
from pathlib import Path
from secretguard.errors import RotationError
from secretguard.rotate.journal_sqlite import open_sqlite
from secretguard.rotate.records import Outcome
from tests.rotate.journals import CREDENTIAL, a_rotation
state = Path(sys.argv[1])
journal = open_sqlite(state)
lease = journal.acquire(CREDENTIAL)
rotation = a_rotation()
journal.begin(rotation, lease)
settled = 0
try:
    while True:
        settled = journal.intend(rotation.id, "issue", lease)
        journal.settle(rotation.id, settled, Outcome.DONE, ["x" * 2000], lease)
except RotationError as error:
    print(error)
os.sync()
done = [one.number for one in journal.attempts(rotation.id) if one.outcome]
print(done in (list(range(1, settled)), list(range(1, settled + 1))), len(done) > 10)
(state / "ballast").unlink()
print(journal.intend(rotation.id, "issue", lease) > settled - 1)
"""


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    if not may_mount():
        pytest.skip("no right to mount a small disk here")
    script = (
        f"mount -t tmpfs -o size=1m none {tmp_path} && head -c 100000 /dev/zero > {tmp_path}/ballast"
        f' && exec {sys.executable} -c "$0" {tmp_path}'
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, FULL_DISK],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        f"{tmp_path / FILE} cannot be written: the disk is full",
        "True True",
        "True",
    ], done.stderr


def _as_somebody_without_rights(state: Path, said: "multiprocessing.SimpleQueue[str]") -> None:
    drop = unprivileged()
    if drop:
        os.setgroups([])
        os.setgid(int(str(drop["group"])))
        os.setuid(int(str(drop["user"])))
    try:
        open_journal(None, {"XDG_STATE_HOME": str(state.parent)}).acquire(CREDENTIAL)
    except RotationError as error:
        said.put(f"{error}|{error.hint}")
    os._exit(0)


@pytest.mark.parametrize("read_only", ["file", "directory"])
def test_a_journal_that_may_only_be_read_is_told(read_only: str) -> None:
    workspace = Workspace("state")
    state = workspace.path / "secretguard"
    state.mkdir(mode=0o700)
    journal = open_sqlite(state)
    rotation = a_rotation()
    lease = journal.acquire(CREDENTIAL)
    journal.begin(rotation, lease)
    journal.release(lease)
    journal.close()
    workspace.owned(state, state / FILE)
    (state / FILE).chmod(0o400)
    if read_only == "directory":
        state.chmod(0o500)
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()
    process = fork.Process(target=_as_somebody_without_rights, args=(state, said))
    process.start()
    process.join(60)
    assert not said.empty()
    message, hint = said.get().split("|")
    assert str(state / FILE) in message
    assert "rights" in hint
    with closing(sqlite3.connect(state / FILE)) as connection:
        assert connection.execute("SELECT id FROM rotations").fetchall() == [(rotation.id,)]
    state.chmod(0o700)
    workspace.remove()


def test_a_journal_in_use_is_waited_for(sqlite: Kind) -> None:
    sqlite.here()
    worker = Worker(sqlite, "say('ready')\nsys.stdin.readline()\njournal.acquire(CREDENTIAL)\nsay('done')\n")
    worker.hears()
    with closing(sqlite3.connect(sqlite.state / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        worker.go()
        with pytest.raises(subprocess.TimeoutExpired):
            worker.process.wait(0.5)
        other.execute("COMMIT")
    assert worker.rest() == ["done"]
