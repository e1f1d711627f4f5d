"""Run git so that nothing in the repository can run with it: the only subprocess of the product."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self, cast

from secretguard.errors import GitError
from secretguard.git.complaints import explain, readable

HOOK_VARIABLES = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH",
)  # fmt: skip
"""What git tells its hooks; every other GIT_* variable is dropped."""

_PASSED = (
    "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "SUDO_UID", "TMPDIR", "TEMP", "TMP",
    "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
    "APPDATA", "LOCALAPPDATA", "PROGRAMDATA",
)  # fmt: skip
_PASSED_TO_CLONE = (
    "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
_FIXED = {
    "LC_ALL": "C",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # stronger than protocol.*.allow, and known to every git we support
}

# Everything a repository's configuration could make a reading git run or connect to, switched off.
_OVERRIDES = (
    "core.fsmonitor=", "core.untrackedCache=false", f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}", "core.pager=cat", "core.askPass=",
    "core.sshCommand=false", "core.gitProxy=", "core.alternateRefsCommand=false", "credential.helper=",
    "diff.external=", "gpg.program=false", "log.showSignature=false", "protocol.allow=never",
    "submodule.recurse=false", "gc.auto=0", "maintenance.auto=false",
    "core.commitGraph=false",  # a cache beside the objects, which may say something else than they do
    "core.warnAmbiguousRefs=false", "core.bigFileThreshold=64m", "color.ui=false",
)  # fmt: skip
_CLONE_OVERRIDES = (
    f"core.hooksPath={os.devnull}", "core.fsmonitor=", "submodule.recurse=false", "gc.auto=0",
    "maintenance.auto=false", "transfer.fsckObjects=false", "fetch.fsckObjects=false",
)  # fmt: skip
_BUFFER = 1 << 18
_STDERR_KEPT = 1 << 16
_MEMORY = 4 << 30
_NOTHING: Mapping[str, str] = MappingProxyType({})


class GitProcess:
    """A running git: read `stdout` to its end, then `check()`. A context manager that never leaves the child behind."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str] = _NOTHING,
        feed: Iterable[bytes] | None = None,
        protocols: str = "",
    ) -> None:
        """Start `git arguments` in `directory`; `feed` is written to its stdin by a thread.

        `protocols` (as in GIT_ALLOW_PROTOCOL) is given for a clone only: it alone may reach a host.
        """
        self._arguments = tuple(arguments)
        self._directory = str(directory)
        self._process = _start(_command_line(arguments, bool(protocols)), directory, environment, protocols, feed)
        self.stdout = cast(IO[bytes], self._process.stdout)
        self._stderr = bytearray()
        self._feed_error: BaseException | None = None
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        if feed is not None:
            self._threads.append(threading.Thread(target=self._write, args=(feed,), daemon=True))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def bound_memory(self) -> None:
        """Limit a command that lists whole trees, which a repository can make multiply without end (on Linux)."""
        if sys.platform == "linux":
            import resource

            with suppress(OSError, ValueError):  # it may have ended, or be under a tighter limit
                resource.prlimit(self._process.pid, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))

    def wait(self) -> int:
        """Wait for the end, after `stdout` was read, and return git's exit code."""
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        if self._feed_error is not None:
            raise self._feed_error
        return code

    @property
    def stderr(self) -> str:
        """What git complained about, once it has ended."""
        return self._stderr.decode("utf-8", "replace")

    def failure(self) -> GitError:
        """Return the error that explains how git ended."""
        return explain(self._arguments, self._process.returncode or 0, self.stderr, self._directory)

    def check(self) -> str:
        """Wait for the end and return stderr. Raises GitError unless git succeeded."""
        if self.wait() != 0:
            raise self.failure()
        return self.stderr

    def close(self) -> None:
        """End the child if it still runs, and its threads."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for thread in self._threads:
            thread.join(timeout=2)  # a grandchild may hold the pipe a little longer
        self.stdout.close()

    def _listen(self) -> None:
        with cast(IO[bytes], self._process.stderr) as stderr:
            while chunk := stderr.read(4096):
                self._stderr += chunk[: max(0, _STDERR_KEPT - len(self._stderr))]

    def _write(self, feed: Iterable[bytes]) -> None:
        stdin = cast(IO[bytes], self._process.stdin)
        try:
            for chunk in feed:
                stdin.write(chunk)
                stdin.flush()
        except OSError:
            pass  # git ended first; its exit code tells
        except BaseException as error:  # raised again in the thread that reads
            self._feed_error = error
        finally:
            with suppress(OSError):
                stdin.close()


def git(
    arguments: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str] = _NOTHING,
    feed: Iterable[bytes] | None = None,
    protocols: str = "",
) -> bytes:
    """Run git to its end and return its stdout. Raises GitError."""
    with GitProcess(arguments, directory=directory, environment=environment, feed=feed, protocols=protocols) as process:
        output = process.stdout.read()
        process.check()
    return output


def hook_environment() -> dict[str, str]:
    """Return what git told us as its hook, with paths made absolute because git runs elsewhere from now on."""
    found = {name: os.environ[name] for name in HOOK_VARIABLES if os.environ.get(name)}
    for name, value in found.items():
        if name == "GIT_ALTERNATE_OBJECT_DIRECTORIES":
            parts = value.split(os.pathsep)
            found[name] = os.pathsep.join(part if part.startswith('"') else _absolute(part) for part in parts)
        else:
            found[name] = _absolute(value)
    return found


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def _command_line(arguments: Sequence[str], is_clone: bool) -> list[str]:
    executable = git_executable()
    if executable is None:
        raise GitError("git is not installed, or not on PATH", hint="Install git 2.25 or newer.")
    line = [executable, "--no-pager", "--literal-pathspecs"]
    for override in _CLONE_OVERRIDES if is_clone else _OVERRIDES:
        line += ["-c", override]
    return [*line, *arguments]


def _start(
    line: Sequence[str], directory: Path, environment: Mapping[str, str], protocols: str, feed: Iterable[bytes] | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            line,
            cwd=directory,
            env=_environment(environment, protocols),
            stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=_BUFFER,
        )
    except OSError as error:
        raise GitError(f"git could not be started in {readable(str(directory))}: {error.strerror}") from None


def _environment(own: Mapping[str, str], protocols: str) -> dict[str, str]:
    names = (*_PASSED, *_PASSED_TO_CLONE) if protocols else _PASSED
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment |= _FIXED | {name: value for name, value in own.items() if name in HOOK_VARIABLES}
    environment["PATH"] = os.pathsep.join(_search_path())
    if protocols:
        environment["GIT_ALLOW_PROTOCOL"] = protocols
    return environment


def _search_path() -> list[str]:
    """PATH without relative entries, which would find programs in the scanned repository."""
    return [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry).is_absolute()]


def git_executable() -> str | None:
    """Return the git on PATH, or None."""
    # With a directory part, so that Windows does not look in the current directory first.
    return next((found for entry in _search_path() if (found := _program(Path(entry, "git")))), None)


def _program(path: Path) -> str | None:
    if os.name == "posix":
        return str(path) if os.access(path, os.X_OK) and path.is_file() else None
    import shutil  # knows what Windows adds to the name of a program

    return shutil.which(str(path))
