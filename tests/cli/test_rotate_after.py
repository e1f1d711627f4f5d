"""What was proven once is looked at again, and a rotation that was begun does not depend on whoever reads along."""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_rotate_again import APP, Leak
from tests.servers.postgres import Postgres


@pytest.fixture
def leak(tmp_path: Path, postgres: Postgres, git: Callable[..., str], run: Run) -> Leak:
    return Leak(tmp_path / "code", postgres, git, run)


def test_a_value_that_works_again_is_rotated_again(leak: Leak, run: Run) -> None:
    """As after a backup of the server was restored."""
    assert run("rotate", leak.name, *APP, "--yes", cwd=leak.folder).returncode == 0
    leak.server.run(f"ALTER ROLE {leak.user} PASSWORD '{leak.old}'")
    plan = run("rotate", leak.name, *APP, "--plan", cwd=leak.folder)
    assert "is closed" not in plan.stdout
    done = run("rotate", leak.name, "--to", "ref+local://anew", "--yes", cwd=leak.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not leak.server.lets_in(leak.user, leak.old)
    again = run("rotate", leak.name, "--yes", cwd=leak.folder)
    assert (again.returncode, "is closed" in again.stdout) == (0, True)


def test_a_server_of_this_machine_is_left_out_only_if_nobody_listens(
    leak: Leak, run: Run, git: Callable[..., str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        (leak.folder / "more.py").write_text(f'URL = "postgresql://{leak.user}:{leak.old}@127.0.0.1:{port}/x"\n')
        git("add", "more.py", cwd=leak.folder)
        git("commit", "-qm", "two", cwd=leak.folder)
        busy = run("rotate", leak.name, *APP, "--plan", cwd=leak.folder)
        assert "nothing listens on this machine" not in busy.stdout, busy.stdout
    gone = run("rotate", leak.name, *APP, "--plan", cwd=leak.folder)
    assert f"127.0.0.1:{port}: nothing listens on this machine" in gone.stdout.replace("/x", ""), gone.stdout


def test_a_rotation_ends_although_nobody_reads_what_it_prints(leak: Leak, environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        ["secretguard", "rotate", leak.name, *APP, "--yes"],
        cwd=leak.folder, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 0, done.stderr
    assert "Nobody reads" in done.stderr
    assert not leak.server.lets_in(leak.user, leak.old)


@pytest.mark.parametrize("words", [("--plan",), ("--yes", "--plan"), ()])
def test_a_closed_standard_input_asks_nobody(leak: Leak, environment: dict[str, str], words: tuple[str, ...]) -> None:
    line = f"secretguard rotate {leak.name} {' '.join((*APP, *words))} <&-"
    done = subprocess.run(
        ["bash", "-c", line], cwd=leak.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == (0 if words else 2), done.stdout + done.stderr
    assert "bug" not in done.stderr
