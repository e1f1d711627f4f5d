"""Where a report goes: standard output, or a file that is complete or not there at all."""

import importlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from secretguard.cli import console
from secretguard.config import FORMATS, Config
from secretguard.errors import ConfigError, OutputError, PluginError
from secretguard.report.danger import real_problems

if TYPE_CHECKING:
    from secretguard.interfaces import Reporter
    from secretguard.model import Report

_BUILT_IN = {"text": "text", "json": "json_report", "jsonl": "jsonl", "sarif": "sarif"}
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def reporter(config: Config) -> "Reporter":
    """Return the reporter that `--format` names: ours without a look at the plugins, or a plugin."""
    name = config.format
    if module := _BUILT_IN.get(name):
        return cast("Reporter", importlib.import_module(f"secretguard.report.{module}"))
    import difflib

    from secretguard import plugins  # reads every installed distribution

    try:
        return cast("Reporter", plugins.load(plugins.REPORTERS, name))
    except PluginError as error:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(FORMATS)}."
        if name in plugins.plugin_names(plugins.REPORTERS):
            raise
        raise ConfigError(f"unknown format {name!r}", hint=hint) from error


def deliver(report: "Report", writer: "Reporter", config: Config, file: Path | None, *, show_secrets: bool) -> None:
    """Write the report where it belongs and, if a person does not read it there, say on stderr how it ended."""
    with opened(file, private=show_secrets) as out:
        if config.format == "text":
            from secretguard.report import text  # the other formats do without

            color = False if config.no_color else None
            text.write(report, out, show_secrets=show_secrets, verbosity=config.verbosity, color=color)
        else:
            writer.write(report, out, show_secrets=show_secrets)
    if file is None and config.format == "text":
        return
    for problem in real_problems(report):
        console.print_problem(problem)
    if file is not None and config.verbosity >= 0:
        found = len(report.credentials)
        console.print_line(f"{found:,} credential{'' if found == 1 else 's'}; the report is in {file}")


@contextmanager
def opened(path: Path | None, *, private: bool) -> Iterator[TextIO]:
    """Yield the stream for a report; `private` makes a file readable for its owner alone.

    A file is written beside its place and moved there at the end. Raises OutputError, and leaves nothing
    behind, if the disk is full or there is no permission.
    """
    if path is None:
        with console.writing("standard output"):
            yield console.stdout()
            console.flush()
        return
    with console.writing(str(path)):
        final = path.resolve()
        if final.exists() and not stat.S_ISREG(final.stat().st_mode):
            # A device or a pipe cannot be replaced, only written to.
            with final.open("w", encoding="utf-8") as out:
                yield out
            return
        yield from _replaced(final, private=private)


def check_writable(path: Path | None) -> None:
    """Raise OutputError now rather than after an hour of scanning."""
    if path is None:
        return
    folder = path.resolve().parent
    if path.is_dir():
        raise OutputError(f"{path} is a directory", hint="Name a file.")
    if not folder.is_dir():
        raise OutputError(f"{path} cannot be written: there is no directory {folder}", hint="Create it first.")
    if not path.exists() and not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: no permission in {folder}", hint="Choose another place.")


def _replaced(final: Path, *, private: bool) -> Iterator[TextIO]:
    temporary = final.with_name(f".{final.name[:100]}.{os.urandom(8).hex()}")
    mode = 0o600 if private else 0o666
    try:
        with os.fdopen(os.open(temporary, _NEW_FILE, mode), "w", encoding="utf-8") as out:
            if not private and final.exists():
                temporary.chmod(stat.S_IMODE(final.stat().st_mode))
            yield out
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(final)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
