"""The command line as click reads it: one file a command, imported on first use."""

import importlib
from collections.abc import Sequence

import click

from secretguard import __version__
from secretguard.cli import COMMANDS, usage
from secretguard.errors import ExitCode


class LazyGroup(click.Group):
    """Imports a command when it is called, for the pre-commit hook pays for every import."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """See `click.Group`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """See `click.Group`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"secretguard.cli.{cmd_name}").command
        _accept_global_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where click would only say that there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise usage.unknown_word("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


def _store(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Keep a global option where every command finds it, wherever on the line it stood."""
    if value:
        ctx.obj[str(param.name)] = value


def _global_options(*, hidden: bool) -> list[click.Parameter]:
    def option(*names: str, help: str, count: bool = False) -> click.Option:  # noqa: A002 - click's own name
        return click.Option(
            names, help=help, is_flag=not count, count=count, expose_value=False, hidden=hidden, callback=_store
        )

    return [
        option("-q", "--quiet", help="Print the findings and nothing else."),
        option("-v", "--verbose", count=True, help="Print every place and every ignored finding."),
        option("--no-color", help="Print without colours (the NO_COLOR variable does the same)."),
        option("--no-repo-config", help="Ignore the configuration that the scanned repository carries."),
    ]


def _accept_global_options(command: click.Command) -> None:
    """Let `secretguard scan -q` mean `secretguard -q scan`."""
    known = {name for param in command.params for name in param.opts}
    command.params += [param for param in _global_options(hidden=True) if known.isdisjoint(param.opts)]
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _accept_global_options(inner)


@click.group(
    cls=LazyGroup,
    params=_global_options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="secretguard", message="%(prog)s %(version)s")
def secretguard() -> None:
    """Find leaked credentials in working trees and git history."""


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; of what is wrong with the line itself nothing is raised."""
    try:
        with secretguard.make_context("secretguard", list(words), obj={}) as context:
            code = secretguard.invoke(context)
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.UsageError as error:
        usage.print_usage(error)
        code = ExitCode.USAGE
    except click.Abort:
        raise KeyboardInterrupt from None
    return int(code or ExitCode.CLEAN)
