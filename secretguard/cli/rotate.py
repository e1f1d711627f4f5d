"""`secretguard rotate`: replace a leaked credential at its issuer, prove the old one dead, and say what was done."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from secretguard.cli import console
from secretguard.cli.invocation import CREDENTIAL_ID, configure, not_an_id, operator_environ
from secretguard.errors import ExitCode, UsageError
from secretguard.rotation import Mode

Function = TypeVar("Function", bound=Callable[..., object])


class RotateGroup(click.Group):
    """A group that takes credentials where no command of its own is named."""

    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        if args and args[0] in self.commands:
            ctx.meta["secretguard.rotate"] = list(args)
            return []
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command`."""
        words = ctx.meta.pop("secretguard.rotate", None)
        if words is None:
            return click.Command.invoke(self, ctx)
        name, inner, rest = self.resolve_command(ctx, words)
        if inner is None:  # click raises for a name it does not know
            return None
        with inner.make_context(name, rest, parent=ctx) as inner_context:
            return inner.invoke(inner_context)


def _source_options(function: Function) -> Function:
    for option in reversed(
        (
            click.option("--admin", metavar="REF", default="", help="A login of yours that may change the leaked one."),
            click.option(
                "--old-from", metavar="REF", default="", help="Where the leaked value is, if no repository has it."
            ),
            click.option(
                "--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True
            ),
        )
    ):
        function = option(function)
    return function


@click.group("rotate", cls=RotateGroup, invoke_without_command=True, subcommand_metavar="[CREDENTIAL]… | COMMAND")
@click.argument("credentials", nargs=-1)
@click.option(
    "--repo", metavar="PATH", multiple=True, default=(".",), help="Where it leaked; may be given again.  [default: .]"
)
@click.option("--all", "everything", is_flag=True, help="Rotate every credential that there is a rotator for.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would happen, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--to", metavar="REF", default="", help="Where the new value goes, as ref+vault://secret/app#/DATABASE_URL."
)
@click.option("--rotator", metavar="NAME", default="", help="Who replaces it, where several could.")
@click.option(
    "--mode", type=click.Choice([str(one) for one in Mode]), default=str(Mode.BREACH), show_default=True,
    help="What comes first: that the leaked value dies, or that nobody is interrupted.",
)  # fmt: skip
@click.option("--kill-first", is_flag=True, help="End the old value before there is a new one.")
@click.option("--skip", is_flag=True, help="Leave a rotation open that was begun, and write down why.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for --skip.")
@_source_options
@click.pass_context
def command(ctx: click.Context, /, credentials: tuple[str, ...], **given: Any) -> ExitCode:
    """Replace leaked credentials at their issuers, and prove that the old ones are dead.

    CREDENTIAL is an id that a scan prints. Without one, on a terminal, the steps are gone through together. What was
    begun and not finished goes on where it stopped.
    """
    for name in credentials:
        if not CREDENTIAL_ID.fullmatch(name):
            raise not_an_id()
    options = _options(ctx, **given)
    if given["skip"] or given["reason"]:
        return _skip(credentials, given["skip"], given["reason"], options)
    if given["everything"] and credentials:
        raise UsageError("--all takes every credential, and some are named", hint="Leave one of the two out.")
    if given["everything"] or not credentials:
        from secretguard.cli import rotation_guide

        if given["everything"]:
            credentials = rotation_guide.all_of(options)
        else:
            chosen = rotation_guide.choose(options)
            if chosen is None:
                return ExitCode.CLEAN
            name, options = chosen
            credentials = (name,)
    from secretguard.cli.rotation_flow import rotate_each

    return rotate_each(tuple(dict.fromkeys(credentials)), options)


def _options(ctx: click.Context, **given: Any) -> Any:
    from secretguard.cli.rotation_flow import Options, parsed

    for name in ("to", "admin", "old_from"):
        parsed(given.get(name, ""))
    environ = operator_environ(configure(ctx.obj, None), os.environ)
    known = ("to", "rotator", "admin", "old_from", "kill_first", "plan_only", "yes")
    return Options(
        chosen=ctx.obj,
        repositories=given.get("repo") or (".",),
        mode=Mode(given.get("mode", Mode.BREACH)),
        as_json=given.get("format_name") == "json",
        environ=environ,
        **{name: given[name] for name in known if name in given},
    )


def _skip(credentials: tuple[str, ...], skip: bool, reason: str, options: Any) -> ExitCode:
    from secretguard.cli.rotation_flow import leave_open

    if not skip or not reason.strip() or len(credentials) != 1:
        raise UsageError("--skip takes one credential and --reason TEXT", hint="The reason goes into the audit.")
    return leave_open(credentials[0], reason, options)


@command.command("resume")
@click.argument("rotation", default="")
@_source_options
@click.pass_context
def resume(ctx: click.Context, /, rotation: str, **given: Any) -> ExitCode:
    """Go on with ROTATION, or with the only one that is open."""
    from secretguard.cli.rotation_flow import books, go_on, named_rotation
    from secretguard.rotate.drive import leased
    from secretguard.rotate.records import State

    options = _options(ctx, **given)
    with books(options) as written:
        one = named_rotation(rotation, written)
        if one.state is State.CLOSED:
            options.teller.ended(one, None)
            return ExitCode.CLEAN
        if one.state is State.ABORTED:
            raise UsageError(f"{one.id} was aborted", hint=f"`secretguard rotate {one.credential}` begins a new one.")
        with leased(written.journal, one.credential) as lease:
            return go_on(named_rotation(one.id, written), options, written, lease)


@command.command("abort")
@click.argument("rotation", default="")
@_source_options
@click.pass_context
def abort(ctx: click.Context, /, rotation: str, **given: Any) -> ExitCode:
    """Roll ROTATION back while its old value still works; refused after that."""
    from secretguard.cli.rotation_flow import books, check_abort, named_rotation, roll_back

    options = _options(ctx, **given)
    with books(options) as written:
        one = named_rotation(rotation, written)
        check_abort(one, options, written)
        roll_back(one, options, written)
    return ExitCode.CLEAN


@command.command("status")
@click.argument("rotation", default="")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def status(ctx: click.Context, rotation: str, format_name: str) -> ExitCode:
    """Say how rotations stand: ROTATION, or all of them. Exit code 4 if one waits."""
    from secretguard.cli.rotation_flow import books, named_rotation
    from secretguard.cli.rotation_words import write_status
    from secretguard.rotate.records import State

    with books(_options(ctx, format_name=format_name)) as written:
        rotations = [named_rotation(rotation, written)] if rotation else written.journal.rotations()
        for lease in written.journal.leases():
            console.print_line(f"{lease.credential} is being worked on by {lease.holder}, since {lease.since}.")
    write_status(rotations, as_json=format_name == "json")
    return ExitCode.WAITING if any(one.state in (State.WAITING, State.OPEN) for one in rotations) else ExitCode.CLEAN


@command.command("report")
@click.argument("rotation", default="")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def report(ctx: click.Context, rotation: str, format_name: str) -> ExitCode:
    """Tell the whole story of ROTATION: every step, its evidence, who and when."""
    from secretguard.cli.rotation_flow import books, named_rotation
    from secretguard.cli.rotation_words import write_report

    with books(_options(ctx, format_name=format_name)) as written:
        one = named_rotation(rotation, written)
        write_report(one, written.journal.attempts(one.id), as_json=format_name == "json")
    return ExitCode.CLEAN


@command.group("audit")
def audit() -> None:
    """Show and check the record of what was done; it is chained, so that a change shows."""


@audit.command("show")
@click.argument("about", metavar="[ROTATION | CREDENTIAL]", default="")
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(about: str, format_name: str) -> ExitCode:
    """Print every record, or those of one rotation or credential, oldest first."""
    from secretguard.cli import rotation_audit

    return rotation_audit.show(os.environ, about, as_json=format_name == "json")


@audit.command("verify")
@click.pass_context
def verify(ctx: click.Context) -> ExitCode:
    """Check that no record was edited, removed, moved or cut off; exit code 3 if one was."""
    from secretguard.cli import rotation_audit

    return rotation_audit.verify(configure(ctx.obj, None).journal, os.environ)
