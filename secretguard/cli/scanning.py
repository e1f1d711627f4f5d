"""Target and configuration -> `Report`, for the commands that scan."""

import sys
from typing import BinaryIO

import click

from secretguard.cli import console
from secretguard.config import Config
from secretguard.model import Report
from secretguard.scan.run import ScanRequest, scan


def run_scan(target: str, mode: str, config: Config, *, since: str = "", use_cache: bool = True) -> Report:
    """Scan `target` with progress for whoever watches."""
    request = ScanRequest(
        target=target,
        mode=mode,
        since=since,
        include_ignored=config.include_ignored,
        use_cache=use_cache,
        baseline=config.baseline,
        jobs=config.jobs,
        rule_files=config.rules,
        without_plugins=config.without_plugins,
        config=config,
        stdin=_stdin() if mode == "stdin" else None,
    )
    with console.progress(quiet=config.verbosity < 0) as progress:
        return scan(request, progress)


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    if sys.stdin.isatty():
        console.print_line("Reading standard input; Ctrl-D ends it.")
    return sys.stdin.buffer
