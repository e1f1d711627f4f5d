"""`secretguard run`: the command in our place, with its secrets."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

VALUE = "tr0ub4dor-and-3"
REF = "ref+local://app#/DATABASE_URL"
SHOW = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")


@pytest.fixture
def stored(run: Run) -> str:
    done = run("store", "put", REF, input=VALUE)
    assert done.returncode == 0, done.stderr
    return VALUE


def test_a_reference_in_the_environment_becomes_its_value(run: Run, stored: str) -> None:
    done = run("run", "--", *SHOW, environ={"DATABASE_URL": REF, "OTHER": "as it is", "TEXT": f"see {REF}"})
    assert (done.returncode, done.stderr) == (0, "")
    given = json.loads(done.stdout)
    assert given["DATABASE_URL"] == stored
    assert (given["OTHER"], given["TEXT"]) == ("as it is", f"see {REF}")


def test_files_are_read_in_order_and_the_environment_goes_before_them(run: Run, stored: str, tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text(f"A=one\nB=one\nC=one # of three\nDATABASE_URL='{REF}'\n")
    (tmp_path / "two.env").write_text("export B='two'\nC=two\n")
    done = run("run", "--env-file", "one.env", "--env-file", "two.env", "--", *SHOW, environ={"C": "mine"})
    assert (done.returncode, done.stderr) == (0, "")
    given = json.loads(done.stdout)
    assert [given[name] for name in "ABC"] == ["one", "two", "mine"]
    assert given["DATABASE_URL"] == stored


def test_an_old_value_in_the_shell_that_hides_a_reference_is_told(run: Run, stored: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={REF}\n")
    done = run("run", "--env-file", ".env", "--", "true", environ={"DATABASE_URL": "the-leaked-one"})
    assert done.returncode == 0
    assert done.stderr == "note: DATABASE_URL is set in your environment, which goes before the env file\n"
    assert run("run", "-q", "--env-file", ".env", "--", "true", environ={"DATABASE_URL": "x"}).stderr == ""


@pytest.mark.parametrize("code", [0, 1, 3, 7, 70, 255])
def test_the_exit_code_is_the_commands(run: Run, code: int) -> None:
    assert run("run", "--", "sh", "-c", f"exit {code}").returncode == code


def test_words_reach_the_command_as_they_are(run: Run) -> None:
    program = "import json, sys; print(json.dumps(sys.argv[1:]))"
    words = ["-q", "--env-file", "x", "--", "$HOME `id`", "", "*", "é"]
    for dashes in (["--"], []):
        done = run("run", *dashes, sys.executable, "-c", program, *words)
        assert json.loads(done.stdout) == words, done.stderr


def test_input_and_output_are_the_commands(run: Run) -> None:
    done = run("run", "--", "sh", "-c", "cat; echo wrong >&2", input="through")
    assert (done.stdout, done.stderr) == ("through", "wrong\n")


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("ref+local://app#/NOTHING", 3, "MY_VARIABLE: ref+local://app has no field NOTHING"),
        ("ref+local://app", 3, "MY_VARIABLE: ref+local://app has fields, and the reference names none"),
        ("ref+local://nothing#/X", 3, "MY_VARIABLE: ref+local://nothing holds nothing"),
        ("ref+env://NOT_SET", 3, "MY_VARIABLE: the environment variable NOT_SET is not set"),
        ("ref+env://DATABASE_URL", 2, "MY_VARIABLE: the environment variable DATABASE_URL holds a reference itself"),
        ("ref+exec://touch/started", 2, "MY_VARIABLE: ref+exec runs a command, and is refused"),
        ("ref+file:///etc/passwd", 2, "MY_VARIABLE: ref+file reads a file, and is refused"),
        ("ref+https://example.com/x", 2, "MY_VARIABLE: ref+https fetches a URL, and is refused"),
        ("ref+awssecrets://x?region=eu-west-1#/y", 2, "MY_VARIABLE: a ref+awssecrets here takes no"),
        ("ref+tr0ub4dor-and-3", 2, "MY_VARIABLE: that is not a reference"),
        ("ref+gcpsecrets://tr0ub4dor-and-3", 2, "MY_VARIABLE: that kind of reference is not known"),
    ],
)
def test_what_does_not_resolve_starts_nothing(
    run: Run, stored: str, tmp_path: Path, text: str, code: int, told: str
) -> None:
    done = run("run", "--", "touch", "started", environ={"MY_VARIABLE": text, "DATABASE_URL": REF})
    assert (done.returncode, done.stdout) == (code, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: {told}")
    assert hint.startswith("hint: ")
    assert stored not in done.stderr
    assert not (tmp_path / "started").exists()
    (tmp_path / ".env").write_text(f"MY_VARIABLE='{text}'\n")
    done = run("run", "--env-file", ".env", "--", "touch", "started", environ={"DATABASE_URL": REF})
    assert (done.returncode, done.stderr.splitlines()) == (code, [error, hint])
    assert not (tmp_path / "started").exists()


def test_a_reference_to_the_environment_is_read_from_the_operators(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=of-the-file\nCOPY=ref+env://TOKEN\nOURS=ref+env://MINE\nMINE=not-this\n")
    done = run("run", "--env-file", ".env", "--", *SHOW, environ={"TOKEN": "of-the-operator", "MINE": VALUE})
    given = json.loads(done.stdout)
    assert (given["COPY"], given["OURS"]) == ("of-the-operator", VALUE)
    (tmp_path / ".env").write_text("TOKEN=of-the-file\nCOPY=ref+env://TOKEN\n")
    assert run("run", "--env-file", ".env", "--", *SHOW).returncode == 3


def test_a_file_does_not_say_where_a_store_is(run: Run, stored: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"XDG_DATA_HOME={tmp_path}/elsewhere\nHOME={tmp_path}\nDATABASE_URL={REF}\n")
    done = run("run", "--env-file", ".env", "--", *SHOW)
    given = json.loads(done.stdout)
    assert given["DATABASE_URL"] == stored
    assert given["XDG_DATA_HOME"] == f"{tmp_path}/elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_of_ours_is_given_to_the_command(run: Run, stored: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRETGUARD_OTHER=x\n")
    environ = {"SECRETGUARD_ID_KEY": "secret", "SECRETGUARD_ADMIN": REF, "secretguard_x": "kept"}
    done = run("run", "--env-file", ".env", "--", *SHOW, environ=environ)
    given = json.loads(done.stdout)
    assert [name for name in given if name.startswith("SECRETGUARD_")] == []
    assert given["secretguard_x"] == "kept"
    assert stored not in done.stdout


def test_nothing_is_written(run: Run, stored: str, tmp_path: Path) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        found = (path for path in tmp_path.rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in found}

    before = files()
    assert run("run", "--", "true", environ={"DATABASE_URL": REF}).returncode == 0
    assert files() == before


def test_the_value_is_on_no_command_line(run: Run, stored: str) -> None:
    show = "for f in /proc/[0-9]*/cmdline; do cat $f 2>/dev/null; echo; done"
    done = run("run", "--", "sh", "-c", show, environ={"DATABASE_URL": REF})
    assert "sh" in done.stdout
    assert stored not in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("no-such-command-here",), "there is no command no-such-command-here"),
        (("./not-executable",), "./not-executable cannot be run: Permission denied"),
        (("a\x1b[2Jb",), "there is no command a\\x1b[2Jb"),
    ],
)
def test_a_command_that_cannot_be_run_is_told(
    run: Run, stored: str, tmp_path: Path, words: tuple[str], told: str
) -> None:
    (tmp_path / "not-executable").write_text("#!/bin/sh\n")
    done = run("run", "--", *words, environ={"DATABASE_URL": REF})
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {told}\nhint: ")
    assert stored not in done.stderr


@pytest.mark.parametrize("words", [("run",), ("run", "--"), ("run", "--env-fil", "x", "true")])
def test_a_line_without_a_command_is_told(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")


def test_env_files_that_cannot_be_read_are_told_without_their_content(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_text(f"A=1\n{VALUE}\n")
    (tmp_path / "latin.env").write_bytes(b"A=\xe9\n")
    for name, told in (
        ("bad.env", "line 2 of bad.env is not NAME=value"),
        ("latin.env", "env file latin.env is not UTF-8"),
        ("none.env", "env file none.env cannot be read: No such file or directory"),
        (".", "env file . cannot be read: Is a directory"),
    ):
        done = run("run", "--env-file", name, "--", "true")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {told}")
        assert VALUE not in done.stderr


def test_an_env_file_may_be_a_pipe(run: Run) -> None:
    done = run("run", "--env-file", "/dev/stdin", "--", *SHOW, input="PIPED=through\n")
    assert json.loads(done.stdout)["PIPED"] == "through"


def test_a_value_that_no_variable_can_hold_is_told(run: Run) -> None:
    run("store", "put", REF, input="a\0b")
    done = run("run", "--", "true", environ={"DATABASE_URL": REF})
    assert done.returncode == 3
    assert "DATABASE_URL: its value holds a character that no environment variable can" in done.stderr


def test_signals_are_as_they_would_be_without_us(run: Run) -> None:
    show = ("sh", "-c", "grep SigIgn /proc/self/status | cut -f2")

    def mask(prefix: str, *words: str) -> str:
        line = ["sh", "-c", f'{prefix} exec "$@"', "sh", *words]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout

    ours = [sys.executable, "-m", "secretguard", "run", "--"]
    for prefix in ("", "trap '' HUP;", "trap '' INT TERM;"):
        assert mask(prefix, *ours, *show) == mask(prefix, *show), prefix


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command_for_it_has_our_process_id(environment: dict[str, str], number: int) -> None:
    line = [sys.executable, "-m", "secretguard", "run", "--", "sh", "-c", "echo $$; exec sleep 60"]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{process.pid}\n"
        process.send_signal(number)
        assert process.wait(20) == -number


def test_a_reader_that_goes_away_ends_the_command(environment: dict[str, str]) -> None:
    line = f"{sys.executable} -m secretguard run -- yes | head -1; echo done"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("y\ndone\n", "")


TRACED = """
import collections, os, sys
opened = collections.Counter()
sys.addaudithook(lambda event, details: opened.update([str(details[0])]) if event == "open" else None)

def instead(event, details):
    if event == "os.exec":
        print(sum(count for path, count in opened.items() if path.endswith(".age")), flush=True)
sys.addaudithook(instead)
from secretguard.cli import main
sys.exit(main(["run", "--", "true"]))
"""


def test_a_document_is_read_once_however_many_fields_are_wanted(run: Run, environment: dict[str, str]) -> None:
    names = [f"FIELD{number}" for number in range(5)]
    for name in names:
        run("store", "put", f"ref+local://app#/{name}", input=name)
    variables = {name: f"ref+local://app#/{name}" for name in names}
    done = subprocess.run(
        [sys.executable, "-c", TRACED], env=environment | variables, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {"1"}  # told again for each folder of PATH


UNWANTED = ("keyring", "yaml", "rich", "requests", "stamina", "pybreaker", "hyperscan", "boto3", "hvac", "secretguard.scan",
            "secretguard.config", "secretguard.plugins", "secretguard.transport", "socket", "secretstorage", "importlib.metadata", "secretguard.rotate", "secretguard.engine")  # fmt: skip
LOADED = """
import os, sys
def instead(event, details):
    if event == "os.exec":
        print(*sorted(sys.modules), flush=True)
sys.addaudithook(instead)
from secretguard.cli import main
sys.exit(main(["run", "--", "true"]))
"""


def test_only_what_the_local_store_needs_is_loaded(run: Run, stored: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=environment | {"X": REF}, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "pyrage" in loaded
    assert [name for name in loaded if name.startswith(UNWANTED)] == []


def test_without_a_reference_no_store_is_loaded(environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], env=environment, capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if name.startswith(("pyrage", "secretguard.stores"))] == []


@pytest.mark.parametrize("options", [(), ("--mask",)])
def test_an_empty_command_is_a_wrong_command_line(run: Run, options: tuple[str, ...]) -> None:
    """As `secretguard run -- "$CMD"` is where CMD is not set."""
    done = run("run", *options, "--", "")
    assert done.returncode == 2
    assert "error: the command is empty" in done.stderr
    assert "Is the variable set that names it?" in done.stderr


@pytest.mark.parametrize("options", [(), ("--mask",)])
def test_a_value_that_no_environment_takes_is_named(run: Run, options: tuple[str, ...]) -> None:
    assert run("store", "put", REF, input=VALUE * 10_000).returncode == 0
    done = run("run", *options, "--", "true", environ={"DATABASE_URL": REF})
    assert done.returncode == 2
    assert "true cannot be run: its environment is too long, most of all DATABASE_URL with 146 KiB" in done.stderr
    assert VALUE not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_user_whom_the_system_does_not_know_needs_no_home(environment: dict[str, str], tmp_path: Path) -> None:
    """As in a container that is started with a number."""
    bare = {name: value for name, value in environment.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    somebody = ("setpriv", "--reuid", "54321", "--clear-groups", sys.executable, "-m", "secretguard")
    given = bare | {"GREETING": "ref+env://WORD", "WORD": "hello"}
    done = subprocess.run(
        [*somebody, "run", "--", "sh", "-c", "echo $GREETING"], env=given, cwd="/", text=True, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
