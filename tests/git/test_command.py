"""The one subprocess: what it inherits, how it ends, what it says when it fails."""

import os
import stat
import time
from pathlib import Path

import pytest

from secretguard.errors import GitError, ObjectError
from secretguard.git.command import GitProcess, git, hook_environment
from secretguard.git.complaints import explain, readable
from tests.git.repositories import Workshop

posix = pytest.mark.skipif(os.name != "posix", reason="needs a shell script in place of git")


def put_in_place_of_git(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "git").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


def environment_of_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **options: object) -> dict[str, str]:
    put_in_place_of_git(monkeypatch, tmp_path / "bin", "env")
    lines = git(["status"], directory=tmp_path, **options).decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@posix
def test_git_inherits_nothing_that_could_change_what_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_DIR", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_TRACE",
                 "GIT_EXEC_PATH", "LD_PRELOAD", "PAGER", "EDITOR", "SSH_ASKPASS", "SSH_AUTH_SOCK", "https_proxy",
                 "AWS_SECRET_ACCESS_KEY"):  # fmt: skip
        monkeypatch.setenv(name, "/marker")
    found = environment_of_git(monkeypatch, tmp_path)
    assert "/marker" not in found.values()
    assert found["LC_ALL"] == "C"
    assert found["GIT_TERMINAL_PROMPT"] == "0"
    assert found["GIT_NO_REPLACE_OBJECTS"] == "1"
    assert found["GIT_OPTIONAL_LOCKS"] == "0"
    assert found["GIT_ALLOW_PROTOCOL"] == "none"
    assert found["HOME"] == os.environ["HOME"]


@posix
def test_a_clone_may_use_the_network_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    monkeypatch.setenv("https_proxy", "http://proxy")
    found = environment_of_git(monkeypatch, tmp_path, protocols="https:ssh")
    assert found["SSH_AUTH_SOCK"] == "/agent"
    assert found["https_proxy"] == "http://proxy"
    assert found["GIT_ALLOW_PROTOCOL"] == "https:ssh"


@posix
def test_only_what_git_tells_its_hooks_can_be_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = {"GIT_INDEX_FILE": "/index", "GIT_EXTERNAL_DIFF": "/marker", "GIT_ALLOW_PROTOCOL": "ext"}
    found = environment_of_git(monkeypatch, tmp_path, environment=own)
    assert found["GIT_INDEX_FILE"] == "/index"
    assert "GIT_EXTERNAL_DIFF" not in found
    assert found["GIT_ALLOW_PROTOCOL"] == "none"


def test_the_paths_git_tells_its_hooks_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", ".")
    monkeypatch.setenv("GIT_INDEX_FILE", "next-index")
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", f"objects{os.pathsep}/other")
    monkeypatch.setenv("GIT_PREFIX", "sub/")
    assert hook_environment() == {
        "GIT_DIR": str(tmp_path),
        "GIT_INDEX_FILE": str(tmp_path / "next-index"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{tmp_path / 'objects'}{os.pathsep}/other",
    }


@posix
def test_a_program_named_git_in_the_scanned_directory_is_never_run(
    monkeypatch: pytest.MonkeyPatch, repo: Workshop
) -> None:
    marker = repo.path / "marker"
    repo.write("git", f"#!/bin/sh\ntouch {marker}\n").chmod(0o755)
    monkeypatch.chdir(repo.path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
    assert git(["rev-parse", "--git-dir"], directory=repo.path) == b".git\n"
    assert not marker.exists()


def test_without_git_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="not installed") as raised:
        git(["--version"], directory=tmp_path)
    assert "Install git" in raised.value.hint


def test_a_directory_that_is_gone_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="No such file"):
        git(["--version"], directory=tmp_path / "gone")


@posix
@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, ValueError])
def test_the_child_is_ended_however_reading_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: type[BaseException]
) -> None:
    put_in_place_of_git(monkeypatch, tmp_path / "bin", f"echo $$ > {tmp_path}/pid; echo started; exec sleep 60")
    started = time.monotonic()

    def read() -> None:
        with GitProcess(["x"], directory=tmp_path, feed=iter([b"x" * 10**6])) as process:
            assert process.stdout.readline() == b"started\n"
            raise error

    with pytest.raises(error):
        read()
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@posix
def test_a_child_that_ignores_the_polite_signal_is_ended_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_place_of_git(monkeypatch, tmp_path / "bin", "trap '' TERM; echo started; while :; do sleep 0.1; done")
    with GitProcess(["x"], directory=tmp_path) as process:
        process.stdout.readline()
    assert process.wait() != 0


def test_an_error_in_what_is_fed_reaches_the_reader(tmp_path: Path) -> None:
    def feed() -> object:
        yield b"x\n"
        raise GitError("from the feed")

    with pytest.raises(GitError, match="from the feed"):
        git(["hash-object", "--stdin"], directory=tmp_path, feed=feed())


def test_large_input_and_output_at_once_do_not_block(tmp_path: Path) -> None:
    lines = b"x" * 100 + b"\n"
    output = git(["stripspace"], directory=tmp_path, feed=(lines for _ in range(100_000)))
    assert output.count(b"\n") == 100_000


@pytest.mark.parametrize(
    ("said", "sentence", "hint"),
    [
        ("fatal: not a git repository (or any of the parent directories): .git", "not a git repository", "path"),
        ("fatal: detected dubious ownership in repository at '/x'", "dubious ownership", "safe.directory /x"),
        ("fatal: unsafe repository ('/x' is owned by someone else)", "dubious ownership", "safe.directory /x"),
        ("error: file write error: No space left on device\nfatal: x", "disk is full", "TMPDIR"),
        ("warning: unable to access '.git/config': Permission denied\nfatal: x", "no permission", "owner"),
        ("fatal: unable to access 'https://h/r/': Could not resolve host: h", "resolve host", "URL"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "login", "credential helper"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", "remote", "rights"),
        ("fatal: unknown repository extension found:\n\tsecret", "extension", "newer git"),
        ("fatal: bad config line 1 in file .git/config", "bad config", "configuration"),
        ("fatal: index file corrupt", "index is damaged", "git reset"),
        ("fatal: cannot use bare repository '/x' (safe.bareRepository is 'explicit')", "bare", "GIT_DIR"),
        ("fatal: Out of memory, malloc failed", "memory", "memory"),
        ("fatal: something new", "something new", ""),
        ("", "ended with code 128", ""),
    ],
)  # fmt: skip
def test_what_git_says_becomes_a_sentence_with_a_hint(said: str, sentence: str, hint: str) -> None:
    error = explain(["cat-file", "--batch"], 128, said, "/there")
    assert sentence in str(error)
    assert str(error).startswith("git cat-file")
    assert hint in error.hint


@pytest.mark.parametrize(
    "said", ["fatal: missing blob object 'x'", "fatal: loose object x is corrupt", "error: inflate: x"]
)
def test_trouble_with_one_object_is_told_apart(said: str) -> None:
    assert isinstance(explain(["cat-file"], 128, said, "/x"), ObjectError)


def test_a_killed_git_is_told_by_its_signal() -> None:
    assert "signal 9" in str(explain(["cat-file"], -9, "", "/x"))


def test_what_is_shown_of_git_holds_no_login_and_no_escape_sequence() -> None:
    password = "pass" + "word"
    shown = readable(f"fatal: unable to access 'https://user:{password}@host/x': \x1b[31mred\r\n\u202enext")
    assert password not in shown
    assert "host/x" in shown
    assert shown.isprintable()


@posix
def test_dubious_ownership_is_explained(monkeypatch: pytest.MonkeyPatch, repo: Workshop, tmp_path: Path) -> None:
    real = next(Path(entry) / "git" for entry in os.environ["PATH"].split(os.pathsep) if (Path(entry) / "git").exists())
    assert real.stat().st_mode & stat.S_IXUSR
    put_in_place_of_git(monkeypatch, tmp_path / "bin", f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"')
    with pytest.raises(GitError, match="dubious ownership") as raised:
        repo.open()
    assert f"safe.directory {repo.path}" in raised.value.hint
