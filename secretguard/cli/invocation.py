"""What every command does with its command line: global options and layers -> `Config`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from secretguard.config import Config, find_root, load_config


def configure(ctx: click.Context, target: str | None = ".", flags: Mapping[str, object] | None = None) -> Config:
    """Return the configuration for `target`: a path, a clone URL, or None for no repository at all.

    `flags` are the command's own options by configuration key; None and empty values were not given.
    """
    chosen: dict[str, Any] = ctx.ensure_object(dict)
    root = None if target is None or chosen.get("no_repo_config") else find_root(Path(target))
    given: dict[str, object] = {key: value for key, value in (flags or {}).items() if value not in (None, ())}
    if chosen.get("quiet") or chosen.get("verbose"):
        given["verbosity"] = -1 if chosen.get("quiet") else min(int(chosen["verbose"]), 2)
    if chosen.get("no_color"):
        given["no_color"] = True
    return load_config(root, given)
