"""Work shared out over processes: tasks go out one at a time, so that no core idles while another has a queue.

The children are forked, so that they have the rules, the maps of the packs and the tables of the parent without a copy.
They send results only; where a platform cannot fork safely, or for one job, the work is done in this process.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
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

    Tasks should come in descending order of cost. Raises WorkerError, or what `work` raises. Leaving the iteration early,
    by Ctrl-C say, ends all children at once.
    """
    jobs = min(jobs or processors(), len(tasks), MOST)
    if jobs <= 1 or not sys.platform.startswith(("linux", "freebsd")):
        yield from map(work, tasks)
        return
    context = get_context("fork")
    children: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            child = context.Process(target=_serve, args=(work, tasks, theirs, [ours, *children]), daemon=True)
            child.start()
            theirs.close()
            children[ours] = child
        yield from _results(children, len(tasks))
    finally:
        for child in children.values():
            child.kill()
        for ours, child in children.items():
            child.join()
            ours.close()


def _results(children: dict[Connection, BaseProcess], tasks: int) -> Iterator[R]:
    """Hand out the numbers of the tasks, two to a child so that none waits for us, and yield what comes back."""
    following = 0
    for ours in [*children, *children]:
        if following < tasks:
            ours.send(following)
            following += 1
    done = 0
    while done < tasks:
        for ready in connection.wait([*children]):
            ours = cast("Connection[int, tuple[WorkerError | None, R]]", ready)
            try:
                failure, result = ours.recv()
                if following < tasks:
                    ours.send(following)
                    following += 1
            except (EOFError, ConnectionResetError, BrokenPipeError):
                children[ours].join()
                raise _ended(children[ours].exitcode) from None
            if failure is not None:
                raise failure
            done += 1
            yield result


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
