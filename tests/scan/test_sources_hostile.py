"""A repository whose configuration, attributes, hooks and remotes would run a command at every opportunity."""

import os
from pathlib import Path

import pytest

from secretguard.errors import GitError
from secretguard.scan.sources import sources_for
from tests.git.repositories import Workshop, _own_git_configuration, repo

__all__ = ["_own_git_configuration", "repo"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs shell scripts")

HOOKS = (
    "applypatch-msg", "pre-commit", "post-commit", "pre-push", "post-checkout", "post-merge", "post-index-change",
    "reference-transaction", "pre-auto-gc", "fsmonitor-watchman", "pre-receive", "update", "post-update",
)  # fmt: skip
COMMANDS = (
    "cat-file", "rev-parse", "rev-list", "for-each-ref", "ls-files", "ls-tree", "diff-tree", "diff-index", "config",
    "log", "status", "fetch", "clone",
)  # fmt: skip


class Trap:
    """A hostile repository, and what it managed to run."""

    def __init__(self, repo: Workshop, directory: Path) -> None:
        self.repo = repo
        self.markers = directory / "markers"
        self.markers.mkdir()
        self.scripts = directory / "scripts"
        self.scripts.mkdir()

    def script(self, name: str) -> str:
        path = self.scripts / name
        path.write_text(f"#!/bin/sh\ntouch {self.markers}/{name}\nexit 1\n")
        path.chmod(0o755)
        return str(path)

    def configure(self, **settings: str) -> None:
        for name, value in settings.items():
            key = name.replace("__", ".")
            section, _, rest = key.partition(".")
            subsection, _, variable = rest.rpartition(".")
            head = f'[{section} "{subsection}"]' if subsection else f"[{section}]"
            with (self.repo.path / ".git/config").open("a") as config:
                config.write(f"{head}\n\t{variable} = {value}\n")

    def sprung(self) -> list[str]:
        return sorted(path.name for path in self.markers.iterdir())


@pytest.fixture
def trap(repo: Workshop, tmp_path: Path) -> Trap:
    repo.commit("one", f="never there\n", g="1\n", dir__h="2\n")
    first = repo.git("rev-parse", "HEAD")
    repo.commit("two", f="2\n")
    repo.git("tag", "-a", "-m", "t", "v1")
    repo.git("update-ref", "refs/tags/$(touch${IFS}marker)", first)
    repo.git("update-ref", "refs/heads/--upload-pack=touch", first)
    repo.write("g", "staged\n")
    repo.git("add", "g")
    repo.write("g", "on disk\n")
    made = Trap(repo, tmp_path)
    for directory in (repo.path / ".git/hooks", tmp_path / "hooks"):
        directory.mkdir(exist_ok=True)
        for hook in HOOKS:
            (directory / hook).symlink_to(made.script(f"hook-{hook}"))
    run = made.script
    made.configure(
        core__fsmonitor=run("fsmonitor"), core__hooksPath=str(tmp_path / "hooks"), core__sshCommand=run("ssh"),
        core__pager=run("pager"), core__editor=run("editor"), core__askPass=run("askpass"), core__gitProxy=run("proxy"),
        core__alternateRefsCommand=run("alternates"), core__untrackedCache="true", core__attributesFile=str(tmp_path / "a"),
        diff__external=run("external"), diff__x__textconv=run("textconv"), diff__x__command=run("diff"),
        filter__x__clean=run("clean"), filter__x__smudge=run("smudge"), filter__x__required="true",
        filter__y__process=run("process"), merge__x__driver=run("merge"), gpg__program=run("gpg"),
        log__showSignature="true", credential__helper=f"!{run('credential')}", sequence__editor=run("sequence"),
        interactive__diffFilter=run("interactive"), uploadpack__packObjectsHook=run("pack-objects"),
        submodule__m__update=f"!{run('submodule')}", submodule__m__url=f"ext::{run('submodule-url')}",
        fetch__fsckObjects="true", remote__origin__uploadpack=run("uploadpack"),
    )  # fmt: skip
    for command in COMMANDS:
        made.configure(**{f"alias__{command}": f"!{run(f'alias-{command}')}", f"pager__{command}": run("pager")})
    for attributes in (".gitattributes", ".git/info/attributes"):
        repo.write(attributes, "* filter=x diff=x merge=x\n*.y filter=y\n")
    (tmp_path / "a").write_text("* filter=x diff=x\n")
    return made


def scan_everything(repo: Workshop) -> None:
    for mode in ("tree", "history", "staged", "since"):
        with sources_for(str(repo.path), mode, since="HEAD~1", include_ignored=True) as opened:
            for source in opened.sources:
                source.size()
                ids = [blob.id for blob in source.blobs()]
                source.locate(ids)


def test_an_unguarded_git_falls_into_the_trap(trap: Trap) -> None:
    trap.repo.raw("status", fails=True)
    trap.repo.raw("diff", fails=True)
    assert {"fsmonitor", "clean"} <= set(trap.sprung())


def test_no_scan_runs_anything(trap: Trap) -> None:
    scan_everything(trap.repo)
    assert trap.sprung() == []
    assert not (trap.repo.path / "marker").exists()


@pytest.mark.parametrize(
    "remote",
    [
        {"remote__origin__url": "ext::{script}"},
        {"remote__origin__url": "ssh://host/x"},
        {"remote__origin__url": "git://host/x"},
        {"remote__origin__url": "/", "remote__origin__uploadpack": "{script}"},
        {"remote__origin__url": "file:///", "remote__origin__uploadpack": "{script}", "protocol__file__allow": "always"},
        {"remote__origin__url": "x", "remote__origin__vcs": "ext", "protocol__ext__allow": "always"},
        {"remote__origin__url": "ext::{script}", "protocol__ext__allow": "always", "protocol__allow": "always"},
    ],
)  # fmt: skip
def test_a_promised_object_is_not_fetched_whatever_the_remote(trap: Trap, remote: dict[str, str]) -> None:
    repo = trap.repo
    script = trap.script("transport")
    trap.configure(**{name: value.format(script=script) for name, value in remote.items()})
    trap.configure(
        core__repositoryFormatVersion="1", extensions__partialClone="origin", remote__origin__promisor="true",
        remote__origin__partialCloneFilter="blob:none",
    )  # fmt: skip
    for gone in (repo.git("rev-parse", "HEAD~1:f"), repo.id_of("staged\n"), repo.git("rev-parse", "HEAD~1^{tree}")):
        repo.damage(gone, None)
    assert trap.sprung() == []
    scan_everything(repo)
    assert trap.sprung() == []


def test_fetching_a_hostile_repository_runs_nothing(trap: Trap) -> None:
    with sources_for(f"file://{trap.repo.path}", "history") as opened:
        for source in opened.sources:
            source.locate([blob.id for blob in source.blobs()])
    assert trap.sprung() == []


def test_nothing_is_written_into_the_scanned_repository(trap: Trap) -> None:
    def snapshot() -> dict[Path, tuple[int, int]]:
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in trap.repo.path.rglob("*")}

    before = snapshot()
    scan_everything(trap.repo)
    assert snapshot() == before


def test_a_replaced_object_is_seen_as_it_is(repo: Workshop) -> None:
    repo.commit("one", f="secret\n")
    secret, harmless = repo.id_of("secret\n"), repo.blob("harmless\n")
    repo.git("replace", secret, harmless)
    with sources_for(str(repo.path), "history") as opened:
        contents = {blob.id: blob.data for blob in opened.sources[0].blobs()}
    assert contents[secret] == b"secret\n"


def test_a_configuration_that_cannot_be_obeyed_is_an_error_not_a_hang(repo: Workshop) -> None:
    repo.commit("one", f="1\n")
    repo.git("config", "core.worktree", "/nowhere/at/all")
    with pytest.raises(GitError) as raised:
        sources_for(str(repo.path))
    assert raised.value.hint
