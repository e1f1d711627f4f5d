"""The directory in which journal and audit live: nobody else's, and nobody else's to write to."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from secretguard.errors import RotationError
from secretguard.home import home_of


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return `$XDG_STATE_HOME/secretguard`, made with rights 0700; raises RotationError if it is not ours alone."""
    base = Path(environ.get("XDG_STATE_HOME") or "")
    if not base.is_absolute():  # a relative one would lie in whatever repository we stand in
        base = home_of(environ) / ".local" / "state"
    directory = base / "secretguard"
    with _told(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(directory)
    return directory


def _check(directory: Path) -> None:
    status = directory.stat()
    if status.st_uid != os.geteuid():
        raise RotationError(
            f"{directory} belongs to somebody else (user id {status.st_uid})",
            hint="Set XDG_STATE_HOME to a directory of your own.",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RotationError(
            f"{directory} can be written by others, who may have changed what is in it",
            hint=f"Look at what it holds, then `chmod 700 {directory}`.",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        directory.chmod(0o700)


def private_file(path: Path, content: bytes = b"") -> Path:
    """Make sure that `path` is a file with rights 0600, durably, with `content` if it was not there; RotationError."""
    with _told(path):
        with suppress(FileNotFoundError):
            if stat.S_IMODE(path.lstat().st_mode) & 0o077:
                path.chmod(0o600)
            return path
        # Complete under another name first: a file that is there is whole, whenever the power fails.
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # somebody else was quicker
                os.link(part, path)
        finally:
            part.unlink(missing_ok=True)
        sync_directory(path.parent)
    return path


def identity(directory: Path) -> str:
    """Return the random name of this state directory, made on first use; RotationError."""
    path = private_file(directory / "installation.id", secrets.token_hex(16).encode())
    with _told(path):
        return path.read_text("ascii", "replace").strip()


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Keep other processes out that lock the same file or directory; the kernel lets go when we die. RotationError."""
    with _told(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _told(path):
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Make names of new files durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unusable(path, error) from None


def unusable(path: Path, error: OSError) -> RotationError:
    """Return what to raise where `path` cannot be used."""
    return RotationError(
        f"{path} cannot be used: {error.strerror or error}",
        hint="Make room or give yourself the rights, then run the command again; what was written before is kept.",
    )
