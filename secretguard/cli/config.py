"""`secretguard config`: each value and the layer that gave it."""

from pathlib import Path

import click

from secretguard.cli import console
from secretguard.cli.invocation import configure
from secretguard.config import IgnoredCredential, Setting
from secretguard.report.json_report import encode


@click.command("config", short_help="Print each setting and where it comes from.")
@click.argument("target", default=".")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, target: str, format_name: str) -> None:
    """Print each setting that a scan of TARGET would use, and where it comes from.

    Flags go before SECRETGUARD_* variables, these before the repository, the repository before your own file.
    """
    settings = configure(ctx.obj, target).settings
    if format_name == "json":
        rows = [{"key": s.key, "value": _plain(s.value), "layer": s.layer, "where": s.where} for s in settings]
        console.echo(encode(rows))
        return
    console.print_table(("KEY", "VALUE", "LAYER", "WHERE"), [_row(setting) for setting in settings])


def _row(setting: Setting) -> tuple[str, ...]:
    value = _plain(setting.value)
    shown = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    nothing = value in (None, [])
    return setting.key, "-" if nothing else shown, setting.layer, setting.where


def _plain(value: object) -> object:
    """Return JSON-ready data."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, IgnoredCredential):
        return value.id
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
