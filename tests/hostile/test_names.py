"""Names that a repository chooses reach neither a terminal nor git's command line as anything but names."""

import os
import pty
import random
import re
import sys
from pathlib import Path

import pytest

from secretguard.testing import RepositoryBuilder, text
from secretguard.testing.keys import llm_keys
from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine

RED, TITLE, BIDI, BELL, C1 = "\x1b[31mred", "\x1b]0;owned\x07", "\u202egnp", "\x07ding", "\x9b31mred"
OWN_COLOURS = re.compile(
    r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AKG]|\x1b\[2K|\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)"
)


@pytest.fixture
def named(tmp_path: Path) -> RepositoryBuilder:
    """A key behind every kind of name: files, directories, authors, messages, refs, a tag's message, a remote."""
    keys = llm_keys(random.Random(5))

    def line() -> object:
        key = next(keys)
        return text(f"{key.variable}={key.secret}\n", key)

    builder = RepositoryBuilder(tmp_path / "named")
    builder.write(f"{RED}.env", line()).write(f"{TITLE}/settings.env", line()).write(f"{BIDI}.env", line())
    builder.write("new\nline.env", line()).write("carriage\rreturn.env", line()).write(f"{C1}.env", line())
    builder.write("not-utf8-\udce9.env", line()).write("tab\tand space.env", line())
    builder.commit(text(f"{RED} {TITLE} {BIDI}"), author=f"Eve {TITLE}{RED} <eve@build.invalid>")
    key = next(keys)
    builder.write("clean", "").commit(text(f"{TITLE} {key.secret} {BELL}", key), author=f"{BIDI} <eve@build.invalid>")
    builder.branch(f"b-{BIDI}").write("side.env", line()).commit("Side")
    key = next(keys)
    builder.tag(f"t-{BIDI}", text(f"{RED}\n{key.secret}", key)).tag_blob(f"blob-{BIDI}", line())
    builder.note(line(), builder.head)
    return builder


def bad(output: str) -> list[str]:
    """The characters in `output` that a terminal would act on, or that would turn the text around."""
    return sorted({char for char in output if char not in "\n\t" and (not char.isprintable() or char == "\u202e")})


@pytest.mark.parametrize("words", [(), ("-v", "-v")])
def test_text_in_a_pipe_is_plain(named: RepositoryBuilder, command_line: CommandLine, words: tuple[str, ...]) -> None:
    for form in ("text", "json", "jsonl", "sarif"):
        done = command_line.run(*words, "scan", "--history", "--format", form, cwd=named.path)
        assert done.returncode == 1, done.stderr
        assert bad(done.stdout) == [], form
        assert bad(done.stderr) == [], form
    assert len(command_line.scan("--history", cwd=named.path)["credentials"]) == len(named.manifest().credentials)


def test_every_place_behind_a_strange_name_is_listed(named: RepositoryBuilder, command_line: CommandLine) -> None:
    report = command_line.scan("--history", cwd=named.path, code=1)
    assert report["problems"] == []
    expected = sum(len(one.places) for one in named.manifest().credentials)
    assert sum(len(one["occurrences"]) for one in report["credentials"]) == expected


def test_a_terminal_sees_no_sequence_but_our_own(named: RepositoryBuilder, command_line: CommandLine) -> None:
    for words in (("scan", "--history"), ("-v", "-v", "scan", "--history")):
        output = in_a_terminal([sys.executable, "-m", "secretguard", *words], named.path, command_line)
        assert "credentials found" in output
        assert bad(OWN_COLOURS.sub("", output).replace("\r\n", "\n").replace("\r", "")) == []
        assert "\x1b[31mred" not in output


def test_messages_about_names_are_escaped(command_line: CommandLine, tmp_path: Path) -> None:
    for words in (
        ("scan", f"missing-{TITLE}"),
        ("scan", "--since", f"v{RED}"),
        ("scan", "--format", f"x{TITLE}"),
        ("scan", "--rules", f"{RED}.yaml"),
        ("scan", "--baseline", f"{TITLE}.json"),
        (f"scam{RED}",),
    ):
        done = command_line.run(*words, cwd=tmp_path)
        assert done.returncode in (2, 3), (words, done)
        assert done.stderr
        assert bad(done.stderr) == [], words


def test_a_name_that_cannot_be_read_is_escaped_in_the_problem(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    os.mkfifo(tmp_path / "plain" / f"{TITLE}.fifo")
    done = command_line.run("-v", "scan", "plain", cwd=tmp_path)
    assert ".fifo" in done.stdout + done.stderr
    assert bad(done.stdout + done.stderr) == []


@pytest.mark.parametrize("name", ["--help", "--output=pwned", "-rf", "--upload-pack=touch pwned", "-", "@", ":(top)x"])
def test_a_file_may_be_called_like_an_option(hostile: Hostile, command_line: CommandLine, name: str) -> None:
    hostile.builder.write(name, (hostile.path / "app/settings.env").read_text() + "# again\n").commit("Dash")
    for words in (("--history",), ()):
        report = command_line.scan(*words, cwd=hostile.path, code=1)
        paths = {at["path"] for at in report["credentials"][0]["occurrences"]}
        assert paths == {"app/settings.env", name}
    assert report["problems"] == []
    assert not (hostile.path / "pwned").exists()


@pytest.mark.parametrize("name", ["-oops", "--output=pwned", "--exec=touch", "-", "--all"])
def test_a_ref_may_be_called_like_an_option(hostile: Hostile, command_line: CommandLine, name: str) -> None:
    tip = command_line.git("rev-parse", "HEAD", cwd=hostile.path)
    for kind in ("heads", "tags"):
        place = hostile.path / ".git" / "refs" / kind / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(tip + "\n")
    (hostile.path / ".git" / "HEAD").write_text(f"ref: refs/heads/{name}\n")
    report = command_line.scan("--history", cwd=hostile.path, code=1)
    assert len(report["credentials"]) == 1
    assert not (hostile.path / "pwned").exists()
    for revision in (name, f"{name}..HEAD", f"HEAD..{name}"):
        done = command_line.run("scan", f"--since={revision}", cwd=hostile.path)
        assert done.returncode in (0, 2), (revision, done.stderr)
        assert "Traceback" not in done.stderr
    assert not (hostile.path / "pwned").exists()


@pytest.mark.parametrize(
    "url", ["--upload-pack=touch pwned", "ext::sh -c 'touch pwned'", "ssh://-oProxyCommand=touch/x", "-u"]
)
def test_a_clone_url_is_not_an_option_and_not_a_command(command_line: CommandLine, tmp_path: Path, url: str) -> None:
    done = command_line.run("scan", "--history", "--", url, cwd=tmp_path)
    assert done.returncode in (2, 3)
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def in_a_terminal(line: list[str], cwd: Path, command_line: CommandLine) -> str:
    """Run a program whose output is a terminal, and return all it wrote there."""
    parent, child = pty.openpty()
    environ = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    with command_line.start(line, cwd, environ, stdout=child, stderr=child) as process:
        os.close(child)
        output = bytearray()
        try:
            while chunk := os.read(parent, 65536):
                output += chunk
        except OSError:
            pass  # Linux says EIO when the other end is closed
        assert process.wait(60) == 1
    os.close(parent)
    return output.decode("utf-8", "surrogateescape")
