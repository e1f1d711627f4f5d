"""What a person sees beside the report: errors with hints, and progress on long work."""

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from secretguard.errors import OutputError
from secretguard.report.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from secretguard.model import Problem

PATIENCE = 0.5
"""Seconds of work before a progress bar appears: a quick scan shows none, and never imports rich."""
_MACHINE_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def prepare() -> None:
    """Let no character that the terminal's encoding lacks end the run, and every end clean up behind us."""
    for name in ("SIGTERM", "SIGHUP"):
        # As Ctrl-C does: a temporary clone must not outlive us. Only the main thread may say so.
        with suppress(AttributeError, ValueError):
            if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:  # nohup means it
                signal.signal(getattr(signal, name), signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def echo(text: str = "") -> None:
    """Print one line of a command's own output on stdout; what came from outside must have been escaped."""
    with writing("standard output"):
        stdout().write(text + "\n")


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need."""
    cells = [heading, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading))]
    for row in cells:
        echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def stdout() -> TextIO:
    """Return standard output; raises OutputError if the caller closed it."""
    if sys.stdout is None:
        raise OutputError("standard output is closed", hint="Write to a file with -o FILE.")
    return sys.stdout


def is_somebody_there() -> bool:
    """Whether somebody can be asked: standard input is open, and a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn a full disk or a lost right into an OutputError that names what could not be written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Check the path and its rights."
        raise OutputError(f"{name} cannot be written: {error.strerror}", hint=hint) from None


def flush() -> None:
    """Bring out what is still buffered, while an error can still be told."""
    if sys.stdout is not None:
        with writing("standard output"):
            sys.stdout.flush()


@contextmanager
def heard_or_not() -> Iterator[None]:
    """Bring out what is printed within; if it cannot be, what was begun goes on all the same, and says so once."""
    try:
        yield
        flush()
    except (BrokenPipeError, OutputError) as error:
        why = "nobody reads standard output any more" if isinstance(error, BrokenPipeError) else str(error)
        print_line(f"{why}; what was begun goes on.")
        _say_no_more(sys.stdout)


def close() -> None:
    """Let the interpreter's own flush at exit have nothing left to complain about."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _say_no_more(stream)


def _say_no_more(stream: TextIO | None) -> None:
    """Send whatever a stream still has, and gets, nowhere."""
    with suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_line(text: str) -> None:
    """Print one harmless line on stderr."""
    from secretguard.report.masking import without_login  # most runs say nothing here

    with suppress(OSError, AttributeError, ValueError):
        sys.stderr.write(printable(without_login(text), keep_lines=True) + "\n")
        sys.stderr.flush()


def print_error(message: str, hint: str = "") -> None:
    """Print what went wrong and what to do about it."""
    print_line(f"error: {message}")
    if hint:
        print_line(f"hint: {hint}")


def print_problem(problem: "Problem") -> None:
    """Print what could not be read, for people who do not read the report itself."""
    print_line(f"problem: {problem.where}: {problem.what}")
    if problem.hint:
        print_line(f"hint: {problem.hint}")


def print_bug(error: BaseException, log: Path | None) -> None:
    """Say that it is our fault, and where the log is."""
    print_line(f"error: this is a bug in secretguard ({type(error).__name__})")
    where = f"The log {log} holds no values; please report it." if log else "The log could not be written."
    print_line(f"hint: {where}")


def machine_trouble(error: BaseException) -> str:
    """Return what is wrong if the machine and not the program is at fault, else nothing."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.errno in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENOMEM,
    ):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        return f"{error.strerror}{where}"
    return ""


class Silence:
    """Progress for nobody: output that goes to a file, a pipe or `-q`."""

    def phase(self, name: str, total: int) -> None:
        """See `secretguard.scan.run.Progress`."""

    def advance(self, amount: int, objects: int = 0) -> None:
        """See `secretguard.scan.run.Progress`."""


class TerminalProgress:
    """One bar a phase on stderr, from the moment when the work has taken `PATIENCE` seconds."""

    def __init__(self, *, in_bytes: bool) -> None:
        self._in_bytes = in_bytes
        self._due = time.monotonic() + PATIENCE
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._name, self._total, self._done, self._objects = "", 0, 0, 0

    def phase(self, name: str, total: int) -> None:
        """See `secretguard.scan.run.Progress`."""
        self._forget()
        self._name, self._total, self._done, self._objects = name, total, 0, 0
        self.advance(0)

    def advance(self, amount: int, objects: int = 0) -> None:
        """See `secretguard.scan.run.Progress`; called for every blob, so it draws ten times a second only."""
        self._done += amount
        self._objects += objects
        now = time.monotonic()
        if now >= self._due:
            self._due = now + 0.1
            self._draw()

    def close(self) -> None:
        """Take the bars away: the report follows."""
        if self._bars is not None:
            self._forget()
            self._bars.stop()

    def _draw(self) -> None:
        if self._bars is None:
            self._bars = _bars(in_bytes=self._in_bytes)
            self._bars.start()
        if self._task is None:
            self._task = self._bars.add_task(printable(self._name), total=self._total or None, objects="")
        objects = f"{self._objects:,} objects" if self._objects else ""
        self._bars.update(self._task, completed=self._done, objects=objects)

    def _forget(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
        self._task = None


def _bars(*, in_bytes: bool) -> "Bars":
    from rich.console import Console  # imported only when somebody watches
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TextColumn("{task.fields[objects]}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def progress(*, quiet: bool, in_bytes: bool = True) -> Iterator["Silence | TerminalProgress"]:
    """Yield something that shows progress, of bytes or of things, if a person watches stderr."""
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield Silence()
        return
    bars = TerminalProgress(in_bytes=in_bytes)
    try:
        yield bars
    finally:
        bars.close()
