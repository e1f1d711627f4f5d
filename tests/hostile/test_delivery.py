"""Whatever a repository's configuration, attributes and hooks name, no delivery runs it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.rewrite.branch import update_branch
from secretguard.rewrite.delivery import Delivered, Delivery
from secretguard.rewrite.patch import write_patch
from tests.hostile.conftest import Hostile
from tests.hostile.test_git_configuration import TRAPS, Trap, control, set_up
from tests.journeys.running import CommandLine
from tests.rewrite.deliveries import WHO, delivery_of, git

AFTER = {"app/settings.env": b"KEY=\n", "new.env": b"KEY=\n"}


def _branch(delivery: Delivery, _: Path) -> Delivered:
    return update_branch(delivery, WHO)


def _patch(delivery: Delivery, place: Path) -> Delivered:
    return write_patch(delivery, place, WHO)


@pytest.mark.parametrize("deliver", [_branch, _patch])
@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_no_delivery_runs_what_the_configuration_names(
    hostile: Hostile,
    command_line: CommandLine,
    tmp_path: Path,
    trap: Trap,
    deliver: Callable[[Delivery, Path], Delivered],
) -> None:
    set_up(hostile, command_line, trap)
    control(hostile, command_line, trap)
    delivery = delivery_of_head(hostile)
    hostile.trigger()
    assert deliver(delivery, tmp_path / "out.patch").is_new
    assert hostile.trigger() == ""


def test_no_git_of_the_current_directory_runs(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitPython looks for git by itself when it is loaded."""
    trap = hostile.trap("git")
    monkeypatch.chdir(trap.parent)
    delivery = delivery_of_head(hostile)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
    import sys

    for name in [name for name in sys.modules if name == "git" or name.startswith(("git.", "gitdb"))]:
        monkeypatch.delitem(sys.modules, name)
    assert write_patch(delivery, tmp_path / "out.patch", WHO).is_new
    assert hostile.trigger() == ""


def test_attributes_do_not_change_what_is_delivered(hostile: Hostile, tmp_path: Path) -> None:
    write_patch(delivery_of_head(hostile), tmp_path / "plain.patch", WHO)
    lines = "* -diff -text eol=crlf ident working-tree-encoding=UTF-16 export-ignore\n"
    (hostile.path / ".gitattributes").write_text(lines)
    (hostile.path / ".git" / "info").mkdir(exist_ok=True)
    (hostile.path / ".git" / "info" / "attributes").write_text(lines)
    write_patch(delivery_of_head(hostile), tmp_path / "other.patch", WHO)
    plain, other = (
        (tmp_path / name).read_bytes().partition(b"\ndiff --git ")[2] for name in ("plain.patch", "other.patch")
    )
    assert plain == other != b""


def delivery_of_head(hostile: Hostile) -> Delivery:
    """A delivery computed before the trap could disturb the git of this test."""
    config = hostile.path / ".git" / "config"
    trapped = config.read_bytes()
    config.write_text("[core]\n\trepositoryformatversion = 0\n")
    try:
        return delivery_of(hostile.path, AFTER, hostile.key.secret)
    finally:
        config.write_bytes(trapped)


def test_the_delivery_is_a_real_commit(hostile: Hostile) -> None:
    update_branch(delivery_of_head(hostile), WHO)
    assert git(hostile.path, "fsck", "--strict") == b""
