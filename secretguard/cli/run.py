"""`secretguard run -- COMMAND`: the command in our place, with references in its environment made values."""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Never

import click

from secretguard import resolve
from secretguard.cli import console, run_cache
from secretguard.env_file import LONGEST_FILE, parse_env
from secretguard.errors import ConfigError, SecretguardError, StoreError, UsageError
from secretguard.reference import SecretReference, is_reference, parse_reference
from secretguard.report.printable import printable
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret

OURS = "SECRETGUARD_"
"""Variables of ours configure us and may hold keys of the operator's: no child gets them."""


@click.command(
    "run",
    short_help="Run a command with its secrets.",
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--env-file",
    "env_files",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Also the variables in FILE; may be given again, and the last one counts.",
)
@click.option(
    "--cache",
    "seconds",
    metavar="SECONDS",
    type=click.IntRange(1, run_cache.LONGEST),
    help="Keep what stores answer, encrypted, and do without them for so long.",
)
@click.option("--mask", is_flag=True, help="Replace the values in what COMMAND prints by ****.")
@click.argument("line", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context, env_files: tuple[Path, ...], line: tuple[str, ...], seconds: int | None, *, mask: bool
) -> int:
    """Run COMMAND in place of secretguard, with the references in its environment made values.

    A variable whose whole value is `ref+local://…`, `ref+vault://…`, `ref+openbao://…`, `ref+awssecrets://…` or
    `ref+env://…` gets what the reference stands for. What is set in your environment goes before the files. If one
    does not resolve, nothing is started. There is no shell between; nothing is written
    but what --cache keeps.

    With --mask COMMAND is a child of secretguard, which passes its output on with the values masked.
    """
    if not line[0]:
        raise UsageError("the command is empty", hint="Is the variable set that names it? The shell made it nothing.")
    if mask and sys.platform != "linux":
        raise UsageError("--mask works on Linux only", hint="Without it the command runs everywhere.")
    chosen: dict[str, str] = {}
    for file in env_files:
        chosen |= _read(file)
    if not ctx.obj.get("quiet"):
        _tell_overruled(chosen, os.environ)
    variables = {name: text for name, text in (chosen | dict(os.environ)).items() if not name.startswith(OURS)}
    values = resolved(variables, run_cache.reading(Context(environ=os.environ), seconds or 0))
    become = partial(_become, line, variables, values)
    if not mask:
        become()
    return _masked(become, values, quiet=bool(ctx.obj.get("quiet")))


def resolved(variables: Mapping[str, str], read: run_cache.Read) -> dict[str, Secret]:
    """Return the values of those variables that hold a reference; each stored document is read once, by `read`.

    Raises what does not resolve, with the variable's name.
    """
    references = {name: _parsed(name, text) for name, text in variables.items() if is_reference(text)}
    documents: dict[SecretReference, Fields] = {}
    values: dict[str, Secret] = {}
    for name, reference in references.items():
        whole = reference.with_field("")
        try:
            if whole not in documents:
                documents[whole] = read(reference)
            values[name] = resolve.pick(reference, documents[whole])
        except SecretguardError as error:
            raise _of_variable(name, error) from None
        if not _fits(values[name]):
            raise StoreError(f"{_shown(name)}: its value holds a character that no environment variable can")
    return values


def _fits(value: Secret) -> bool:
    try:
        return b"\0" not in os.fsencode(value.reveal())
    except UnicodeEncodeError:
        return False


def _parsed(name: str, text: str) -> SecretReference:
    try:
        return parse_reference(text)
    except SecretguardError as error:
        raise _of_variable(name, error) from None


def _of_variable(name: str, error: SecretguardError) -> SecretguardError:
    """Return the error as one of a variable, with the same exit code."""
    kind = UsageError if isinstance(error, UsageError) else StoreError
    return kind(f"{_shown(name)}: {error}", hint=error.hint)


def _shown(name: str) -> str:
    return printable(name[:200])


def _read(file: Path) -> dict[str, str]:
    try:
        with file.open(encoding="utf-8", newline="") as text:
            return parse_env(text.read(LONGEST_FILE + 1), printable(str(file)))
    except UnicodeDecodeError:
        raise ConfigError(f"env file {printable(str(file))} is not UTF-8") from None
    except OSError as error:
        raise ConfigError(
            f"env file {printable(str(file))} cannot be read: {error.strerror}", hint="Check the path and its rights."
        ) from None


def _tell_overruled(chosen: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Say where an old value in the shell hides a reference: after a rotation that is the leaked one."""
    for name in _hidden(chosen, environ):
        console.print_line(f"note: {_shown(name)} is set in your environment, which goes before the env file")


def _hidden(chosen: Mapping[str, str], environ: Mapping[str, str]) -> Iterable[str]:
    return (name for name, text in chosen.items() if is_reference(text) and environ.get(name, text) != text)


def _masked(become: Callable[[], Never], values: Mapping[str, Secret], *, quiet: bool) -> int:
    """Run the command as a child with its output masked, and return its exit code."""
    from secretguard.cli import masked_spellings, masked_stream, masking_child

    given = {name: value.reveal() for name, value in values.items()}
    for name, text in given.items():
        if text and not quiet and not masked_spellings.is_masked(text):
            console.print_line(
                f"note: {_shown(name)} is shorter than {masked_spellings.SHORTEST} bytes, and not masked"
            )
    console.flush()
    return masking_child.run(become, masked_stream.masked(masked_spellings.spellings_of(given.values())))


def _become(line: tuple[str, ...], variables: Mapping[str, str], values: Mapping[str, Secret]) -> Never:
    """Replace this process: signals, standard streams, process id and exit code are the command's."""
    console.flush()
    for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ"):  # Python ignores them, and a child would inherit that
        with suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    shown = printable(line[0])
    environ = {**variables, **{name: value.reveal() for name, value in values.items()}}
    try:
        os.execvpe(line[0], line, environ)
    except FileNotFoundError:
        raise UsageError(f"there is no command {shown}", hint="Check its name and PATH.") from None
    except OSError as error:
        if error.errno == errno.E2BIG:
            raise _too_long(shown, environ) from None
        raise UsageError(f"{shown} cannot be run: {error.strerror}", hint="Check its rights and what it is.") from None


def _too_long(shown: str, environ: Mapping[str, str]) -> UsageError:
    """Return what is told where the system takes no environment so long; the arguments are those that we got."""
    lengths = {name: len(os.fsencode(text)) for name, text in environ.items()}
    longest = max(lengths, key=lambda name: lengths[name])
    return UsageError(
        f"{shown} cannot be run: its environment is too long, most of all {_shown(longest)} "
        f"with {lengths[longest] >> 10:,} KiB",
        hint="Linux takes 128 KiB a variable, and some MiB in all. Let the command read what is that long from a file.",
    )
