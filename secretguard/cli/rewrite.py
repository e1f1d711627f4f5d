"""`secretguard rewrite`: literals in the code become references, as a patch, a branch or a pull request."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from secretguard.cli import console
from secretguard.cli.invocation import CREDENTIAL_ID, configure, not_an_id, operator_environ
from secretguard.cli.variable_name import VariableName
from secretguard.errors import ExitCode, UsageError
from secretguard.reference import SecretReference, misread_by_vals, parse_reference

if TYPE_CHECKING:
    from secretguard.cli.rewriting import Planned
    from secretguard.model import Credential

SCHEMA = "secretguard.rewrite/1"


@click.command("rewrite", short_help="Replace a credential in the code by references.")
@click.argument("credential")
@click.option("--to", metavar="REF", required=True, help="Where the value is, as ref+vault://secret/app#/DATABASE_URL.")
@click.option(
    "--repo", metavar="PATH", multiple=True, default=(".",), help="What to rewrite; may be given again.  [default: .]"
)
@click.option(
    "--deliver", type=click.Choice(["patch", "branch", "pr"]), default="patch", show_default=True,
    help="How the change is handed over.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=None,
    help="Where the patch goes.  [default: in the state directory]",
)  # fmt: skip
@click.option("--variable", metavar="NAME", type=VariableName(), help="What the main variable is called.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--insist", is_flag=True, help="Open a pull request although the old value may still work.")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, /, credential: str, to: str, repo: tuple[str, ...], **given: Any) -> ExitCode:
    """Replace CREDENTIAL, an id that a scan prints, by references to where its value is.

    Every copy at HEAD is found again. Each becomes an environment variable in the idiom of its file; what has no safe
    idiom is left to a person, with the reason. Nothing in your working tree, index or stash is touched.
    """
    if not CREDENTIAL_ID.fullmatch(credential):
        raise not_an_id()
    if given["insist"] and given["deliver"] != "pr":
        raise UsageError("--insist is for --deliver pr", hint="Leave it out: only a pull request shows the old value.")
    reference = parse_reference(to)
    if said := misread_by_vals(reference):
        console.print_line(f"note: {said}")
    from secretguard.cli import rewriting
    from secretguard.cli.rotation_source import in_reports, search
    from secretguard.rotate.target import target_of

    found = in_reports(credential, search(ctx.obj, repo))
    if found is None:
        raise UsageError(
            f"{credential} is not in {', '.join(repo)}", hint="`secretguard scan --history` lists what is there."
        )
    target = target_of(found)
    looked = rewriting.look(repo, target, ctx.obj)
    is_asked = console.is_somebody_there() and given["format_name"] == "text" and not given["plan_only"]
    name = given["variable"] or (rewriting.asked_variable(looked, target) if is_asked else "")
    planned = rewriting.planned(looked, target, reference, name)
    delivered = _delivered(ctx, found, planned, reference, given)
    if given["format_name"] == "json":
        _write_json(credential, planned, delivered)
    for one in looked:
        for problem in one.problems:
            console.print_problem(problem)
    return ExitCode.INCOMPLETE if len(looked) < len(repo) or any(one.problems for one in looked) else ExitCode.CLEAN


def _delivered(
    ctx: click.Context,
    found: "Credential",
    planned: "Sequence[Planned]",
    reference: SecretReference,
    given: Mapping[str, Any],
) -> dict[str, dict[str, object]]:
    """Say and do it; return what was delivered, by repository, as JSON says it."""
    from secretguard.cli import delivering, rewriting_words
    from secretguard.rewrite.delivery import How
    from secretguard.rotate.target import target_of
    from secretguard.rotation import Context, Login

    as_text = given["format_name"] == "text"
    environ = operator_environ(configure(ctx.obj, None), os.environ)
    leaked = Login(found.user, found.secret)
    if as_text:
        rewriting_words.write_plan(planned, verbose=bool(ctx.obj.get("verbose")))
    for line in delivering.unresolved(planned, leaked, None, Context(environ)):
        console.print_line(f"Not ready yet: {line}")
    how = How(given["deliver"])
    delivering.check_one_file(given["output"], planned, how)
    if given["plan_only"]:
        return {}
    dead = _seen_dead(ctx, found.id, environ)
    terms = delivering.Terms(
        credential=found.id,
        title=found.rule.title,
        leaked=leaked,
        how=how,
        new=delivering.value_in_place(target_of(found), reference, Context(environ)),
        old_is_dead=dead,
        status=("The old value was seen to be refused." if dead else "The old value may still work: rotate it.",),
        insists=given["insist"],
        patch_file=given["output"],
    )
    done: dict[str, dict[str, object]] = {}
    for one, result in delivering.hand_over(planned, terms, Context(environ)):
        done[one.looked.path] = {"how": str(how), "where": result.where, "new": result.is_new}
        if as_text:
            rewriting_words.write_delivered(result)
    return done


def _seen_dead(ctx: click.Context, credential: str, environ: dict[str, str]) -> bool:
    """Whether a rotation was closed with the proof that the old value is refused at every server."""
    from secretguard.rotate.journal import open_journal
    from secretguard.rotate.records import State

    journal = open_journal(configure(ctx.obj, None).journal, environ)
    try:
        return any(one.state is State.CLOSED and not one.left_out for one in journal.rotations(credential))
    finally:
        journal.close()


def _write_json(credential: str, planned: "Sequence[Planned]", delivered: dict[str, dict[str, object]]) -> None:
    from secretguard.cli.rewriting_words import plan_json

    repositories = [
        document | {"delivered": delivered.get(one.looked.path)}
        for one, document in zip(planned, plan_json(planned), strict=True)
    ]
    console.echo(json.dumps({"schema": SCHEMA, "credential": credential, "repositories": repositories}))
