"""The command line: one file a command, imported on first use, and the one place where errors end."""

import gc
import sys
from collections.abc import Sequence

from secretguard.cli import console
from secretguard.errors import ExitCode, SecretguardError

COMMANDS = (
    "scan",
    "show",
    "baseline",
    "hook",
    "rotate",
    "rewrite",
    "store",
    "run",
    "rules",
    "plugins",
    "config",
    "doctor",
)
_RARELY = (100_000, 20, 20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; nothing is raised past here."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_program = arguments is None
    if is_program:
        # Modules are no garbage: looking for it as often as Python does takes a twentieth of a hook's time.
        gc.set_threshold(*_RARELY)
    try:
        console.prepare()
        code = _run(words)
        console.flush()
    except (Exception, KeyboardInterrupt) as error:  # the boundary: a bug ends in a log, not in a traceback
        return end(error, words)
    else:
        return code
    finally:
        console.close()
        if is_program:
            gc.freeze()  # what is left goes with the process; to look through it first takes a tenth


def _run(words: list[str]) -> int:
    from secretguard.cli import plain

    if (asked := plain.scan_asked(words)) is not None:
        from secretguard.cli.scanning import run_and_report

        return run_and_report(*asked)
    from secretguard.cli import commands  # click and all that it brings

    return commands.run(words)


def end(error: BaseException, words: list[str]) -> ExitCode:
    """Tell the person at the terminal what went wrong, and return what to tell the caller."""
    code = ExitCode.INCOMPLETE
    if isinstance(error, SecretguardError):
        console.print_error(str(error), error.hint)
        code = error.exit_code
    elif isinstance(error, KeyboardInterrupt):
        console.print_line("Interrupted: the result is not complete.")
        code = ExitCode.INTERRUPTED
    elif isinstance(error, BrokenPipeError):
        pass  # whoever read us went away: there is nobody to tell
    elif trouble := console.machine_trouble(error):
        console.print_error(trouble, "The machine ran out of something: make room, then run the command again.")
    else:
        from secretguard.cli import bug_report  # nobody else pays for it

        console.print_bug(error, bug_report.write(error, words))
        code = ExitCode.BUG
    return code
