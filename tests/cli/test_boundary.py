"""Whatever goes wrong ends in one message with a hint and the right exit code, never in a traceback."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretguard.cli import COMMANDS
from tests.cli.conftest import Run
from tests.report.build import assert_hidden, random_value


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["scna"], "no such command: scna", "`scan`"),
        (["zzz"], "no such command: zzz", "scan, show"),
        (["scan", "--histroy"], "no such option: --histroy", "--history"),
        (["scan", "--jobs", "many"], "'--jobs'", "--help"),
        (["scan", "--jobs", "9999"], "'--jobs'", "--help"),
        (["scan", "--history", "--staged"], "--history and --staged exclude each other", "--help"),
        (["scan", "--since", ""], "--since needs a revision", "--help"),
        (["scan", "--fail-on", "hihg"], "`fail_on` is one of low", "`high`"),
        (["scan", "--format", "sarfi"], "unknown format 'sarfi'", "sarif"),
        (["scan", "a", "b"], "unexpected extra argument", "--help"),
        (["show"], "missing argument", "--help"),
        (["show", "sg_12"], "not a credential id", "12 hex"),
        (["hook", "instal"], "no such command", ""),
        (["rules", "show", "postgres-ur"], "no such rule: postgres-ur", "`postgres-uri`"),
        (["plugins", "check", "postgrs"], "no such plugin: postgrs", "`postgres`"),
    ],
)
def test_a_wrong_command_line_is_explained(run: Run, words: list[str], message: str, hint: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    error, _, second = done.stderr.partition("\n")
    assert error.startswith("error: ")
    assert message in error.lower() or message in error
    assert second.startswith("hint: ")
    assert hint in second
    assert "Traceback" not in done.stderr


def test_what_was_typed_in_place_of_an_id_is_not_repeated(run: Run) -> None:
    value = random_value()
    done = run("show", value)
    assert done.returncode == 2
    assert_hidden(done.stdout + done.stderr, value)


def test_version_and_help(run: Run) -> None:
    assert re.fullmatch(r"secretguard \d+\.\d+\.\d+\S*\n", run("--version").stdout)
    overview = run("--help")
    assert overview.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in overview.stdout
        one = run(command, "-h")
        assert one.returncode == 0
        assert "Usage: secretguard" in one.stdout


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    done = run()
    assert "Usage: secretguard" in done.stdout + done.stderr
    assert done.returncode == 2


def test_global_options_stand_before_or_after_the_command(run: Run) -> None:
    for words in (["--no-repo-config", "config"], ["config", "--no-repo-config"]):
        done = run(*words)
        assert done.returncode == 0, done.stderr


def interrupt(environment: dict[str, str], sign: signal.Signals, *words: str) -> tuple[int, str]:
    with subprocess.Popen(
        [sys.executable, "-m", "secretguard", *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(1.5)
        process.send_signal(sign)
        _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_one_line_and_130(environment: dict[str, str], sign: signal.Signals) -> None:
    code, errors = interrupt(environment, sign, "scan", "--stdin")
    assert (code, errors) == (130, "Interrupted: the result is not complete.\n")


@pytest.fixture
def broken_plugin(tmp_path: Path) -> dict[str, str]:
    """A real distribution on the path whose reporter fails with a value in its message and its locals."""
    value = random_value()
    site = tmp_path / "site"
    info = site / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[secretguard.reporters]\nbroken = broken_reporter\n")
    (site / "broken_reporter.py").write_text(
        "import os\n"
        "def write(report, out, *, show_secrets):\n"
        "    value = os.environ['BROKEN_VALUE']\n"
        "    try:\n"
        "        {}[value]\n"
        "    except KeyError as error:\n"
        "        raise ValueError(f'cannot write {value}') from error\n"
    )
    return {"BROKEN_VALUE": value, "SITE": str(site)}


def test_a_bug_ends_in_a_private_log_without_values(
    run: Run, environment: dict[str, str], broken_plugin: dict[str, str], tmp_path: Path
) -> None:
    value = broken_plugin["BROKEN_VALUE"]
    secret_name = tmp_path / f"{value.replace('/', '')}.txt"
    secret_name.touch()
    path = os.pathsep.join([environment["PYTHONPATH"], broken_plugin["SITE"]])
    done = run("scan", secret_name, "--format=broken", environ={"PYTHONPATH": path, "BROKEN_VALUE": value})
    assert done.returncode == 70
    assert_hidden(done.stdout + done.stderr, value)
    first, second = done.stderr.splitlines()
    assert first == "error: this is a bug in secretguard (ValueError)"
    log = Path(re.search(r"The log (\S+) holds no values", second)[1])  # type: ignore[index]
    assert log.is_relative_to(environment["HOME"])
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == log.parents[1].stat().st_mode & 0o777 == 0o700
    text = log.read_text()
    assert_hidden(text, value)
    assert value.replace("/", "") not in text
    assert "`secretguard scan … --format`" in text
    assert "broken_reporter:7 in write" in text
    assert "builtins.KeyError" in text
    assert "builtins.ValueError" in text
    assert str(tmp_path) not in text


def test_a_bug_without_a_place_for_its_log_is_still_told(
    run: Run, environment: dict[str, str], broken_plugin: dict[str, str], tmp_path: Path
) -> None:
    path = os.pathsep.join([environment["PYTHONPATH"], broken_plugin["SITE"]])
    more = {"PYTHONPATH": path, "BROKEN_VALUE": random_value(), "XDG_STATE_HOME": "/proc/nowhere"}
    (tmp_path / "a.txt").touch()
    done = run("scan", "a.txt", "--format", "broken", environ=more)
    assert done.returncode == 70
    assert "The log could not be written." in done.stderr


@pytest.mark.parametrize("words", [["rules", "list"], ["--help"], ["config", "--format", "json"], ["scan", "."]])
def test_a_full_disk_behind_standard_output_is_an_error(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing\n")
    with Path("/dev/full").open("w") as full:
        done = run(*words, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("words", [["rules", "list"], ["scan", "."]])
def test_a_reader_that_goes_away_is_not_worth_a_word(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing\n")
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = run(*words, stdout=gone, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_closed_standard_output_is_an_error(environment: dict[str, str], tmp_path: Path) -> None:
    line = f"exec {sys.executable} -m secretguard rules list >&-"
    done = subprocess.run(
        ["sh", "-c", line], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 3
    assert "standard output is closed" in done.stderr


def test_a_name_with_escape_sequences_is_escaped_in_messages(run: Run) -> None:
    done = run("scan", "no-such-\x1b[2J\u202e-place")
    assert done.returncode in (2, 3)
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


def test_a_broken_configuration_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".secretguard.yaml").write_text("fail-on: low\n")
    done = run("scan", ".")
    assert done.returncode == 2
    assert done.stderr == "error: .secretguard.yaml: unknown key `fail-on`\nhint: Did you mean `fail_on`?\n"
    assert run("scan", ".", "--no-repo-config").returncode == 0
    assert run("scan", ".", environ={"SECRETGUARD_JOBS": "x"}).returncode == 2
