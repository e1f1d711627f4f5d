"""What a person sees whose command line is wrong: what is wrong, and what was probably meant."""

import difflib
from collections.abc import Sequence

import click

from secretguard.cli.console import print_error, print_line


def unknown_word(kind: str, word: str, known: Sequence[str]) -> click.UsageError:
    """Return the usage error for a word that nobody knows, naming the nearest one."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(known)}."
    error = click.UsageError(f"no such {kind}: {word}")
    error.hint = hint  # type: ignore[attr-defined]
    return error


def print_usage(error: click.UsageError) -> None:
    """Print click's complaint as our message and hint; the help, if nothing was asked for."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print_line(error.message)
        return
    hint = getattr(error, "hint", "")
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption) and error.ctx:
        known = [name for param in error.ctx.command.params for name in param.opts if name.startswith("--")]
        near = difflib.get_close_matches(error.option_name, known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else ""
        message = f"no such option: {error.option_name}"
    print_error(message[:1].lower() + message[1:], hint or _see_help(error))


def _see_help(error: click.UsageError) -> str:
    return f"`{error.ctx.command_path if error.ctx else 'secretguard'} --help` shows what there is."
