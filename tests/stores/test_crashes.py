"""The local store's writers are killed before each thing they do to the disk: what is read is old or new, never neither.

The first of the things done when a process is killed before the next one is the state after it: each step is tried
both before and after its effect.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.secret import Secret
from secretguard.stores import local
from tests.stores.conftest import ROTATION, Local, Program, fields, ref

KILLED = """
import os, signal, sys
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import local, sealing
left, folder = int(sys.argv[2]), os.environ["XDG_DATA_HOME"]
sealing.new_identity()  # its library is loaded before we count

def watch(event, details):
    global left
    writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR)
    if (writes or event in ("os.mkdir", "os.rename", "os.remove", "os.chmod")) and folder in str(details[:2]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
where, context = parse_reference("ref+local://app"), Context(os.environ, sys.argv[3])
new = {"password": Secret("new"), "username": Secret("app_2")}
match sys.argv[1]:
    case "stage":
        local.stage(where, new, context)
    case "publish":
        local.publish(where, context)
    case "put":
        local.put(where, new, context)
    case "discard":
        local.discard(where, context)
    case "destroy":
        local.destroy(where, "2", context)
    case "destroy_leaked":
        local.destroy_leaked(where, Secret("leaked"), context)
"""
OLD = {"password": "old", "note": "kept"}
NEW = {"password": "new", "username": "app_2"}
KILL = -9
MOST_STEPS = 60


@pytest.fixture
def killed(place: Local, tmp_path: Path, program: Program) -> Callable[..., int]:
    """Do something to a copy of the store for each step it can be killed before, and look; return the number of steps."""

    def everywhere(what: str, look: Callable[[Local, bool], None]) -> int:
        for step in range(MOST_STEPS):
            copy = Local(tmp_path / f"{what}-{step}")
            if place.data.exists():
                shutil.copytree(place.data, copy.data)
            done = program(KILLED, what, step, ROTATION, environ=copy.environ)
            assert done.returncode in (0, KILL), done.stderr
            look(copy, done.returncode == 0)
            if done.returncode == 0:
                return step
        raise AssertionError("it has more steps than it should")

    return everywhere


def no_leftovers(place: Local) -> None:
    """The next writer finds its way and tidies up."""
    place.put(after="1")
    assert not list(place.data.rglob(".new-*"))
    assert (place.seen() or {})["after"] == "1"


def test_killed_while_it_stages(place: Local, killed: Callable[..., int]) -> None:
    place.put(**OLD)

    def look(here: Local, done: bool) -> None:
        assert here.seen() == OLD
        assert here.staged() in ((NEW,) if done else (NEW, None))
        here.stage(**NEW)
        here.stage(password="never")
        assert here.staged() == NEW
        here.publish()
        assert here.seen() == OLD | NEW
        no_leftovers(here)

    assert killed("stage", look) >= 3


def test_killed_while_it_publishes(place: Local, killed: Callable[..., int]) -> None:
    place.put(**OLD)
    place.stage(**NEW)

    def look(here: Local, done: bool) -> None:
        assert here.seen() in ((OLD | NEW,) if done else (OLD, OLD | NEW))
        assert here.staged() == NEW
        assert local.published(ref(), here.context(ROTATION)) == (here.seen() == OLD | NEW)
        here.publish()
        here.publish()
        assert here.seen() == OLD | NEW
        assert here.staged() == NEW
        assert [state for _, state in here.states()].count("current") == 1
        assert "pending" not in dict(here.states()).values()
        no_leftovers(here)

    assert killed("publish", look) >= 6


def test_killed_while_it_makes_the_store(killed: Callable[..., int], place: Local) -> None:
    def look(here: Local, done: bool) -> None:
        assert here.seen() in ((NEW,) if done else (NEW, None))
        here.put(**NEW)
        assert here.seen() == NEW
        no_leftovers(here)

    assert killed("put", look) >= 12


def test_killed_while_it_puts(place: Local, killed: Callable[..., int]) -> None:
    place.put(**OLD)

    def look(here: Local, done: bool) -> None:
        assert here.seen() in ((OLD | NEW,) if done else (OLD, OLD | NEW))
        no_leftovers(here)

    assert killed("put", look) >= 5


def test_killed_while_it_discards(place: Local, killed: Callable[..., int]) -> None:
    place.put(**OLD)
    place.stage(**NEW)

    def look(here: Local, done: bool) -> None:
        assert here.seen() == OLD
        assert here.staged() in ((None,) if done else (NEW, None))
        local.discard(ref(), here.context(ROTATION))
        assert here.staged() is None
        no_leftovers(here)

    assert killed("discard", look) >= 2


def test_killed_while_it_destroys_the_current_version(place: Local, killed: Callable[..., int]) -> None:
    place.put(password="older")
    place.put(**OLD)

    def look(here: Local, done: bool) -> None:
        assert here.seen() in ((None,) if done else (OLD, None))
        local.destroy(ref(), "2", here.context())
        assert here.seen() is None
        assert here.states() == [("2", "destroyed"), ("1", "previous")]
        no_leftovers(here)

    assert killed("destroy", look) >= 4


def test_killed_while_it_destroys_what_leaked(place: Local, killed: Callable[..., int]) -> None:
    for value in ("leaked", "other", "also leaked", "good"):
        local.put(ref(), fields({"password": value}), place.context())

    def look(here: Local, done: bool) -> None:
        assert here.seen() == {"password": "good"}
        local.destroy_leaked(ref(), Secret("leaked"), here.context(ROTATION))
        assert dict(here.states()) == {"4": "current", "3": "destroyed", "2": "previous", "1": "destroyed"}
        assert here.seen() == {"password": "good"}

    assert killed("destroy_leaked", look) >= 3
