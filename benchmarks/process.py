"""One measured run of one program: wall time, processor time, memory of the whole process tree."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

INTERVAL = 0.02
"""Seconds between two looks at the memory."""
_ANONYMOUS = frozenset({"Pss_Anon", "Pss_Shmem"})


@dataclass(frozen=True, slots=True)
class Memory:
    """The peaks, in bytes, summed over all processes of a run; a page that several of them share counts once."""

    anonymous: int = 0
    """Private and anonymous memory, and shared memory without a file."""
    file_mapped: int = 0
    """Pages of mapped files, which the kernel may drop at any time: packs, libraries."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took, and what came of it."""

    wall: float
    user: float
    system: float
    exit_code: int
    timed_out: bool = False
    finished: bool = True
    """Whether the exit code is that of a scan that came to its end."""
    findings: int | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    """secretguard's own account of where the time went."""
    memory: Memory | None = None
    """Only in the round that looks at memory, which is not timed."""

    @property
    def cpu(self) -> float:
        """Seconds of processor time, user and system, children included."""
        return self.user + self.system


def measure(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, timeout: float, *, watch_memory: bool
) -> Run:
    """Run `command` to its end, or kill it after `timeout` seconds.

    Watching the memory slows a program down (the kernel walks its pages), so a watched run is not for timing.
    """
    expired = threading.Event()
    with (directory / "stderr").open("wb") as errors, ThreadPoolExecutor(1) as watcher:
        started = perf_counter()
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        over = threading.Event()
        peak = watcher.submit(_peak, child.pid, over) if watch_memory else None
        alarm = threading.Timer(timeout, _expire, (child.pid, expired))
        alarm.start()
        try:
            # wait4 also counts what the program's own children took.
            _, status, usage = os.wait4(child.pid, 0)
            wall = perf_counter() - started
        except BaseException:
            _kill(child.pid)
            child.wait()
            raise
        finally:
            alarm.cancel()
            over.set()
        child.returncode = os.waitstatus_to_exitcode(status)
        return Run(
            wall,
            usage.ru_utime,
            usage.ru_stime,
            child.returncode,
            timed_out=expired.is_set(),
            memory=peak.result() if peak else None,
        )


def _kill(session: int) -> None:
    """End the program and its children; it was started as the head of a session of its own."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return


def _expire(session: int, expired: threading.Event) -> None:
    expired.set()
    _kill(session)


def _peak(session: int, over: threading.Event) -> Memory | None:
    anonymous = file_mapped = 0
    while True:
        now = memory_of(session)
        anonymous, file_mapped = max(anonymous, now.anonymous), max(file_mapped, now.file_mapped)
        if over.wait(INTERVAL):
            return Memory(anonymous, file_mapped) if anonymous else None


def memory_of(session: int) -> Memory:
    """Return the memory of all processes of a session now; zero where the system has no /proc."""
    anonymous = file_mapped = 0
    for process in _members(session):
        try:
            lines = (process / "smaps_rollup").read_text("ascii").splitlines()[1:]
        except OSError:  # it has ended meanwhile
            continue
        for line in lines:
            name, _, amount = line.partition(":")
            if name in _ANONYMOUS:
                anonymous += int(amount.split()[0]) * 1024
            elif name == "Pss_File":
                file_mapped += int(amount.split()[0]) * 1024
    return Memory(anonymous, file_mapped)


def _members(session: int) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; the session is the fourth field after it.
            facts = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(facts[3]) == session:
            yield process
