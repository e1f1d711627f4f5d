"""`secretguard doctor`: whether everything is here that a scan needs."""

import os
import platform
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from secretguard import __version__, plugins
from secretguard.cli import console
from secretguard.cli.bug_report import state_folder
from secretguard.cli.hook import hook_files
from secretguard.cli.invocation import configure
from secretguard.config import Config
from secretguard.errors import ExitCode, SecretguardError
from secretguard.git.command import git
from secretguard.git.delta import COMPILED
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.scan.cache import cache_directory, compiled_rules

OLDEST_GIT = (2, 25)


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and how it is."""

    name: str
    detail: str
    healthy: bool = True
    hint: str = ""


@click.command("doctor", short_help="Check the installation.")
@click.pass_context
def command(ctx: click.Context) -> ExitCode:
    """Check the installation: Python, git, the matching engine, plugins, folders and hooks."""
    broken = 0
    for check in _checks(ctx):
        broken += not check.healthy
        console.echo(f"{'ok ' if check.healthy else 'BAD'}  {check.name:<14}{printable(check.detail)}")
        if check.hint:
            console.echo(f"{'':<19}hint: {printable(check.hint)}")
    console.echo(f"{count(broken, 'problem')}." if broken else "Everything is as it should be.")
    return ExitCode.INCOMPLETE if broken else ExitCode.CLEAN


def _checks(ctx: click.Context) -> Iterator[Check]:
    yield Check("secretguard", f"{__version__}, in {Path(__file__).parents[1]}")
    yield Check("python", f"{platform.python_version()}, {sys.executable}")
    yield _guarded("git", _git)
    yield Check("delta loop", "compiled" if COMPILED else "plain Python: whole histories take several times as long")
    yield _guarded("configuration", lambda: _configuration(ctx))
    yield _guarded("plugins", _plugins)
    yield _guarded("rules", lambda: _rules(ctx))
    yield _folder("cache", cache_directory(), "Scans run without it, only slower.")
    yield _folder("state", state_folder(), "chmod 700 it: it belongs to you alone.")
    yield _guarded("hook", _hook)


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except SecretguardError as error:
        return Check(name, str(error), healthy=False, hint=error.hint)


def _git() -> Check:
    words = git(["--version"], directory=Path()).decode("utf-8", "replace").split()
    numbers = tuple(int(part) for part in words[2].split(".")[:2] if part.isdecimal())
    if numbers < OLDEST_GIT:
        return Check("git", words[2], healthy=False, hint="Install git 2.25 or newer.")
    return Check("git", words[2])


def _configuration(ctx: click.Context) -> Check:
    config: Config = configure(ctx.obj)
    files = {setting.where for setting in config.settings if setting.layer in ("repository", "user")}
    return Check("configuration", ", ".join(sorted(files)) or "defaults; `secretguard config` lists them")


def _plugins() -> Check:
    installed = plugins.installed_plugins()
    broken = [one for one in installed if one.problem]
    if broken:
        return Check("plugins", broken[0].problem, healthy=False, hint="`secretguard plugins` lists all.")
    return Check("plugins", f"{len(installed):,}, all healthy")


def _rules(ctx: click.Context) -> Check:
    config = configure(ctx.obj)
    compiled = compiled_rules(config.without_plugins, config.rules)
    try:
        library = f"hyperscan {version('hyperscan')}"
    except PackageNotFoundError:
        library = "hyperscan"
    return Check("rules", f"{len(compiled.detector.rules):,}, digest {compiled.digest}, {library}")


def _folder(name: str, folder: Path, hint: str) -> Check:
    if not folder.exists():
        return Check(name, f"{folder}, not made yet")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if os.name == "posix" and (mode & 0o077 or folder.stat().st_uid != os.getuid()):
        return Check(name, f"{folder} is open to others (mode {mode:03o})", healthy=False, hint=hint)
    if not os.access(folder, os.W_OK):
        return Check(name, f"{folder} cannot be written", healthy=False, hint=hint)
    return Check(name, str(folder))


def _hook() -> Check:
    try:
        hooks = hook_files(Path(), push=True)
    except SecretguardError as error:
        return Check("hook", f"none: {error}")
    installed = [hook.name for hook in hooks if hook.installed or hook.called_by_another]
    return Check("hook", ", ".join(installed) or "not installed; `secretguard hook install` does it")
