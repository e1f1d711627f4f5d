"""`secretguard show`: the blast radius of one credential."""

from collections.abc import Sequence

import click

from secretguard import __version__
from secretguard.cli import console, output
from secretguard.cli.invocation import CREDENTIAL_ID, not_an_id, scan_everything
from secretguard.errors import ExitCode, UsageError
from secretguard.model import Credential, Report
from secretguard.report import json_report, radius
from secretguard.report.danger import real_problems
from secretguard.report.masking import mask_for
from secretguard.report.printable import printable

SCHEMA = "secretguard.show/1"


@click.command("show", short_help="Show where one credential stands, and since when.")
@click.argument("credential")
@click.option(
    "--repo", metavar="PATH", multiple=True, default=(".",), help="Where to look; may be given again.  [default: .]"
)
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, credential: str, repo: tuple[str, ...], format_name: str) -> ExitCode:
    """Show every place, commit, author and endpoint of CREDENTIAL, an id such as a report prints.

    Looks at the whole history of each repository. What is ignored is shown too.
    """
    if not CREDENTIAL_ID.fullmatch(credential):
        raise not_an_id()
    reports = [(path, scan_everything(ctx.obj, path)) for path in repo]
    found = [(path, report, one) for path, report in reports for one in report.credentials if one.id == credential]
    if format_name == "json":
        _write_json(credential, reports)
    else:
        _write_text(ctx, found, several=len(repo) > 1)
    problems = [problem for _, report in reports for problem in real_problems(report)]
    for problem in problems:
        console.print_problem(problem)
    if not found:
        _explain_absence(credential, reports, incomplete=bool(problems))
    return ExitCode.INCOMPLETE if problems else ExitCode.CLEAN


def _write_text(ctx: click.Context, found: Sequence[tuple[str, Report, Credential]], *, several: bool) -> None:
    color = False if ctx.obj.get("no_color") else None
    for path, report, one in found:
        with output.opened(None, private=False) as out:
            if several:
                out.write(f"{printable(path)}\n\n")
            radius.write(report, one, out, color=color)


def _write_json(credential: str, reports: Sequence[tuple[str, Report]]) -> None:
    repositories = []
    for path, report in reports:
        mask = mask_for(report, show_secrets=False)
        own = [
            json_report.credential_json(one, mask, show_secrets=False)
            for one in report.credentials
            if one.id == credential
        ]
        repositories.append({"path": json_report.safe(mask, path), "credential": own[0] if own else None})
    tool = {"name": "secretguard", "version": __version__}
    console.echo(json_report.encode({"schema": SCHEMA, "tool": tool, "id": credential, "repositories": repositories}))


def _explain_absence(credential: str, reports: Sequence[tuple[str, Report]], *, incomplete: bool) -> None:
    """Raise for a credential that is nowhere, unless something that could not be read may hold it."""
    ignored = [one for _, report in reports for one in report.ignored if one.id == credential]
    for one in ignored:
        console.print_line(f"{one.id} is ignored ({one.reason}) at {one.where}")
    if ignored or incomplete:
        return
    where = ", ".join(path for path, _ in reports)
    raise UsageError(f"{credential} is not in {where}", hint="`secretguard scan --history` lists what is there.")
