"""`secretguard hook`: look at every commit before it is made, for people without pre-commit."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from secretguard.cli import console, output
from secretguard.cli.hook_script import HookFile, install, uninstall
from secretguard.cli.invocation import configure, run_scan
from secretguard.errors import ExitCode, GitError, UsageError
from secretguard.git.command import git
from secretguard.report.danger import exit_code
from secretguard.report.printable import printable

_ZERO = re.compile(r"0{40,64}")


@click.group("hook", short_help="Scan each commit before it is made.")
def command() -> None:
    """Install or remove the git hook that scans each commit before it is made."""


@command.command("install")
@click.option("--push", is_flag=True, help="Also scan what a push would send.")
@click.argument("repo", default=".")
def install_hook(repo: str, push: bool) -> None:
    """Install the hook in REPO; a hook that is there already is kept and runs first."""
    for hook in hook_files(Path(repo), push=push):
        console.echo(printable(install(hook)))


@command.command("uninstall")
@click.argument("repo", default=".")
def uninstall_hook(repo: str) -> None:
    """Remove the hook from REPO; what was there before comes back as it was."""
    for hook in hook_files(Path(repo), push=True):
        console.echo(printable(uninstall(hook)))


@command.command("run", hidden=True)
@click.argument("name", type=click.Choice(["pre-push"]))
@click.pass_context
def run_hook(ctx: click.Context, name: str) -> ExitCode:  # noqa: ARG001 - there is one so far
    """Scan what a push is about to send; git says on stdin what that is, pre-commit in variables."""
    codes = {ExitCode.CLEAN}
    for since in _pushed(os.environ):
        config = configure(ctx.obj)
        report = run_scan(".", "since", config, since=since)
        output.deliver(report, output.reporter(config), config, None, show_secrets=False)
        codes.add(exit_code(report, config.fail_on))
    return ExitCode.FOUND if ExitCode.FOUND in codes else max(codes)


def hook_files(repo: Path, *, push: bool) -> list[HookFile]:
    """Return the hooks to write, in the folder where git looks for them.

    Raises UsageError if that folder is outside the repository: it may belong to every repository of this
    person, or to somebody whom the repository's configuration names.
    """
    if not repo.is_dir():
        raise UsageError(f"{repo} is not a directory", hint="Give a path inside a repository.")
    common = (repo / _line(repo, "rev-parse", "--git-common-dir")).resolve()
    chosen = _hooks_path(repo)
    if not chosen:
        folder, portable = common / "hooks", False
    else:
        top = Path(_line(repo, "rev-parse", "--show-toplevel"))
        folder = top / chosen
        portable = folder.resolve().is_relative_to(top.resolve()) and not folder.resolve().is_relative_to(common)
        _refuse_foreign(folder, [top.resolve(), common])
    if not folder.resolve().is_relative_to(common) and not portable:
        raise UsageError(f"{folder} leads out of the repository", hint="Replace the link by a directory.")
    return [HookFile(folder, name, portable) for name in ("pre-commit", *(["pre-push"] if push else []))]


def _refuse_foreign(folder: Path, own: list[Path]) -> None:
    hint = f"Add the line `secretguard scan --staged` to {folder / 'pre-commit'} yourself."
    if not any(folder.resolve().is_relative_to(place) for place in own):
        raise UsageError(f"git runs its hooks from {folder} (core.hooksPath), outside this repository", hint=hint)
    if folder.name == "_":  # husky writes that folder anew each time, and its hooks look at their own names
        hint = f"Add the line `secretguard scan --staged` to {folder.parent / 'pre-commit'} yourself."
        raise UsageError(f"{folder} is written by a hook manager", hint=hint)


def _hooks_path(repo: Path) -> str:
    """Return core.hooksPath as the person's git sees it, not the one that we give our own git; empty if unset."""
    try:
        fields = git(["config", "--show-origin", "-z", "--type=path", "--get-all", "core.hooksPath"], directory=repo)
    except GitError:
        return ""
    words = fields.decode("utf-8", "surrogateescape").split("\0")
    values = [value for origin, value in zip(words[::2], words[1::2], strict=False) if origin != "command line:"]
    return values[-1] if values else ""


def _pushed(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a range for each ref that is pushed."""
    if "PRE_COMMIT" in environ:
        yield _range(environ.get("PRE_COMMIT_FROM_REF", ""), environ.get("PRE_COMMIT_TO_REF") or "HEAD")
        return
    for line in sys.stdin if sys.stdin else ():
        words = line.split()
        if len(words) == 4 and not _ZERO.fullmatch(words[1]):  # a ref that is deleted sends nothing
            yield _range(words[3], words[1])


def _range(old: str, new: str) -> str:
    """Return what `new` has and `old` has not; if `old` is not known here, what no remote has (`0..new`)."""
    return f"{old if _known(old) else '0'}..{new}"


def _known(revision: str) -> bool:
    if not revision or revision.startswith("-") or _ZERO.fullmatch(revision):
        return False
    try:
        git(["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], directory=Path())
    except GitError:
        return False
    return True


def _line(repo: Path, *arguments: str) -> str:
    return git(arguments, directory=repo).decode("utf-8", "surrogateescape").rstrip("\n")
