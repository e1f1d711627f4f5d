"""`secretguard run --mask`: the values stay out of what the command prints, and it notices nothing else of us."""

import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--mask works on Linux only")

VALUE = "tr0ub4dor&3/xyz"
REF = "ref+local://app#/PASSWORD"
OURS = [sys.executable, "-m", "secretguard", "run", "--mask", "--"]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def stored(run: Run) -> str:
    done = run("store", "put", REF, input=VALUE)
    assert done.returncode == 0, done.stderr
    return VALUE


@pytest.fixture
def start(environment: dict[str, str], stored: str, tmp_path: Path) -> Iterator[Start]:
    """Start a masked command with pipes."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **options: object) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "cwd": tmp_path, "bufsize": 0} | options
        process = subprocess.Popen([*OURS, *words], env=environment | {"PASSWORD": REF}, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield start
    for process in started:
        process.kill()
        process.communicate()


PROGRAMS = {
    "sh": ("sh", "-c", 'echo "before $PASSWORD after"; echo "$PASSWORD" >&2'),
    "python": (sys.executable, "-c", "import os, sys; p = os.environ['PASSWORD']; print('before', p, 'after'); print(p, file=sys.stderr)"),
    "node": ("node", "-e", "const p = process.env.PASSWORD; console.log('before', p, 'after'); console.error(p)"),
    "bash": ("bash", "-c", 'printf "before %s after\\n" "$PASSWORD"; cat >&2 <<< "$PASSWORD"'),
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_value_that_a_program_prints_is_masked_on_both_streams(run: Run, stored: str, program: str) -> None:
    if not shutil.which(PROGRAMS[program][0]):
        pytest.skip(f"{program} is not installed")
    done = run("run", "--mask", "--", *PROGRAMS[program], environ={"PASSWORD": REF})
    assert (done.returncode, done.stdout, done.stderr) == (0, "before **** after\n", "****\n")


ENCODERS = {
    "base64": 'printf %s "$PASSWORD" | base64',
    "basic auth": 'printf "admin:%s" "$PASSWORD" | base64',
    "json": "node -p 'JSON.stringify({password: process.env.PASSWORD})'",
    "url": "node -p 'encodeURIComponent(process.env.PASSWORD)'",
    "query": "node -p 'new URLSearchParams({password: process.env.PASSWORD}).toString()'",
    "hex": 'printf %s "$PASSWORD" | od -An -tx1 | tr -d " \\n"',
    "trace": "bash -xc 'echo \"$PASSWORD\"'",
    "environment": "bash -c 'export -p' | grep PASSWORD",
}


@pytest.mark.parametrize("how", ENCODERS)
def test_so_is_what_programs_make_of_it(run: Run, stored: str, how: str) -> None:
    if "node" in ENCODERS[how] and not shutil.which("node"):
        pytest.skip("node is not installed")
    done = run("run", "--mask", "--", "sh", "-c", ENCODERS[how], environ={"PASSWORD": REF})
    shown = done.stdout + done.stderr
    assert "****" in shown
    spelled = (stored, base64.b64encode(stored.encode()).decode()[2:-6], stored.encode().hex(), "tr0ub4dor%26")
    assert [one for one in spelled if one in shown] == []


def test_without_the_option_nothing_is_masked_and_no_process_is_between(
    start: Start, environment: dict[str, str], stored: str
) -> None:
    line = [word for word in OURS if word != "--mask"]
    done = subprocess.Popen(
        [*line, "sh", "-c", "echo $$ $PASSWORD"], env=environment | {"PASSWORD": REF}, stdout=subprocess.PIPE
    )
    assert done.communicate()[0].decode() == f"{done.pid} {stored}\n"


@pytest.mark.parametrize("code", [0, 1, 3, 70, 255])
def test_the_exit_code_is_the_commands(run: Run, code: int) -> None:
    assert run("run", "--mask", "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGABRT])
def test_a_command_that_a_signal_ends_is_told_as_shells_tell_it(run: Run, number: int) -> None:
    done = run("run", "--mask", "--", sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})")
    assert done.returncode == 128 + number


def test_bytes_are_bytes_and_input_is_the_commands(start: Start) -> None:
    every = bytes(range(256)) * 300
    out, err = start("sh", "-c", "cat; printf '\\377\\000' >&2").communicate(every)
    assert (out, err) == (every, b"\xff\0")


def test_what_is_printed_is_out_at_once_but_for_the_beginning_of_a_value(start: Start) -> None:
    process = start("sh", "-c", 'printf "Password: "; read x; printf "so tr0ub"; read x; printf "le\\n"; read x')
    assert process.stdout is not None
    assert process.stdin is not None
    assert os.read(process.stdout.fileno(), 100) == b"Password: "
    process.stdin.write(b"\n")
    assert os.read(process.stdout.fileno(), 100) == b"so "
    process.stdin.write(b"\n")
    assert os.read(process.stdout.fileno(), 100) == b"tr0uble\n"


def test_a_value_in_many_small_writes_is_masked(run: Run, stored: str) -> None:
    program = "import os, time\nfor char in os.environ['PASSWORD']: os.write(1, char.encode()); time.sleep(0.01)"
    done = run("run", "--mask", "--", sys.executable, "-c", program, environ={"PASSWORD": REF})
    assert done.stdout == "****"


def test_the_beginning_of_a_value_at_the_end_comes_out_at_the_end(run: Run, stored: str) -> None:
    done = run("run", "--mask", "--", "printf", "%s", "x tr0ub4", environ={"PASSWORD": REF})
    assert done.stdout == "x tr0ub4"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("ref+local://app#/NOTHING", 3, "error: MY_VARIABLE: ref+local://app has no field NOTHING"),
        ("ref+exec://touch/started", 2, "error: MY_VARIABLE: ref+exec runs a command, and is refused"),
        ("ref+env://NOT_SET", 3, "error: MY_VARIABLE: the environment variable NOT_SET is not set"),
    ],
)
def test_what_does_not_resolve_starts_nothing(
    run: Run, stored: str, tmp_path: Path, text: str, code: int, told: str
) -> None:
    done = run("run", "--mask", "--", "touch", "started", environ={"MY_VARIABLE": text, "PASSWORD": REF})
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(told)
    assert stored not in done.stderr
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("no-such-command", "there is no command no-such-command"),
        ("./plain", "./plain cannot be run: Permission denied"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_as_without_the_option(
    run: Run, stored: str, tmp_path: Path, word: str, told: str
) -> None:
    (tmp_path / "plain").write_text("")
    with_it = run("run", "--mask", "--", word, environ={"PASSWORD": REF})
    without = run("run", "--", word, environ={"PASSWORD": REF})
    assert (with_it.returncode, with_it.stdout, with_it.stderr) == (2, "", without.stderr)
    assert with_it.stderr.startswith(f"error: {told}")


def test_a_value_that_is_too_short_to_be_masked_is_told(run: Run) -> None:
    run("store", "put", "ref+local://app#/PIN", input="123")
    done = run("run", "--mask", "--", "sh", "-c", "echo $PIN 0123", environ={"PIN": "ref+local://app#/PIN"})
    assert (done.stdout, done.stderr) == ("123 0123\n", "note: PIN is shorter than 4 bytes, and not masked\n")
    assert run("run", "-q", "--mask", "--", "true", environ={"PIN": "ref+local://app#/PIN"}).stderr == ""


HANDLERS = """
import os, signal, sys, time
def told(number, frame):
    os.write(1, f"{signal.Signals(number).name}\\n".encode())
    if number != signal.SIGUSR1 and number != signal.SIGHUP:
        sys.exit(9)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"):
    signal.signal(getattr(signal, name), told)
os.write(1, b"ready\\n")
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_to_us_is_one_signal_to_the_command(start: Start, number: signal.Signals) -> None:
    process = start(sys.executable, "-c", HANDLERS)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    for kept in (signal.SIGUSR1, signal.SIGHUP):
        process.send_signal(kept)
        assert process.stdout.readline() == f"{kept.name}\n".encode()
    process.send_signal(number)
    assert process.stdout.read() == f"{number.name}\n".encode()
    assert process.wait(60) == 9


def test_a_command_that_handles_no_signal_dies_of_it(start: Start) -> None:
    process = start("sh", "-c", "echo ready; exec sleep 600")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM


def state_of(process: int) -> str:
    """One letter: R, S, T (stopped), Z (dead and not yet waited for); empty if it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def wait_for(process: int, states: str) -> None:
    deadline = time.monotonic() + 60
    while state_of(process) not in states.split(","):
        assert time.monotonic() < deadline, (states, state_of(process))
        time.sleep(0.01)


def test_a_stop_and_its_end_pass_on_and_we_stop_too(start: Start) -> None:
    # A group of its own, with its parent outside: nobody could wake one that is orphaned, and POSIX forbids its stop.
    process = start("sh", "-c", "echo $$; exec sleep 600", process_group=0)
    assert process.stdout is not None
    command = int(process.stdout.readline())
    process.send_signal(signal.SIGTSTP)
    wait_for(command, "T")
    wait_for(process.pid, "T")
    process.send_signal(signal.SIGCONT)
    wait_for(command, "S")
    wait_for(process.pid, "S")
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM


def test_nothing_is_left_when_we_are_killed(start: Start) -> None:
    process = start("sh", "-c", "echo $$; exec sleep 600")
    assert process.stdout is not None
    command = int(process.stdout.readline())
    process.kill()
    process.wait(60)
    wait_for(command, ",Z")


def test_no_dead_process_stays(start: Start) -> None:
    process = start("sh", "-c", "echo done")
    assert process.communicate(timeout=60)[0] == b"done\n"
    children = subprocess.run(
        ["ps", "-o", "stat=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    )
    assert children.stdout == ""


def test_a_reader_that_goes_away_ends_the_command(environment: dict[str, str]) -> None:
    line = f"{sys.executable} -m secretguard run --mask -- yes | head -1; echo done"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("y\ndone\n", "")


def test_a_full_disk_is_told(run: Run) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("run", "--mask", "--", "sh", "-c", "echo text", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr.startswith("error: the output cannot be written: No space left on device")


def test_what_goes_on_in_the_background_does_not_keep_us(start: Start) -> None:
    before = time.monotonic()
    process = start("sh", "-c", "sleep 300 & echo hi; exit 4")
    assert process.communicate(timeout=120)[0] == b"hi\n"
    assert process.returncode == 4
    assert time.monotonic() - before < 120


def test_descriptors_that_the_caller_hands_down_reach_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "handed").write_text("down\n")
    line = f"exec 5<{tmp_path}/handed; {sys.executable} -m secretguard run --mask -- sh -c 'cat <&5; ls /proc/self/fd | wc -w'"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "down\n5\n"  # 0, 1, 2, 5, and the folder that ls looks at


def test_closed_standard_streams_are_no_trouble(environment: dict[str, str]) -> None:
    line = f"{sys.executable} -m secretguard run --mask -- sh -c 'echo out; echo err >&2; exit 6' <&- 2>&-"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (6, "out\n")


MEASURED = """
import os, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
lines = done.stdout.count(b"\\n")
print(len(done.stdout), lines, done.stdout.count(b"****"), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def test_a_hundred_megabytes_pass_in_little_memory(
    run: Run, stored: str, environment: dict[str, str], tmp_path: Path
) -> None:
    program = "import os, sys\nline = b'x' * 84 + b' ' + os.environb[b'PASSWORD'] + b'\\n'\nfor _ in range(10_000): sys.stdout.buffer.write(line * 100)"
    line = [sys.executable, "-c", MEASURED, *OURS, sys.executable, "-c", program]
    done = subprocess.run(
        line, env=environment | {"PASSWORD": REF}, capture_output=True, text=True, timeout=300, check=True
    )
    size, lines, masks, seconds, kilobytes = map(float, done.stdout.split())
    assert (lines, masks) == (1_000_000, 1_000_000)
    assert size == 90 * 1_000_000
    assert seconds < 60, "of processor time; it takes a few"
    assert kilobytes < 100_000
