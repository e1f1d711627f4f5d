"""The command of `secretguard run --mask`: our child, whose output goes through a mask. For Linux.

With a terminal at both ends the child gets a terminal of its own, as under script(1) or sudo: ours is raw meanwhile,
and its keys, size, stops and end pass on. Between us and the child is then a process that leads the new session, for
in a session whose leader has no parent in it a stop is ignored (POSIX, orphaned process groups). Otherwise the child
stays in our process group, where Ctrl-C and Ctrl-Z reach it without us; an output that is a terminal stays one.
"""

import json
import os
import select
import signal
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Never

from secretguard.cli.masked_stream import Masked, StreamMask
from secretguard.cli.masking_pump import CHUNK, Pump, write_all
from secretguard.errors import OutputError, SecretguardError, UsageError

_PASSED_ON = {
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
    signal.SIGTSTP,
}  # fmt: skip
_WAITED_FOR = _PASSED_ON | {signal.SIGCONT, signal.SIGWINCH, signal.SIGCHLD}
_GLANCE = 0.1
"""Seconds between looks whether the keyboard is ours again."""
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG, of prctl(2)."""


@dataclass(frozen=True, slots=True)
class _Streams:
    """Which descriptors lead where."""

    of_child: dict[int, int]
    """Its 1 and 2 -> what they are."""
    outputs: list[tuple[int, int]]
    """What we read -> what we write to."""
    terminal: tuple[int, int] | None = None
    """Our end and the child's of a pseudo-terminal."""


@dataclass(slots=True)
class _Child:
    """The process that we wait for, and the command, which is the same one unless it has a session of its own."""

    process: int
    command: int
    streams: _Streams
    has_session: bool
    settings: list[Any] = field(default_factory=list)
    """Of our terminal, to be set back."""


def run(become: Callable[[], Never], masked: Masked) -> int:
    """Run what `become` makes of a process, with its output masked; return its exit code, 128 + n for a signal.

    Raises what `become` raises, UsageError as a rule, and OutputError if the output cannot be written.
    """
    _keep_standard_numbers()
    has_session = os.isatty(0) and os.isatty(1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    try:
        streams = _streams(has_session=has_session)
        child = _started(become, streams, before, has_session=has_session)
        failures: list[OSError] = []
        with _flowing(child, masked, failures):
            code = _waited(child)
        while signal.sigtimedwait(_WAITED_FOR, 0):
            pass  # what came too late was for the command
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if failures:
        raise OutputError(f"the output cannot be written: {failures[0].strerror}", hint="The command was cut off.")
    return code


def _keep_standard_numbers() -> None:
    """Open what is closed of 0, 1 and 2, so that no pipe of ours gets that number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def _streams(*, has_session: bool) -> _Streams:
    of_child: dict[int, int] = {}
    outputs: list[tuple[int, int]] = []
    terminal = None
    for number in (1, 2):
        if not os.isatty(number):
            source, of_child[number] = os.pipe()
            outputs.append((source, number))
            continue
        if terminal is None:
            terminal = _terminal_like(number, has_session=has_session)
            outputs.append((terminal[0], number))
        of_child[number] = terminal[1]
    return _Streams(of_child, outputs, terminal)


def _terminal_like(number: int, *, has_session: bool) -> tuple[int, int]:
    """Return a pseudo-terminal with size and settings of the terminal that is open as `number`."""
    ours, theirs = os.openpty()
    settings = termios.tcgetattr(number)
    if not has_session:
        settings[1] &= ~termios.OPOST  # the real one does it, for it is not raw
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    termios.tcsetwinsize(ours, termios.tcgetwinsize(number))
    return ours, theirs


def _started(
    become: Callable[[], Never], streams: _Streams, before: set[int | signal.Signals], *, has_session: bool
) -> _Child:
    """Start the command and return it once it runs; raises what `become` raised there."""
    report, reporting = os.pipe()
    limits = _death_of_parent()

    def command() -> None:
        if has_session:  # a process group of its own, the one that the keyboard speaks to
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
        for number, descriptor in streams.of_child.items():
            if not (has_session and os.isatty(descriptor)):  # that it has already
                os.dup2(descriptor, number)
        os.write(reporting, b"%d\n" % os.getpid())
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            become()
        except SecretguardError as error:
            os.write(reporting, json.dumps([str(error), error.hint]).encode())

    def leader() -> None:
        for descriptor in {report, *(one for pair in streams.outputs for one in pair[:1])}:
            os.close(descriptor)
        if streams.terminal:
            os.login_tty(os.dup(streams.terminal[1]))
        leaded = _forked(command, limits)
        for descriptor in {reporting, *streams.of_child.values()}:
            os.close(descriptor)
        _lead(leaded)

    process = _forked(leader if has_session else command, limits)
    for descriptor in {reporting, *streams.of_child.values()}:
        os.close(descriptor)
    with os.fdopen(report, "rb") as said:
        number, _, failure = said.read().partition(b"\n")
    if failure or not number:
        os.waitpid(process, 0)
        message, hint = json.loads(failure) if failure else ("the command could not be started", "")
        raise UsageError(message, hint=hint)
    return _Child(process, int(number), streams, has_session)


def _death_of_parent() -> Callable[[], object]:
    """Return what makes a process die when its parent does: whoever kills us means the command."""
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)


def _forked(do: Callable[[], None], limit: Callable[[], object]) -> int:
    """Start a process that does one thing, and return its id."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    try:
        limit()
        if os.getppid() == parent:
            do()
    finally:
        os._exit(127)  # nothing of ours may go on in it, an error least of all


def _lead(command: int) -> None:
    """Lead the session of the command: stop when it does, wake it when we are woken, and end as it did."""
    while True:
        _, status = os.waitpid(command, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os._exit(_code(status))
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            os.killpg(command, signal.SIGCONT)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


@contextmanager
def _flowing(child: _Child, masked: Masked, failures: list[OSError]) -> Iterator[None]:
    """While entered, output flows, and what is typed flows to a child with a terminal of its own."""
    ended, ending = os.pipe()
    pumps = [Pump(source, target, StreamMask(masked), ended) for source, target in child.streams.outputs]
    threads = [threading.Thread(target=pump.run, args=(failures,), daemon=True) for pump in pumps]
    _take_terminal(child)  # before anything is shown: else a line would be ended twice
    for thread in threads:
        thread.start()
    if child.has_session:
        threading.Thread(target=_pass_keys, args=(child, ended), daemon=True).start()
    try:
        yield
    finally:
        os.close(ending)
        for thread in threads:
            thread.join()
        _give_terminal_back(child)


def _pass_keys(child: _Child, ended: int) -> None:
    if child.streams.terminal is None:
        return
    with suppress(OSError):  # the terminal is gone, or the child
        while True:
            ready, _, _ = select.select([0, ended], [], [])
            if ended in ready:
                return
            if not _in_foreground():
                time.sleep(_GLANCE)  # what is typed is for the shell
                continue
            _take_terminal(child)
            data = os.read(0, CHUNK)
            if not data:
                return
            write_all(child.streams.terminal[0], data)


def _in_foreground() -> bool:
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False


def _take_terminal(child: _Child) -> None:
    """Let our terminal pass each key on as it is; not in the background, where it is the shell's."""
    if child.has_session and not child.settings and _in_foreground():
        with suppress(termios.error):  # it may be gone since
            child.settings = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSANOW)


def _give_terminal_back(child: _Child) -> None:
    if child.settings and _in_foreground():
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, child.settings)
    child.settings = []


def _waited(child: _Child) -> int:
    """Pass signals on until the command has ended; return its exit code."""
    while True:
        came = signal.sigwaitinfo(_WAITED_FOR)
        if came.si_signo == signal.SIGCHLD:
            for status in _changes(child.process):
                if not os.WIFSTOPPED(status):
                    return _code(status)
                _stop(child, os.WSTOPSIG(status))
        elif came.si_signo == signal.SIGWINCH:
            _resize(child)
        elif came.si_signo == signal.SIGCONT:
            _take_terminal(child)
            _send(child.command, signal.SIGCONT)
        elif child.has_session or came.si_code <= 0:  # what a terminal sends it sends to our whole group
            _send(child.command, came.si_signo)


def _changes(process: int) -> Iterator[int]:
    """Yield what became of `process`; what a container's first process inherits is reaped."""
    with suppress(ChildProcessError):
        while True:
            changed, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if not changed:
                return
            if changed == process:
                yield status


def _stop(child: _Child, number: int) -> None:
    """Stop as the command did, so that the shell sees it; go on with it when we do."""
    _give_terminal_back(child)
    number = signal.SIGTSTP if child.has_session else number
    while signal.sigtimedwait({signal.SIGTSTP}, 0):
        pass  # of the same key
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
    if child.has_session:
        os.killpg(os.getpgrp(), number)
    else:
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
    _take_terminal(child)
    _send(child.process, signal.SIGCONT)


def _resize(child: _Child) -> None:
    if child.streams.terminal is None:
        return
    with suppress(OSError, termios.error):
        source, shown_at = next(pair for pair in child.streams.outputs if pair[0] == child.streams.terminal[0])
        termios.tcsetwinsize(source, termios.tcgetwinsize(shown_at))
    if not child.has_session:
        _send(child.command, signal.SIGWINCH)  # the first one came before the new size


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)
