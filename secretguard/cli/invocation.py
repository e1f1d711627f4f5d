"""What every command does with its command line: global options and layers -> `Config`, target -> `Report`."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from secretguard.cli import console
from secretguard.config import Config, find_root, load_config
from secretguard.errors import UsageError
from secretguard.model import Report
from secretguard.scan.run import ScanRequest, scan

CREDENTIAL_ID = re.compile(r"sg_[0-9a-f]{12}")


def not_an_id() -> UsageError:
    """Return the error for a word that is no credential id; it is not repeated, for it may be the secret itself."""
    return UsageError(
        "that is not a credential id", hint="An id is sg_ and 12 hex digits; `secretguard scan` prints it."
    )


def configure(chosen: Mapping[str, Any], target: str | None = ".", flags: Mapping[str, object] | None = None) -> Config:
    """Return the configuration for `target`: a path, a clone URL, or None for no repository at all.

    `chosen` are the global options. `flags` are the command's own options by configuration key; None and empty
    values were not given.
    """
    root = None if target is None or chosen.get("no_repo_config") else find_root(Path(target))
    given: dict[str, object] = {key: value for key, value in (flags or {}).items() if value not in (None, ())}
    if chosen.get("quiet") or chosen.get("verbose"):
        given["verbosity"] = -1 if chosen.get("quiet") else min(int(chosen["verbose"]), 2)
    if chosen.get("no_color"):
        given["no_color"] = True
    return load_config(root, given)


def operator_environ(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that stores and rotators read, with what the configuration says in its place."""
    chosen = {"SECRETGUARD_STORE_KEY": config.store_key, "SECRETGUARD_STORE_RECIPIENT": config.store_recipient}
    return {**environ, **{name: value for name, value in chosen.items() if value}}


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


def scan_everything(chosen: Mapping[str, Any], path: str, mode: str = "history") -> Report:
    """Scan all there is, with nothing ignored that can be un-ignored: a person asked for this very credential."""
    config = configure(chosen, path)
    bare: Config = config._replace(baseline=None, ignore_paths=(), ignore_credentials=(), ignore_rules=(), root=None)
    return run_scan(path, mode, bare)


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="Pipe something in, or leave --stdin out.")
    if sys.stdin.isatty():
        console.print_line("Reading standard input; Ctrl-D ends it.")
    return sys.stdin.buffer
