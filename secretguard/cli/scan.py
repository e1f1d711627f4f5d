"""`secretguard scan`: look at a repository, a directory, a file or standard input."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from secretguard.cli.scanning import run_and_report
from secretguard.config import FAIL_ON, FORMATS, MOST_JOBS
from secretguard.errors import ExitCode

_PATH = click.Path(path_type=Path)


@click.command("scan", short_help="Look for credentials in a repository, directory or file.")
@click.argument("target", default=".")
@click.option("--history", is_flag=True, help="Every object the repository holds, and the working tree and index.")
@click.option("--staged", is_flag=True, help="Exactly what the next commit would hold: the pre-commit hook.")
@click.option("--since", metavar="REV[..REV]", help="Only what the commits after REV add.")
@click.option("--stdin", is_flag=True, help="Standard input.")
@click.option("--include-ignored", is_flag=True, default=None, help="Also files that git ignores, such as .env.")
@click.option("--no-cache", is_flag=True, help="Ignore what earlier scans learnt about this repository.")
@click.option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.  [default: text]")
@click.option("-o", "--output", metavar="FILE", type=_PATH, help="Write the report there.")
@click.option("--show-secrets", is_flag=True, help="Print the values; a file written with -o is then private (0600).")
@click.option("--baseline", metavar="FILE", type=_PATH, help="Known credentials, not to be reported.")
@click.option("--fail-on", metavar="LEVEL", help=f"Exit 1 from here on: {', '.join(FAIL_ON)}.  [default: low]")
@click.option(
    "--jobs", metavar="N", type=click.IntRange(0, MOST_JOBS), help="Threads that derive ids; 0: all processors."
)
@click.option("--rules", metavar="FILE", type=_PATH, multiple=True, help="Also the rules in FILE.")
@click.option("--without-plugin", metavar="NAME", multiple=True, help="Leave out a plugin.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> ExitCode:
    """Look for credentials in TARGET: a path (repository, directory, file) or a clone URL; default `.`.

    Without a mode: the files of the working tree that git tracks or does not ignore.

    Exit codes: 0 nothing to report, 1 found, 2 wrong command line or configuration, 3 could not finish.
    """
    return run_and_report(_mode(options), options, ctx.obj)


def _mode(options: Mapping[str, Any]) -> str:
    given = [mode for mode in ("history", "staged", "since", "stdin") if options[mode] not in (None, False)]
    if len(given) > 1:
        raise click.UsageError(f"--{given[0]} and --{given[1]} exclude each other")
    if given == ["since"] and not options["since"].strip():
        raise click.UsageError("--since needs a revision")
    return given[0] if given else "tree"
