"""`secretguard hook`: it stops a leak before it is committed, and never costs anybody the hook they had."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.examples import fill
from tests.cli.conftest import Run

Git = Callable[..., str]
OLD_HOOK = '#!/bin/sh\necho "before $0 $*" >>"$GIT_DIR/../seen" 2>/dev/null || echo before >>seen\n'
LEAK = "DATABASE_URL=postgresql://capture:{{alnum:24}}@db.prod-7.net:5432/raw\n"


@pytest.fixture(params=["repo", "a repo with 'spaces' and $HOME"])
def repo(request: pytest.FixtureRequest, tmp_path: Path, git: Git) -> Path:
    root: Path = tmp_path / request.param
    git("init", "-q", "-b", "main", root)
    return root


def hooks(repo: Path) -> dict[str, tuple[int, bytes]]:
    folder = repo / ".git" / "hooks"
    return {
        one.name: (stat.S_IMODE(one.lstat().st_mode), one.read_bytes())
        for one in folder.iterdir()
        if not one.name.endswith(".sample")
    }


def write_hook(path: Path, text: str = OLD_HOOK, mode: int = 0o750) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_install_and_uninstall_leave_nothing_behind(run: Run, repo: Path) -> None:
    before = hooks(repo)
    done = run("hook", "install", cwd=repo)
    assert done.returncode == 0, done.stderr
    assert "pre-commit: installed in " in done.stdout
    assert hooks(repo)["pre-commit"][0] == 0o755
    assert "already installed" in run("hook", "install", cwd=repo).stdout
    assert "pre-commit: removed\n" in run("hook", "uninstall", cwd=repo).stdout
    assert "not installed" in run("hook", "uninstall", cwd=repo).stdout
    assert hooks(repo) == before


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o644])
def test_an_existing_hook_comes_back_byte_for_byte(run: Run, repo: Path, mode: int) -> None:
    write_hook(repo / ".git" / "hooks" / "pre-commit", "#!/bin/sh\nexit 0 # \u00e9, no newline at the end", mode)
    before = hooks(repo)
    assert run("hook", "install", cwd=repo).returncode == 0
    installed = hooks(repo)
    assert run("hook", "install", cwd=repo).returncode == 0
    assert hooks(repo) == installed
    assert installed["pre-commit.before-secretguard"] == before["pre-commit"]
    assert run("hook", "uninstall", cwd=repo).returncode == 0
    assert hooks(repo) == before


def test_an_existing_hook_that_is_a_link_stays_a_link(run: Run, repo: Path) -> None:
    write_hook(repo / "scripts" / "check")
    link = repo / ".git" / "hooks" / "pre-commit"
    link.symlink_to("../../scripts/check")
    assert run("hook", "install", cwd=repo).returncode == 0
    assert (repo / "scripts" / "check").read_text() == OLD_HOOK
    assert not link.is_symlink()
    assert run("hook", "uninstall", cwd=repo).returncode == 0
    assert link.readlink() == Path("../../scripts/check")


def test_an_interrupted_install_is_carried_on(run: Run, repo: Path) -> None:
    old = repo / ".git" / "hooks" / "pre-commit"
    write_hook(old)
    before = hooks(repo)
    os.link(old, old.with_name("pre-commit.before-secretguard"))
    assert run("hook", "install", cwd=repo).returncode == 0
    assert run("hook", "uninstall", cwd=repo).returncode == 0
    assert hooks(repo) == before


def test_two_earlier_hooks_are_not_thrown_together(run: Run, repo: Path) -> None:
    folder = repo / ".git" / "hooks"
    write_hook(folder / "pre-commit")
    write_hook(folder / "pre-commit.before-secretguard", "#!/bin/sh\n# another\n")
    before = hooks(repo)
    done = run("hook", "install", cwd=repo)
    assert done.returncode == 2
    assert "already holds an earlier hook" in done.stderr
    assert hooks(repo) == before


def test_our_hook_with_lines_added_by_hand_is_not_overwritten(run: Run, repo: Path) -> None:
    run("hook", "install", cwd=repo)
    with (repo / ".git" / "hooks" / "pre-commit").open("a") as hook:
        hook.write("echo mine\n")
    before = hooks(repo)
    for word in ("install", "uninstall"):
        done = run("hook", word, cwd=repo)
        assert done.returncode == 2
        assert "was edited" in done.stderr
    assert hooks(repo) == before


def test_a_repository_without_a_hooks_folder_gets_one(run: Run, repo: Path) -> None:
    shutil.rmtree(repo / ".git" / "hooks")
    assert run("hook", "install", cwd=repo).returncode == 0
    assert "pre-commit" in hooks(repo)


def test_outside_a_repository_it_says_so(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    done = run("hook", "install", cwd=folder)
    assert done.returncode in (2, 3)
    assert "not a git repository" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize("where", ["{outside}", "../outside", "linked"])
def test_a_hooks_path_outside_the_repository_is_refused(run: Run, repo: Path, git: Git, where: str) -> None:
    outside = repo.parent / "outside"
    outside.mkdir()
    (repo / "linked").symlink_to(outside)
    git("config", "core.hooksPath", where.format(outside=outside), cwd=repo)
    done = run("hook", "install", cwd=repo)
    assert done.returncode == 2
    assert "core.hooksPath" in done.stderr
    assert "secretguard scan --staged" in done.stderr
    assert list(outside.iterdir()) == []


def test_a_hooks_folder_that_is_a_link_out_of_the_repository_is_refused(run: Run, repo: Path) -> None:
    outside = repo.parent / "outside"
    outside.mkdir()
    shutil.rmtree(repo / ".git" / "hooks")
    (repo / ".git" / "hooks").symlink_to(outside)
    assert run("hook", "install", cwd=repo).returncode == 2
    assert list(outside.iterdir()) == []


def test_a_hooks_path_inside_the_work_tree_is_used_without_this_machines_paths(run: Run, repo: Path, git: Git) -> None:
    git("config", "core.hooksPath", ".githooks", cwd=repo)
    assert run("hook", "install", cwd=repo).returncode == 0
    text = (repo / ".githooks" / "pre-commit").read_text()
    assert sys.executable not in text
    assert "secretguard scan --staged" in text


def test_the_hook_folder_of_a_hook_manager_is_left_to_it(run: Run, repo: Path, git: Git) -> None:
    git("config", "core.hooksPath", ".husky/_", cwd=repo)
    done = run("hook", "install", cwd=repo)
    assert done.returncode == 2
    assert ".husky/pre-commit" in done.stderr


def test_a_linked_worktree_shares_the_hooks_of_its_repository(run: Run, repo: Path, git: Git) -> None:
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=repo)
    linked = repo.parent / "linked tree"
    git("worktree", "add", "-q", linked, "-b", "side", cwd=repo)
    assert run("hook", "install", cwd=linked).returncode == 0
    assert "pre-commit" in hooks(repo)


# From here on: what the hook does when git runs it.


@pytest.fixture
def guarded(run: Run, repo: Path) -> Path:
    done = run("hook", "install", "--push", cwd=repo)
    assert done.returncode == 0, done.stderr
    return repo


def commit(repo: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    line = ["git", "commit", "-q", "-m", "change", *words]
    return subprocess.run(line, cwd=repo, env=environment, capture_output=True, text=True, check=False)


def test_a_commit_that_adds_a_credential_is_blocked(guarded: Path, git: Git, environment: dict[str, str]) -> None:
    (guarded / "clean.py").write_text("print('hello')\n")
    git("add", ".", cwd=guarded)
    done = commit(guarded, environment)
    assert done.returncode == 0, done.stderr
    leak = fill(LEAK)
    (guarded / ".env").write_text(leak)
    git("add", "-f", ".env", cwd=guarded)
    done = commit(guarded, environment)
    assert done.returncode == 1
    assert "PostgreSQL" in done.stdout + done.stderr
    assert leak.split(":")[2].partition("@")[0] not in done.stdout + done.stderr
    assert git("rev-list", "--count", "HEAD", cwd=guarded) == "1"


@pytest.mark.parametrize("words", [("-a",), ("tracked.env",), ("--amend", "-a")])
def test_every_way_to_commit_is_looked_at(
    guarded: Path, git: Git, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    (guarded / "tracked.env").write_text("x=1\n")
    git("add", "-f", ".", cwd=guarded)
    assert commit(guarded, environment).returncode == 0
    (guarded / "tracked.env").write_text(fill(LEAK))
    assert commit(guarded, environment, *words).returncode == 1


def test_it_works_from_a_linked_worktree_and_from_a_subdirectory(
    guarded: Path, git: Git, environment: dict[str, str]
) -> None:
    (guarded / "a").write_text("x\n")
    git("add", ".", cwd=guarded)
    assert commit(guarded, environment).returncode == 0
    linked = guarded.parent / "linked tree"
    git("worktree", "add", "-q", linked, "-b", "side", cwd=guarded)
    (linked / "sub").mkdir()
    (linked / "sub" / "settings").write_text(fill(LEAK))
    git("add", ".", cwd=linked)
    assert commit(linked / "sub", environment).returncode == 1


def test_the_hook_that_was_there_runs_first_and_can_still_refuse(
    run: Run, repo: Path, git: Git, environment: dict[str, str]
) -> None:
    old = repo / ".git" / "hooks" / "pre-commit"
    write_hook(old, "#!/bin/sh\necho before >>seen\nexit 7\n")
    run("hook", "install", cwd=repo)
    (repo / "a").write_text("x\n")
    git("add", "a", cwd=repo)
    assert commit(repo, environment).returncode != 0
    assert (repo / "seen").read_text() == "before\n"
    write_hook(old.with_name("pre-commit.before-secretguard"), "#!/bin/sh\necho before >>seen\n")
    assert commit(repo, environment).returncode == 0
    assert (repo / "seen").read_text() == "before\nbefore\n"


def test_a_module_in_the_repository_is_not_imported_in_place_of_ours(
    guarded: Path, git: Git, environment: dict[str, str]
) -> None:
    for name in ("secretguard", "click", "yaml", "hyperscan"):
        (guarded / name).mkdir()
        (guarded / name / "__init__.py").write_text("open('executed', 'w').write('x')\n")
    (guarded / "sitecustomize.py").write_text("open('executed', 'w').write('x')\n")
    git("add", ".", cwd=guarded)
    assert commit(guarded, environment).returncode == 0
    assert not (guarded / "executed").exists()


def test_a_push_that_sends_a_credential_is_blocked(guarded: Path, git: Git, environment: dict[str, str]) -> None:
    remote = guarded.parent / "remote.git"
    git("init", "-q", "--bare", remote)
    git("remote", "add", "origin", remote, cwd=guarded)

    def push(*words: str) -> subprocess.CompletedProcess[str]:
        line = ["git", "push", "-q", "origin", *words]
        return subprocess.run(line, cwd=guarded, env=environment, capture_output=True, text=True, check=False)

    def add(name: str, text: str) -> None:
        (guarded / name).write_text(text)
        git("add", "-f", name, cwd=guarded)
        git("commit", "-q", "--no-verify", "-m", name, cwd=guarded)

    add("a", "x\n")
    done = push("main")
    assert done.returncode == 0, done.stderr
    add("b", "y\n")
    assert push("main").returncode == 0
    git("switch", "-q", "-c", "topic", cwd=guarded)
    add("c", "z\n")
    assert push("topic").returncode == 0
    add(".env", fill(LEAK))
    git("rm", "-q", ".env", cwd=guarded)
    git("commit", "-q", "--no-verify", "-m", "gone again", cwd=guarded)
    done = push("topic")
    assert done.returncode == 1, done.stderr
    assert "PostgreSQL" in done.stdout + done.stderr
    assert push("topic:fresh").returncode == 1
    git("switch", "-q", "main", cwd=guarded)
    assert push("main").returncode == 0
    assert push("--delete", "topic").returncode == 0


def test_a_first_push_of_everything_is_looked_at(guarded: Path, git: Git, environment: dict[str, str]) -> None:
    remote = guarded.parent / "remote.git"
    git("init", "-q", "--bare", remote)
    (guarded / "a").write_text(fill(LEAK))
    git("add", "a", cwd=guarded)
    git("commit", "-q", "--no-verify", "-m", "leak", cwd=guarded)
    line = ["git", "push", "-q", str(remote), "main"]
    done = subprocess.run(line, cwd=guarded, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PostgreSQL" in done.stdout + done.stderr


def test_an_earlier_push_hook_gets_its_arguments_and_its_input(
    run: Run, repo: Path, git: Git, environment: dict[str, str]
) -> None:
    write_hook(repo / ".git" / "hooks" / "pre-push", '#!/bin/sh\necho "$1" >seen\ncat >>seen\n')
    run("hook", "install", "--push", cwd=repo)
    remote = repo.parent / "remote.git"
    git("init", "-q", "--bare", remote)
    git("remote", "add", "origin", remote, cwd=repo)
    (repo / "a").write_text("x\n")
    git("add", "a", cwd=repo)
    git("commit", "-q", "-m", "x", cwd=repo)
    git("push", "-q", "origin", "main", cwd=repo)
    head = git("rev-parse", "HEAD", cwd=repo)
    assert (repo / "seen").read_text() == f"origin\nrefs/heads/main {head} refs/heads/main {'0' * 40}\n"
