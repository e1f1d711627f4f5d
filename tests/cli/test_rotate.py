"""`secretguard rotate` on a terminal and in a script: what it asks, what it refuses."""

import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Typed
from tests.servers.postgres import Postgres


@pytest.fixture
def leaked(tmp_path: Path, postgres: Postgres, git: Callable[..., str]) -> tuple[str, str]:
    """User and password of a role that leaked in the current directory."""
    user, password = postgres.role()
    git("init", "-q")
    (tmp_path / "app.py").write_text(f'DATABASE_URL = "{postgres.dsn(user, password)}"\n')
    git("add", "app.py")
    git("commit", "-qm", "one")
    return user, password


def test_guided_from_the_list_to_the_end(
    terminal: Typed, leaked: tuple[str, str], postgres: Postgres, git: Callable[..., str]
) -> None:
    user, password = leaked
    code, shown = terminal(
        "rotate",
        answers=(
            ("Which one?: ", "1"),
            ("Store [", "ref+local://app#/DATABASE_URL"),
            ("Deliver (", "branch"),
            ("> ", f"{user}@127.0.0.1"),
        ),
    )
    assert code == 0, shown
    assert "Worst first:" in shown
    assert "one value at a time" in shown
    assert "…      Prove that the new value works\rdone   Prove that the new value works" in shown
    assert (found := re.findall(r"is closed: (sg_[0-9a-f]{12})", shown))
    assert not postgres.lets_in(user, password)
    assert "branch for .: 2 files to change, 1 place to read DATABASE_URL" in shown
    assert "DATABASE_URL" in git("show", f"secretguard/rotate-{found[0]}:app.py")
    assert password not in shown


def test_another_target_typed_does_nothing(
    terminal: Typed, leaked: tuple[str, str], postgres: Postgres, run: Run
) -> None:
    name = re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout)[0]
    code, shown = terminal(
        "rotate", name, "--to", "ref+local://app", answers=(("Deliver (", "none"), ("> ", "somebody@else"))
    )
    assert code == 2
    assert "nothing was done" in shown
    assert postgres.lets_in(*leaked)


def test_nothing_to_rotate_is_said(terminal: Typed, git: Callable[..., str]) -> None:
    git("init", "-q")
    code, shown = terminal("rotate")
    assert code == 0
    assert "nothing to rotate" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rotate",), "name a credential"),
        (("rotate", "hunter2"), "not a credential id"),
        (("rotate", "sg_0123456789ab", "--to", "ref+exec://rm"), "runs a command"),
        (("rotate", "sg_0123456789ab", "--to", "DATABASE_URL"), "not a reference"),
        (("rotate", "sg_0123456789ab", "--mode", "gentle"), "gentle"),
        (("rotate", "sg_0123456789ab", "--skip"), "--reason"),
        (("rotate", "resume"), "no rotation is open"),
        (("rotate", "resume", "rot_1"), "no such rotation"),
        (("rotate", "abort"), "no rotation is open"),
        (("rotate", "sg_0123456789ab", "--skip", "--reason", "x"), "no rotation"),
        (("rotate", "statsu"), "not a credential id"),
        (("rotate", "audit", "show", "rot_1"), "nothing is written down about that"),
    ],
)
def test_a_wrong_line_is_explained(run: Run, words: tuple[str, ...], told: str, git: Callable[..., str]) -> None:
    git("init", "-q")
    done = run(*words)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("words", ["", "{name} --plan --to ref+local://app", "{name} --to ref+local://app"])
def test_nobody_is_asked_where_standard_input_is_closed(
    words: str, run: Run, leaked: tuple[str, str], postgres: Postgres, environment: dict[str, str], tmp_path: Path
) -> None:
    name = re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout)[0]
    line = f"exec {sys.executable} -m secretguard rotate {words.format(name=name)} <&-"
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == (0 if "--plan" in words else 2), done.stdout + done.stderr
    assert ("Plan for" in done.stdout) == bool(words)
    assert postgres.lets_in(*leaked)


def test_a_rotator_that_is_not_there_is_a_wrong_line(run: Run, leaked: tuple[str, str]) -> None:
    name = re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout)[0]
    done = run("rotate", name, "--rotator", "nope", "--to", "ref+local://app", "--yes")
    assert done.returncode == 2, done.stderr
    assert "postgres" in done.stderr


def test_a_hint_shows_how_an_operators_login_is_written(run: Run, leaked: tuple[str, str]) -> None:
    name = re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout)[0]
    line = ("rotate", name, "--admin", "ref+env://ADMIN", "--to", "ref+local://app", "--yes")
    done = run(*line, environ={"ADMIN": "not a DSN"})
    assert "postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in done.stderr, done.stdout + done.stderr


def test_status_of_nothing_is_empty_and_good(run: Run) -> None:
    done = run("rotate", "status", "--format", "json")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_key_without_a_rotator_is_named_and_left(run: Run, tmp_path: Path, git: Callable[..., str]) -> None:
    git("init", "-q")
    (tmp_path / "app.env").write_text(f"TOKEN=glpat-{secrets.token_hex(10)}\n")
    done = run("rotate", "--all", "--yes")
    assert done.returncode == 2
    assert "by hand" in done.stderr


def test_what_a_new_value_is_made_after_is_not_killed_first(run: Run, tmp_path: Path, git: Callable[..., str]) -> None:
    """A token of Vault is made with the policies of the leaked one, which a dead one does not tell."""
    git("init", "-q")
    (tmp_path / "app.env").write_text(f"VAULT_TOKEN=hvs.{secrets.token_hex(48)}\n")
    (name,) = set(re.findall(r"sg_[0-9a-f]{12}", run("scan").stdout))
    done = run("rotate", name, "--kill-first", "--yes", "--to", "ref+local://vault")
    assert done.returncode == 2
    assert "has to live" in done.stderr
