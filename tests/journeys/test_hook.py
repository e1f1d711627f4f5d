"""The hook as people meet it: through the real pre-commit, from this very source, and installed by ourselves."""

import os
import random
import shutil
import sys
from pathlib import Path

import pytest

import secretguard
from secretguard.testing.keys import llm_key
from tests.journeys.running import IDENTITY, CommandLine, Done, leaks

SOURCE = Path(secretguard.__file__).parents[1]
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
_NETWORK = ("PIP_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "NO_PROXY", "ALL_PROXY")
INSTALLING = 600.0
"""Seconds that pre-commit may take to make the hook's environment."""
FOREIGN = "#!/bin/sh\n# somebody else's: h\u00e9 \necho ran >> .git/foreign-ran\nexit 0"

needs_pre_commit = pytest.mark.skipif(
    not PRE_COMMIT.exists() or not (SOURCE / ".pre-commit-hooks.yaml").exists(),
    reason="needs pre-commit and this project's source",
)


def commit(command_line: CommandLine, repository: Path, environ: dict[str, str], message: str = "Change") -> Done:
    command_line.git("add", "--all", cwd=repository)
    line = ("git", "commit", "-qm", message)
    return command_line.program(*line, cwd=repository, environ=IDENTITY | environ, seconds=INSTALLING)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What pre-commit needs to install the hook: a home of its own, and this machine's way to the package index."""
    network = {name: value for name, value in os.environ.items() if name.upper().startswith(_NETWORK)}
    home = str(tmp_path_factory.mktemp("pre-commit"))
    return network | {"PRE_COMMIT_HOME": home, "SECRETGUARD_PURE": "1"}  # a compiler would take a minute of this


@pytest.fixture(scope="module")
def hook_repository(command_line: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commit of the source as it is on disk: a working tree under development is not what pre-commit could clone."""
    copy = tmp_path_factory.mktemp("source") / "secretguard"
    listed = command_line.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=SOURCE)
    for name in filter(None, listed.split("\0")):
        if (SOURCE / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, copy / name)
    command_line.git("init", "-q", "-b", "main", copy, cwd=SOURCE)
    command_line.git("add", "--all", cwd=copy)
    command_line.git("commit", "-qm", "As it is", cwd=copy)
    return copy


@pytest.fixture
def repository(command_line: CommandLine, tmp_path: Path) -> Path:
    command_line.git("init", "-q", "-b", "main", "app", cwd=tmp_path)
    (tmp_path / "app" / "README.md").write_text("# App\n")
    return tmp_path / "app"


@needs_pre_commit
def test_pre_commit_try_repo_blocks_a_key(
    command_line: CommandLine, environ: dict[str, str], hook_repository: Path, repository: Path
) -> None:
    key = llm_key(random.Random(1)).secret
    (repository / "settings.env").write_text(f"API_KEY={key}\n")
    command_line.git("add", "--all", cwd=repository)
    line = (PRE_COMMIT, "try-repo", hook_repository, "secretguard", "--verbose")
    done = command_line.program(*line, cwd=repository, environ=environ, seconds=INSTALLING)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "secretguard (what is staged)" in done.stdout
    assert "settings.env" in done.stdout
    assert leaks([key], done.stdout, done.stderr) == []


@needs_pre_commit
def test_pre_commit_blocks_the_commit_that_adds_a_key_and_passes_the_one_that_does_not(
    command_line: CommandLine, environ: dict[str, str], hook_repository: Path, repository: Path
) -> None:
    revision = command_line.git("rev-parse", "HEAD", cwd=hook_repository)
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hook_repository}\n    rev: {revision}\n    hooks:\n"
        "      - id: secretguard\n      - id: secretguard-push\n"
    )
    done = command_line.program(
        PRE_COMMIT, "install", "-t", "pre-commit", "-t", "pre-push", cwd=repository, environ=environ
    )
    assert done.returncode == 0, done.stderr
    clean = commit(command_line, repository, environ, "Clean")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    key = llm_key(random.Random(2)).secret
    (repository / "settings.env").write_text(f"API_KEY={key}\n")
    blocked = commit(command_line, repository, environ, "Leak")
    assert blocked.returncode == 1
    assert "settings.env" in blocked.stdout + blocked.stderr
    assert leaks([key], blocked.stdout, blocked.stderr) == []
    assert command_line.git("rev-list", "--count", "HEAD", cwd=repository) == "1"
    _a_push_is_looked_at_too(command_line, environ, repository)


def _a_push_is_looked_at_too(command_line: CommandLine, environ: dict[str, str], repository: Path) -> None:
    command_line.git("init", "-q", "--bare", "origin.git", cwd=repository.parent)
    command_line.git("remote", "add", "origin", repository.parent / "origin.git", cwd=repository)
    push = ("git", "push", "-q", "origin", "main")
    command_line.git("commit", "-qnm", "Past the hook", cwd=repository)
    blocked = command_line.program(*push, cwd=repository, environ=environ)
    assert blocked.returncode != 0
    assert "settings.env" in blocked.stdout + blocked.stderr
    command_line.git("reset", "-q", "--hard", "HEAD^", cwd=repository)
    passed = command_line.program(*push, cwd=repository, environ=environ)
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_our_own_hook_guards_commits_beside_a_foreign_one(command_line: CommandLine, repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(FOREIGN)
    hook.chmod(0o750)
    assert command_line.run("hook", "install", cwd=repository).returncode == 0
    assert commit(command_line, repository, {}, "Clean").returncode == 0
    (repository / "settings.env").write_text(f"API_KEY={llm_key(random.Random(3)).secret}\n")
    blocked = commit(command_line, repository, {}, "Leak")
    assert blocked.returncode == 1
    assert "settings.env" in blocked.stdout + blocked.stderr
    assert command_line.git("rev-list", "--count", "HEAD", cwd=repository) == "1"
    assert (repository / ".git" / "foreign-ran").read_text() == "ran\nran\n"
    assert command_line.run("hook", "uninstall", cwd=repository).returncode == 0
    assert hook.read_bytes() == FOREIGN.encode()
    assert hook.stat().st_mode & 0o777 == 0o750
    assert commit(command_line, repository, {}, "Leak").returncode == 0


def test_partly_staged_content_is_judged_by_what_is_staged(command_line: CommandLine, repository: Path) -> None:
    key = llm_key(random.Random(4)).secret
    assert command_line.run("hook", "install", cwd=repository).returncode == 0
    assert commit(command_line, repository, {}, "First").returncode == 0
    (repository / "README.md").write_text("# App\n\nstaged\n")
    command_line.git("add", "README.md", cwd=repository)
    (repository / "README.md").write_text(f"# App\n\nAPI_KEY={key}\n")
    passed = command_line.program("git", "commit", "-qm", "Staged part", cwd=repository, environ=IDENTITY)
    assert passed.returncode == 0, passed.stderr
    command_line.git("add", "README.md", cwd=repository)
    (repository / "README.md").write_text("# App\n")
    blocked = command_line.program("git", "commit", "-qm", "Hidden", cwd=repository, environ=IDENTITY)
    assert blocked.returncode == 1
