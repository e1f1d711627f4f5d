"""Work is shared out over processes that end with us, say what went wrong, and give no secret away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from secretguard import workers
from secretguard.errors import GitError
from secretguard.workers import WorkerError, in_parallel, processors

needs_fork = pytest.mark.skipif(not sys.platform.startswith(("linux", "freebsd")), reason="works in one process here")
SOME = range(1, 41)


def doubled(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ends_soon(process: int) -> bool:
    until = time.monotonic() + 5
    while is_running(process) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(process)


@pytest.mark.parametrize("jobs", [0, 1, 2, 3, 100])
def test_every_task_is_done_once(jobs: int) -> None:
    assert sorted(result for result, _ in in_parallel(doubled, SOME, jobs)) == [2 * number for number in SOME]


def test_no_tasks_give_no_results() -> None:
    assert [*in_parallel(doubled, [], 4)] == []


@needs_fork
def test_several_processes_share_it_and_are_gone_afterwards() -> None:
    def slow(number: int) -> int:
        time.sleep(0.005)
        return os.getpid()

    processes = set(in_parallel(slow, SOME, 3))
    assert len(processes) == 3
    assert os.getpid() not in processes
    assert not any(map(is_running, processes))


@needs_fork
def test_one_long_task_leaves_the_others_to_the_others() -> None:
    def uneven(number: int) -> int:
        time.sleep(0.3 if number == 1 else 0.001)
        return os.getpid()

    counts = [*in_parallel(uneven, SOME, 2)]
    assert min(counts.count(process) for process in set(counts)) <= 3  # the long one, and what was handed out with it


def test_one_job_is_done_here() -> None:
    assert {process for _, process in in_parallel(doubled, SOME, 1)} == {os.getpid()}


def test_where_a_process_cannot_be_forked_safely_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert {process for _, process in in_parallel(doubled, SOME, 4)} == {os.getpid()}


@needs_fork
@pytest.mark.parametrize("allowed", [0, 1])
def test_where_the_system_allows_no_more_processes_those_that_are_there_do_it(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    left = [os.fork] * allowed

    def fork() -> int:
        if not left:
            raise BlockingIOError("Resource temporarily unavailable")
        return left.pop()()

    monkeypatch.setattr(os, "fork", fork)
    found = [*in_parallel(doubled, SOME, 4)]
    assert sorted(result for result, _ in found) == [2 * number for number in SOME]
    assert ({process for _, process in found} == {os.getpid()}) is (allowed == 0)


@needs_fork
def test_large_results_come_through() -> None:
    def large(number: int) -> bytes:
        return bytes([number]) * 3_000_000

    assert sorted(len(set(result)) for result in in_parallel(large, range(8), 2)) == [1] * 8


@needs_fork
def test_our_own_error_arrives_as_it_is() -> None:
    def refuse(number: int) -> int:
        if number == 7:
            raise GitError("the object is damaged", hint="Try git fsck.")
        return number

    with pytest.raises(GitError, match="the object is damaged") as caught:
        list(in_parallel(refuse, SOME, 2))
    assert caught.value.hint == "Try git fsck."


@needs_fork
def test_any_other_error_names_its_kind_and_place_and_nothing_it_says(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(number: int) -> int:
        raise ValueError("hunter" + str(1 + number))

    with pytest.raises(WorkerError) as caught:
        list(in_parallel(fail, SOME, 2))
    assert "ValueError in fail, line" in str(caught.value)
    assert caught.value.hint
    assert "hunter" not in repr(caught.value) + "".join(capfd.readouterr())


@needs_fork
@pytest.mark.parametrize(
    "end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(3), lambda: sys.exit(4)]
)
def test_a_process_that_ends_in_its_work_is_told(end: Callable[[], object]) -> None:
    def work(number: int) -> int:
        if number == 5:
            end()
        return number

    with pytest.raises(WorkerError, match="ended unexpectedly") as caught:
        list(in_parallel(work, SOME, 2))
    assert "--jobs 1" in caught.value.hint


@needs_fork
def test_leaving_early_ends_the_others_at_once() -> None:
    def work(number: int) -> int:
        if number > 2:
            time.sleep(30)
        return os.getpid()

    started = time.monotonic()
    with closing(in_parallel(work, SOME, 2)) as results:
        process = next(results)
    assert time.monotonic() - started < 5
    assert ends_soon(process)


PROGRAM = """
import os, signal, time
from secretguard.workers import in_parallel

signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us in the background ignores it

def work(number):
    os.write(1, f"{os.getpid()}\\n".encode())  # in one piece: two of them write to one pipe
    time.sleep(SECONDS)

try:
    list(in_parallel(work, range(8), 2))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.fixture
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own group that has two workers busy, with each task for so many seconds."""
    root = Path(workers.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("SECONDS", str(getattr(request, "param", 30)))],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@needs_fork
@pytest.mark.parametrize("to_all", [True, False], ids=["from a terminal", "to us only"])
def test_ctrl_c_ends_all_of_them(program: "subprocess.Popen[str]", to_all: bool) -> None:
    assert program.stdout
    children = [int(program.stdout.readline()) for _ in range(2)]
    (os.killpg if to_all else os.kill)(program.pid, signal.SIGINT)
    output, errors = program.communicate(timeout=10)
    assert output.strip() == "interrupted"
    assert errors == ""
    assert all(map(ends_soon, children))


@needs_fork
@pytest.mark.parametrize("program", [0.3], indirect=True)
def test_they_end_when_we_are_killed(program: "subprocess.Popen[str]") -> None:
    # As soon as each has done what it is at. The number of one that ended may be somebody else's by now, or a zombie's
    # that nobody buries; but the pipe ends with the last who could write to it.
    assert program.stdout
    busy: set[str] = set()
    while len(busy) < 2:
        busy.add(program.stdout.readline())
    assert "" not in busy
    program.kill()
    program.communicate(timeout=10)


def test_there_is_at_least_one_processor() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
