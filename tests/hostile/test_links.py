"""No symbolic link leads a scan out of what it was asked to scan."""

import os
from pathlib import Path

import pytest

from secretguard.testing import RepositoryBuilder
from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine


@pytest.fixture
def outside(hostile: Hostile, tmp_path: Path) -> Path:
    """Somebody's private files beside the repository, with the very key in them."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "secret.env").write_bytes((hostile.path / "app/settings.env").read_bytes())
    return private


def test_links_out_of_the_tree_are_not_followed(
    hostile: Hostile, outside: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    innocent = RepositoryBuilder(tmp_path / "linked")
    innocent.write("README.md", "# Links\n").link("file.env", str(outside / "secret.env")).link("folder", str(outside))
    innocent.link("up", "..").link("relative.env", "../private/secret.env").commit("Links")
    (innocent.path / "untracked.env").symlink_to(outside / "secret.env")
    (innocent.path / "untracked-folder").symlink_to(outside)
    for words in ((), ("--history",), ("--include-ignored",), ("--staged",)):
        assert command_line.scan(*words, cwd=innocent.path, code=0)["credentials"] == []


def test_a_tracked_directory_replaced_by_a_link_is_not_followed(
    hostile: Hostile, outside: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    builder = RepositoryBuilder(tmp_path / "swapped")
    builder.write("conf/secret.env", "nothing\n").write("README.md", "#\n").commit("Start")
    (builder.path / "conf/secret.env").unlink()
    (builder.path / "conf").rmdir()
    (builder.path / "conf").symlink_to(outside)
    assert command_line.scan(cwd=builder.path, code=0)["credentials"] == []
    assert command_line.scan("--history", cwd=builder.path, code=0)["credentials"] == []


def test_links_in_a_directory_without_git_are_not_followed(
    hostile: Hostile, outside: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    (plain / "deep").mkdir(parents=True)
    (plain / "README.md").write_text("#\n")
    (plain / "file.env").symlink_to(outside / "secret.env")
    (plain / "deep" / "folder").symlink_to(outside)
    (plain / "deep" / "loop").symlink_to("..")
    assert command_line.scan(plain, cwd=tmp_path, code=0)["credentials"] == []


def test_a_secret_in_the_text_of_a_link_is_found(hostile: Hostile, command_line: CommandLine) -> None:
    """A link's target is content like any other: git stores it as a blob."""
    hostile.builder.link("pointer", f"/nowhere/{hostile.key.secret}").commit("Link")
    report = command_line.scan("--history", cwd=hostile.path, code=1)
    assert "pointer" in {at["path"] for at in report["credentials"][0]["occurrences"]}


@pytest.mark.parametrize(
    "name", [".secretguard.yaml", ".secretguard-baseline.json", ".gitleaks.toml", ".gitleaksignore"]
)
def test_configuration_behind_a_link_is_not_read(
    hostile: Hostile, command_line: CommandLine, tmp_path: Path, name: str
) -> None:
    (tmp_path / "elsewhere").write_text("ignore:\n  paths: ['**']\n")
    (hostile.path / name).symlink_to(tmp_path / "elsewhere")
    done = command_line.run("scan", cwd=hostile.path)
    assert done.returncode in (1, 2)
    assert done.returncode == 1 or "symbolic link" in done.stderr
    trusting_nothing = command_line.run("--no-repo-config", "scan", cwd=hostile.path)
    assert trusting_nothing.returncode == 1


def test_special_files_are_not_opened(hostile: Hostile, command_line: CommandLine) -> None:
    """A named pipe would wait for ever, a device gives without end."""
    os.mkfifo(hostile.path / "pipe.env")
    (hostile.path / "zero.env").symlink_to("/dev/zero")
    report = command_line.scan("--include-ignored", cwd=hostile.path, code=1)
    assert len(report["credentials"]) == 1
    plain = command_line.scan("--no-cache", hostile.path / "app", cwd=hostile.path, code=1)
    assert len(plain["credentials"]) == 1


def test_git_files_behind_links_are_not_read(hostile: Hostile, outside: Path, command_line: CommandLine) -> None:
    modules = hostile.path / ".git" / "modules"
    modules.mkdir()
    (modules / "evil").symlink_to(outside)
    (hostile.path / ".git" / "lfs" / "objects").mkdir(parents=True)
    (hostile.path / ".git" / "lfs" / "objects" / "aa").symlink_to(outside)
    (outside / "config").write_bytes((outside / "secret.env").read_bytes())
    report = command_line.scan("--history", cwd=hostile.path, code=1)
    assert {at["path"] for at in report["credentials"][0]["occurrences"]} == {"app/settings.env"}
