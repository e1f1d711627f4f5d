"""Work shared out over processes: tasks go out one at a time, so that no core idles while another has a queue.

The children are forked, so that they have the rules, the maps of the packs and the tables of the parent without a copy.
They send results only; where a platform cannot fork safely, or for one job, the work is done in this process.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar, cast

from secretguard.errors import SecretguardError

T = TypeVar("T")
R = TypeVar("R")

MOST = 64


class WorkerError(SecretguardError):
    """A worker process ended before its work did."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(work: Callable[[T], R], tasks: Sequence[T], jobs: int = 0) -> Iterator[R]:
    """Yield `work(task)` for each task as it is done, in any order; 0 jobs are as many as there are processors.

    The work begins at once, though each child goes on to a third task only when its first result is taken. Tasks should
    come in descending order of cost. Raises WorkerError, or what `work` raises. Leaving the iteration early, by Ctrl-C
    say, ends all children at once: close it where the loop may be left otherwise.
    """
    results = _begun(work, tasks, min(jobs or processors(), len(tasks), MOST))
    next(results)
    return cast("Iterator[R]", results)


def _begun(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[R | None]:
    """Yield None as soon as the work has begun, then its results."""
    children: dict[Connection, BaseProcess] = {}
    numbers = iter(range(len(tasks)))
    try:
        if jobs > 1 and sys.platform.startswith(("linux", "freebsd")):
            _start(work, tasks, jobs, children)
        for ours in [*children, *children]:  # two to a child, so that none waits for us
            _hand_out(ours, numbers)
        yield None
        yield from _results(children, numbers, len(tasks)) if children else map(work, tasks)
    finally:
        for child in children.values():
            child.kill()
        for ours, child in children.items():
            child.join()
            ours.close()


def _start(work: Callable[[T], R], tasks: Sequence[T], jobs: int, children: dict[Connection, BaseProcess]) -> None:
    """Start `jobs` children, or as many as the system allows."""
    context = get_context("fork")
    # Ctrl-C waits until each child is known to the caller, who ends it, and deaf to Ctrl-C itself.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            child = context.Process(target=_serve, args=(work, tasks, theirs, [ours, *children]), daemon=True)
            child.start()
            theirs.close()
            children[ours] = child
    except OSError:
        pass  # no more processes or descriptors for us
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)


def _results(children: dict[Connection, BaseProcess], numbers: Iterator[int], tasks: int) -> Iterator[R]:
    """Yield what comes back, and hand out the other numbers of the tasks."""
    done = 0
    while done < tasks:
        for ready in connection.wait([*children]):
            ours = cast("Connection[int, tuple[WorkerError | None, R]]", ready)
            try:
                failure, result = ours.recv()
            except (EOFError, OSError):
                children[ours].join()
                raise _ended(children[ours].exitcode) from None
            _hand_out(ours, numbers)
            if failure is not None:
                raise failure
            done += 1
            yield result


def _hand_out(ours: Connection, numbers: Iterator[int]) -> None:
    for number in islice(numbers, 1):
        with suppress(BrokenPipeError, ConnectionResetError):  # it has ended, which shows when it should answer
            ours.send(number)


def _serve(work: Callable[[T], R], tasks: Sequence[T], ours: Connection, others: Sequence[Connection]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()  # so that each child notices when the parent is gone
    try:
        while True:
            number = ours.recv()
            try:
                answer: tuple[BaseException | None, R | None] = (None, work(tasks[number]))
            except SecretguardError as error:
                answer = (error, None)
            except Exception as error:  # what it says may hold anything; its kind and place do not
                answer = (_named(error), None)
            ours.send(answer)
    except (EOFError, OSError):
        pass  # the parent needs nothing more
    finally:
        os._exit(0)  # no handler or buffer of the parent is ours to run or flush


def _named(error: Exception) -> WorkerError:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace else ""
    return WorkerError(f"a worker process failed: {type(error).__name__}{where}", hint="Try again with --jobs 1.")


def _ended(code: int | None) -> WorkerError:
    why = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    hint = "The machine may be short of memory: --jobs 1 needs least."
    return WorkerError(f"a worker process ended unexpectedly ({why})", hint=hint)
