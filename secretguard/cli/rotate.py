"""`secretguard rotate`: replace a leaked credential at its issuer, prove the old one dead, and say what was done."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from secretguard.cli import console
from secretguard.cli.invocation import CREDENTIAL_ID, configure, not_an_id, operator_environ
from secretguard.cli.variable_name import VariableName
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


def _leaving_out(function: Function) -> Function:
    for option in (
        click.option("--reason", metavar="TEXT", default="", help="Why; it is written down."),
        click.option(
            "--leave-out", metavar="HOST[:PORT]", multiple=True,
            help="Close although nobody can ask this server whether the old value is dead; may be given again.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def _observing(function: Function) -> Function:
    return click.option(
        "--observe", metavar="SECONDS", type=click.FloatRange(0, 86400), default=60.0, show_default=True,
        help="With --mode graceful: for how long nobody may be seen to use the old value.",
    )(function)  # fmt: skip


@click.group("rotate", cls=RotateGroup, invoke_without_command=True, subcommand_metavar="[CREDENTIAL]… | COMMAND")
@click.argument("credentials", nargs=-1)
@click.option(
    "--repo", metavar="PATH", multiple=True, default=(".",), help="Where it leaked; may be given again.  [default: .]"
)
@click.option("--all", "everything", is_flag=True, help="Rotate every credential that there is a rotator for.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would happen, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--server", "servers", metavar="HOST[:PORT]", multiple=True,
    help="A server of yours, where the new value may be tried; may be given again.",
)  # fmt: skip
@click.option(
    "--to", metavar="REF", default="", help="Where the new value goes, as ref+vault://secret/app#/DATABASE_URL."
)
@click.option("--rotator", metavar="NAME", default="", help="Who replaces it, where several could.")
@click.option(
    "--mode", type=click.Choice([str(one) for one in Mode]), default=str(Mode.BREACH), show_default=True,
    help="What comes first: that the leaked value dies, or that nobody is interrupted.",
)  # fmt: skip
@click.option("--kill-first", is_flag=True, help="End the old value before there is a new one.")
@click.option(
    "--deliver", type=click.Choice(["patch", "branch", "pr", "none"]), default=None,
    help="Change the code too, and hand the change over so.  [default: none with --yes, else asked]",
)  # fmt: skip
@click.option("--variable", metavar="NAME", type=VariableName(), help="What the main variable in the code is called.")
@click.option("--wait-merge", is_flag=True, help="With --mode graceful: end the old value once the change is merged.")
@click.option("--insist", is_flag=True, help="Open a pull request although the old value may still work.")
@_observing
@click.option("--skip", is_flag=True, help="Leave a rotation open that was begun, and write down why.")
@_leaving_out
@_source_options
@click.pass_context
def command(ctx: click.Context, /, credentials: tuple[str, ...], **given: Any) -> ExitCode:
    """Replace leaked credentials at their issuers, and prove that the old ones are dead.

    CREDENTIAL is an id that a scan prints. Without one, on a terminal, the steps are gone through together. What was
    begun and not finished goes on where it stopped.
    """
    from secretguard.cli.rotation_given import check_reason

    for name in credentials:
        if not CREDENTIAL_ID.fullmatch(name):
            raise not_an_id()
    options = _options(ctx, **given)
    if given["skip"]:
        return _skip(credentials, options)
    check_reason(options.leave_out, options.reason)
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
    if options.variable and len(set(credentials)) > 1:
        raise UsageError("--variable names one, and several credentials are rotated", hint="Rotate them one by one.")
    from secretguard.cli.rotation_flow import rotate_each

    return rotate_each(tuple(dict.fromkeys(credentials)), options)


def _options(ctx: click.Context, **given: Any) -> Any:
    from secretguard.cli.rotation_flow import parsed
    from secretguard.cli.rotation_given import Given, servers
    from secretguard.cli.rotation_options import Options

    for name in ("to", "admin", "old_from"):
        parsed(given.get(name, ""))
    environ = operator_environ(configure(ctx.obj, None), os.environ)
    known = (
        *("to", "rotator", "admin", "old_from", "kill_first", "wait_merge", "insist", "plan_only", "yes", "reason"),
        *("used_no_more", "observe"),
    )
    said_mode = ctx.get_parameter_source("mode") is not ParameterSource.DEFAULT and given.get("mode")
    return Options(
        chosen=ctx.obj,
        repositories=given.get("repo") or (".",),
        mode=Mode(given.get("mode", Mode.BREACH)),
        deliver=given.get("deliver") or "",
        variable=given.get("variable") or "",
        given=Given(
            given.get("to", ""),
            given.get("rotator", ""),
            Mode(said_mode) if said_mode else None,
            bool(given.get("kill_first")),
            given.get("deliver") or "",
            bool(given.get("wait_merge")),
            given.get("variable") or "",
        ),
        servers=servers(given.get("servers", ())),
        leave_out=servers(given.get("leave_out", ())),
        as_json=given.get("format_name") == "json",
        environ=environ,
        **{name: given[name] for name in known if name in given},
    )


def _skip(credentials: tuple[str, ...], options: Any) -> ExitCode:
    from secretguard.cli.rotation_stop import leave_open

    if not options.reason.strip() or len(credentials) != 1 or options.leave_out:
        raise UsageError("--skip takes one credential and --reason TEXT", hint="The reason goes into the audit.")
    return leave_open(credentials[0], options.reason, options)


@command.command("resume")
@click.argument("rotation", default="")
@_leaving_out
@click.option(
    "--used-no-more", is_flag=True, help="Vouch that nobody uses the old value, where its issuer does not tell."
)
@_observing
@_source_options
@click.pass_context
def resume(ctx: click.Context, /, rotation: str, **given: Any) -> ExitCode:
    """Go on with ROTATION, or with the only one that is open."""
    from secretguard.cli.rotation_closed import check_closed
    from secretguard.cli.rotation_flow import books, go_on, named_rotation
    from secretguard.cli.rotation_given import check_reason
    from secretguard.rotate.drive import leased
    from secretguard.rotate.records import State

    options = _options(ctx, **given)
    check_reason(options.leave_out, options.reason)
    with books(options) as written:
        one = named_rotation(rotation, written)
        if one.state is State.CLOSED:
            check_closed(one, options)
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
    from secretguard.cli.rotation_flow import books, named_rotation
    from secretguard.cli.rotation_stop import check_abort, roll_back

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
