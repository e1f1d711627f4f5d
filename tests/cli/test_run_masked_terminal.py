"""`secretguard run --mask` at a terminal: the command has one too, and keys, size, stops and end pass on."""

import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--mask works on Linux only")

VALUE = "tr0ub4dor-and-3"
REF = "ref+local://app#/PASSWORD"
PATIENCE = 120
"""Seconds; whoever waits for longer waits for nothing, even on a machine that has other things to do."""
OURS = [sys.executable, "-m", "secretguard", "run", "--mask", "--"]


class Terminal:
    """A terminal with a process in it, which is the first of its session."""

    def __init__(self, line: list[str], environment: dict[str, str], folder: Path, **streams: int) -> None:
        self.ours, theirs = os.openpty()
        termios.tcsetwinsize(self.ours, (30, 100))
        self.shown = ""

        def enter() -> None:
            os.login_tty(os.dup(theirs))
            for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
                if name in streams:
                    os.dup2(streams[name], number)

        self.process = subprocess.Popen(line, env=environment, cwd=folder, preexec_fn=enter)  # noqa: PLW1509 - no thread is about
        self.settings = termios.tcgetattr(theirs)
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def wait_for(self, text: str, after: int = 0) -> int:
        """Read until `text` is shown; return where it ends."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown[after:]:
            assert time.monotonic() < deadline, (text, self.shown)
            assert self._read(), (text, self.shown)
        return self.shown.index(text, after) + len(text)

    def end(self) -> int:
        """Read all and return the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.shown
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        if not select.select([self.ours], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.ours, 4096)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


Open = Callable[..., Terminal]


@pytest.fixture
def stored(run: Run) -> str:
    done = run("store", "put", REF, input=VALUE)
    assert done.returncode == 0, done.stderr
    return VALUE


@pytest.fixture
def terminal(environment: dict[str, str], stored: str, tmp_path: Path) -> Iterator[Open]:
    opened: list[Terminal] = []

    def start(*words: str, by: list[str] | None = None, **streams: int) -> Terminal:
        line = [*(OURS if by is None else by), *words]
        opened.append(Terminal(line, environment | {"PASSWORD": REF, "TERM": "xterm"}, tmp_path, **streams))
        return opened[-1]

    yield start
    for one in opened:
        one.process.kill()
        one.process.wait(PATIENCE)
        os.close(one.ours)


def test_the_command_has_a_terminal_of_the_same_size_and_its_output_is_masked(terminal: Open) -> None:
    program = "import os, sys; print([os.isatty(n) for n in range(3)], os.get_terminal_size(), os.environ['PASSWORD']); print(os.environ['PASSWORD'], file=sys.stderr)"
    one = terminal(sys.executable, "-c", program)
    assert one.end() == 0
    assert one.shown == "[True, True, True] os.terminal_size(columns=100, lines=30) ****\r\n****\r\n"


def test_the_two_streams_of_a_terminal_keep_their_order(terminal: Open) -> None:
    one = terminal("sh", "-c", "for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done")
    assert one.end() == 0
    assert one.shown == "".join(f"out {n}\r\nerr {n}\r\n" for n in range(1, 6))


def test_what_is_typed_reaches_the_command_and_is_shown_masked(terminal: Open) -> None:
    one = terminal("sh", "-c", 'printf "name? "; read name; echo "hello $name"; exit 5')
    one.wait_for("name? ")
    one.type(f"Ada {VALUE}\r")
    assert one.end() == 5
    assert one.shown.endswith("hello Ada ****\r\n")
    assert VALUE not in one.shown


def test_a_single_key_that_begins_the_value_is_shown_before_the_next(terminal: Open) -> None:
    one = terminal("sh", "-c", "echo ready; exec cat")
    one.wait_for("ready")
    one.type("t")
    one.wait_for("ready\r\nt")
    one.type("\r\x04")
    assert one.end() == 0


@pytest.mark.parametrize("program", ["python", "node"])
def test_an_interactive_interpreter_works(terminal: Open, program: str) -> None:
    line = {"python": (sys.executable, "-q"), "node": ("node",)}[program]
    if not shutil.which(line[0]):
        pytest.skip(f"{program} is not installed")
    one = terminal(*line)
    after = one.wait_for("> ")
    one.type(
        {"python": "import os; os.environ['PASSWORD'] * 2\r", "node": "process.env.PASSWORD + process.env.PASSWORD\r"}[
            program
        ]
    )
    after = one.wait_for("'********'", after)
    one.wait_for("> ", after)  # before its prompt it reads whole lines, and takes the end of one for nothing
    one.type("\x04")
    assert one.end() == 0
    assert VALUE not in one.shown


INTERRUPTED = "import time, sys\ntry: print('ready', flush=True); time.sleep(600)\nexcept KeyboardInterrupt: print('one interrupt'); time.sleep(0.5); sys.exit(9)"


def test_ctrl_c_is_one_interrupt_for_the_command(terminal: Open) -> None:
    one = terminal(sys.executable, "-c", INTERRUPTED)
    one.wait_for("ready")
    one.type("\x03")
    assert one.end() == 9
    assert "one interrupt" in one.shown
    plain = terminal("sh", "-c", "echo ready; exec sleep 600")
    plain.wait_for("ready")
    plain.type("\x03")
    assert plain.end() == 128 + signal.SIGINT


@pytest.mark.parametrize("streams", ["all", "output"])
def test_a_change_of_size_reaches_the_command(terminal: Open, streams: str) -> None:
    program = "import os, signal, time\nsignal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'%r' % (os.get_terminal_size(1),)))\nos.write(1, b'ready')\nwhile True: time.sleep(0.1)"
    with Path(os.devnull).open() as nothing:
        one = terminal(sys.executable, "-c", program, **({} if streams == "all" else {"stdin": nothing.fileno()}))
        one.wait_for("ready")
        termios.tcsetwinsize(one.ours, (50, 200))
        one.wait_for("os.terminal_size(columns=200, lines=50)")


def test_the_terminal_is_set_back_in_the_end(terminal: Open) -> None:
    one = terminal("echo", "hi", by=["sh", "-c", f'{shlex.join(OURS)} "$@"; stty -a', "sh"])
    assert one.end() == 0
    for setting in (" icanon", " echo ", " isig", " opost", " icrnl"):
        assert setting in one.shown.replace("\r\n", " "), one.shown
    assert "-icanon" not in one.shown


@pytest.mark.parametrize("streams", ["all", "output"])
def test_ctrl_z_stops_the_command_in_a_shell_and_fg_goes_on_with_it(terminal: Open, streams: str) -> None:
    program = "import time\nfor n in range(4000): print(f'tick{n}.', flush=True); time.sleep(0.1)"
    one = terminal(by=["bash", "--norc", "--noprofile", "--noediting", "-i"])
    one.wait_for("bash")
    one.type("PS1='prompt> '\r")
    end = one.wait_for("\nprompt> ")
    one.type(
        shlex.join([*OURS, sys.executable, "-c", program]).replace("\n", "\n")
        + (" < /dev/null\r" if streams == "output" else "\r")
    )
    end = one.wait_for("tick2.", end)
    one.type("\x1a")
    end = one.wait_for("Stopped", end)
    end = one.wait_for("prompt> ", end)
    ticks = one.shown.count("tick")
    time.sleep(0.6)
    one._read()
    assert one.shown.count("tick") <= ticks + 1
    one.type("fg\r")
    end = one.wait_for("tick", end + 4)
    one.wait_for("tick", end + 8)
    one.type("\x03")
    end = one.wait_for("prompt> ", end)
    one.type("echo code $?; exit\r")
    one.wait_for("code 130", end)


def test_a_shell_inside_has_job_control(terminal: Open, tmp_path: Path) -> None:
    (tmp_path / "program").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGCONT, lambda *_: os.write(1, b'again'))\n"
        "os.write(1, b'running')\n"
        "while True: time.sleep(0.1)\n"
    )
    one = terminal("bash", "--norc", "--noprofile", "--noediting", "-i")
    one.wait_for("bash")
    one.type("PS1='prompt> '\r")
    end = one.wait_for("\nprompt> ")
    one.type(f"{sys.executable} program\r")
    end = one.wait_for("running", end)
    one.type("\x1a")
    end = one.wait_for("prompt> ", one.wait_for("Stopped", end))
    one.type("fg\r")
    end = one.wait_for("again", end)
    one.type("\x03")
    one.wait_for("prompt> ", end)
    one.type("echo $PASSWORD; exit 3\r")
    assert one.end() == 3
    assert "\n****\r\n" in one.shown
    assert "no job control" not in one.shown


def test_an_output_that_is_a_terminal_stays_one_where_input_is_a_file(terminal: Open) -> None:
    program = "import os, sys; print([os.isatty(n) for n in range(3)], sys.stdin.read(), os.environ['PASSWORD'])"
    with Path(os.devnull).open() as nothing:
        one = terminal(sys.executable, "-c", program, stdin=nothing.fileno())
        assert one.end() == 0
    assert one.shown == "[False, True, True]  ****\r\n"


def test_errors_stay_apart_where_they_go_elsewhere(terminal: Open) -> None:
    source, target = os.pipe()
    one = terminal("sh", "-c", "echo $PASSWORD; echo $PASSWORD >&2; test -t 1 && ! test -t 2", stderr=target)
    os.close(target)
    assert one.end() == 0
    with os.fdopen(source) as errors:
        assert (one.shown, errors.read()) == ("****\r\n", "****\n")


def wait_for_end(process: int) -> None:
    """Wait until it is gone, or dead and not yet waited for."""
    deadline = time.monotonic() + PATIENCE
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_command_does_not_outlive_us(terminal: Open, number: int) -> None:
    one = terminal("sh", "-c", "echo $$.; exec sleep 600")
    one.wait_for(".")
    command = int(one.shown.strip().strip("."))
    one.process.send_signal(number)
    assert one.process.wait(PATIENCE) in (128 + number, -number)
    wait_for_end(command)


def test_the_command_ends_with_its_terminal(terminal: Open, environment: dict[str, str]) -> None:
    one = terminal("sh", "-c", "echo $$.; exec sleep 600")
    one.wait_for(".")
    command = int(one.shown.strip().strip("."))
    kept, one.ours = one.ours, os.open(os.devnull, os.O_RDONLY)
    os.close(kept)
    assert one.process.wait(PATIENCE) in (128 + signal.SIGHUP, 3)
    wait_for_end(command)


def test_in_the_background_it_runs_and_leaves_the_keyboard_to_the_shell(terminal: Open, tmp_path: Path) -> None:
    one = terminal(by=["bash", "--norc", "--noprofile", "--noediting", "-i"])
    one.wait_for("bash")
    one.type("PS1='prompt> '\r")
    one.wait_for("\nprompt> ")
    one.type(
        shlex.join([*OURS, "sh", "-c", "until test -e go; do sleep 0.1; done; echo in $PASSWORD; exit 7"]) + " &\r"
    )
    one.type("echo mine\r")
    end = one.wait_for("mine", one.wait_for("echo mine"))
    (tmp_path / "go").touch()
    end = one.wait_for("in ****", end)
    one.type("wait %1; echo code $?; exit\r")
    one.wait_for("code 7", end)
