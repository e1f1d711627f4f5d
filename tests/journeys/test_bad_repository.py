"""A repository that is broken, or holds only a part: what can be read is scanned, what cannot is told."""

import os
from pathlib import Path

import pytest

from secretguard.testing import RepositoryBuilder
from tests.journeys.running import CommandLine
from tests.journeys.trouble import (
    FOUND,
    INCOMPLETE,
    KEY,
    USAGE,
    app,
    blob_at,
    explained,
    keys_found,
    line_with,
    loose,
)


@pytest.fixture
def builder(tmp_path: Path) -> RepositoryBuilder:
    return app(tmp_path / "app")


def test_a_corrupt_object(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    place = loose(builder, blob_at(command_line, builder, "HEAD~1:old.env"))
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:10] + b"\xff\xff")
    damaged(command_line, builder)


def test_an_unreadable_object_of_nonsense(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    place = loose(builder, blob_at(command_line, builder, "HEAD~1:old.env"))
    place.chmod(0o644)
    place.write_bytes(b"not zlib at all")
    damaged(command_line, builder)


def test_a_missing_object(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    loose(builder, blob_at(command_line, builder, "HEAD~1:old.env")).unlink()
    damaged(command_line, builder)


def test_a_missing_commit(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    loose(builder, blob_at(command_line, builder, "HEAD~1")).unlink()
    damaged(command_line, builder, keys=2)


def test_a_missing_tree(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    loose(builder, blob_at(command_line, builder, "HEAD~1^{tree}")).unlink()
    damaged(command_line, builder, keys=2)


def test_a_pack_cut_short(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    command_line.git("gc", "-q", cwd=builder.path)
    pack = next((builder.path / ".git/objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-60])
    damaged(command_line, builder)


def test_a_pack_of_nonsense(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    command_line.git("gc", "-q", cwd=builder.path)
    builder.write("later.txt", "later\n")
    pack = next((builder.path / ".git/objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    for at in range(40, len(data) - 40, 7):
        data[at] ^= 0x5A
    pack.write_bytes(data)
    damaged(command_line, builder)


def damaged(command_line: CommandLine, builder: RepositoryBuilder, keys: int = 1) -> None:
    """What is in the files is still found; the rest is a problem, and without a finding the exit code says so."""
    done = command_line.run("scan", "--history", cwd=builder.path)
    explained(done, FOUND)
    report = command_line.scan("--history", cwd=builder.path, code=FOUND)
    assert keys_found(report) == keys
    assert any(not problem["is_note"] for problem in report["problems"]), report["problems"]
    assert all(problem["hint"] for problem in report["problems"]), report["problems"]
    (builder.path / "settings.env").write_text("nothing\n")
    silent = command_line.run("scan", "--history", "--fail-on", "live", cwd=builder.path)
    assert silent.returncode == INCOMPLETE, silent.stdout


def test_a_pack_without_its_index(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    command_line.git("repack", "-adq", cwd=builder.path)
    (index,) = (builder.path / ".git/objects/pack").glob("*.idx")
    copy = index.with_name("pack-" + "1" * 40 + ".pack")
    copy.write_bytes(index.with_suffix(".pack").read_bytes())
    report = command_line.scan("--history", cwd=builder.path, code=FOUND)
    (problem,) = [one for one in report["problems"] if not one["is_note"]]
    assert problem["where"] == copy.name
    assert "git index-pack" in problem["hint"]


def test_a_partial_clone_is_a_note(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path) -> None:
    command_line.git("config", "uploadpack.allowFilter", "true", cwd=builder.path)
    command_line.git("clone", "-q", "--filter=blob:none", "--no-local", f"file://{builder.path}", "part", cwd=tmp_path)
    report = command_line.scan("--history", cwd=tmp_path / "part", code=FOUND)
    assert keys_found(report) == 1
    assert [problem["is_note"] for problem in report["problems"]] == [True]
    assert "partial clone" in report["problems"][0]["what"]
    assert report["problems"][0]["hint"]


def test_a_shallow_clone_is_a_note(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path) -> None:
    command_line.git("clone", "-q", "--depth", "1", f"file://{builder.path}", "shallow", cwd=tmp_path)
    report = command_line.scan("--history", cwd=tmp_path / "shallow", code=FOUND)
    assert keys_found(report) == 1
    assert ["shallow" in problem["what"] and problem["is_note"] for problem in report["problems"]] == [True]
    done = command_line.run("scan", "--since", "HEAD~1", cwd=tmp_path / "shallow")
    explained(done, USAGE, "--unshallow")


def test_an_unborn_branch(command_line: CommandLine, tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "new")
    for mode in ([], ["--history"], ["--staged"]):
        assert keys_found(command_line.scan(*mode, cwd=builder.path, code=0)) == 0
    builder.stage("settings.env", line_with(KEY))
    assert keys_found(command_line.scan("--staged", cwd=builder.path, code=FOUND)) == 1
    assert keys_found(command_line.scan("--history", cwd=builder.path, code=FOUND)) == 1
    explained(command_line.run("scan", "--since", "HEAD", cwd=builder.path), USAGE)


def test_a_bare_repository(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path) -> None:
    command_line.git("clone", "-q", "--bare", builder.path, "app.git", cwd=tmp_path)
    report = command_line.scan(cwd=tmp_path / "app.git", code=FOUND)
    assert keys_found(report) == 1
    assert [problem["is_note"] for problem in report["problems"]] == [True]
    explained(command_line.run("scan", "--staged", cwd=tmp_path / "app.git"), USAGE)


def test_an_empty_directory_says_that_nothing_was_looked_at(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = command_line.run("scan", "empty", cwd=tmp_path)
    assert done.returncode == 0
    assert "0 files" in done.stdout or "nothing" in done.stdout.lower(), done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_dubious_ownership(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    for path in (builder.path, *builder.path.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    for mode in (["--history"], ["--staged"], []):
        done = command_line.run("scan", *mode, cwd=builder.path)
        explained(done, INCOMPLETE, "safe.directory")


def test_a_broken_git_configuration(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    (builder.path / ".git" / "config").write_text("[core\n")
    explained(command_line.run("scan", "--history", cwd=builder.path), INCOMPLETE, "config")


def test_a_repository_of_a_future_format(command_line: CommandLine, builder: RepositoryBuilder) -> None:
    command_line.git("config", "core.repositoryFormatVersion", "99", cwd=builder.path)
    explained(command_line.run("scan", "--history", cwd=builder.path), INCOMPLETE, "version")


def test_git_is_not_installed(command_line: CommandLine, builder: RepositoryBuilder, tmp_path: Path) -> None:
    (tmp_path / "empty-path").mkdir()
    done = command_line.run("scan", "--history", cwd=builder.path, environ={"PATH": str(tmp_path / "empty-path")})
    explained(done, INCOMPLETE, "git", "nstall")
