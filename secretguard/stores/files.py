"""Files of the embedded store: private, whole or not there at all, one writer at a time."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from secretguard.errors import StoreError

LONGEST_FILE = 4 << 20
"""Bytes; nothing that we write comes near."""
_TEMPORARY = ".new-"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BETWEEN_TRIES = 0.01


@contextmanager
def told(doing: str, path: Path) -> Iterator[None]:
    """Turn trouble with files into a StoreError that says what could not be done."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreError(
                f"{path} cannot be {doing}: there is no room",
                hint="What was there before is unchanged; free some space.",
            ) from None
        raise StoreError(
            f"{path} cannot be {doing}: {error.strerror}", hint="Check the path and its rights; nothing was changed."
        ) from None


def make_private(folder: Path) -> None:
    """Create `folder` for its owner alone, durably; one that is there is closed to others."""
    with told("created", folder):
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync(folder.parent)
        status = folder.stat()
        if status.st_uid != os.geteuid():
            raise StoreError(f"{folder} belongs to somebody else", hint="Remove it, or set XDG_DATA_HOME.")
        if status.st_mode & 0o077:
            folder.chmod(0o700)


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step that outlives a power cut; a reader finds the old or the new content."""
    with told("written", path):
        temporary = path.with_name(_TEMPORARY + os.urandom(8).hex())
        try:
            with os.fdopen(os.open(temporary, _NEW_FILE, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync(path.parent)


def read(path: Path) -> bytes | None:
    """Return what is in a file, None if there is none; a link or a device is refused."""
    with told("read", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StoreError(f"{path} is no regular file", hint="Move it away.")
            content = file.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:
        raise StoreError(f"{path} is too large to be ours", hint="Move it away.")
    return content


def is_private(path: Path) -> bool:
    """Whether only its owner, and that is us, has rights at a file."""
    with told("read", path):
        status = path.lstat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def remove(path: Path) -> None:
    """Remove a file durably; nothing if it is gone."""
    with told("removed", path):
        path.unlink(missing_ok=True)
        _sync(path.parent)


def names(folder: Path) -> list[str]:
    """Return the names in a folder but for half-written files; none if there is no folder."""
    with told("read", folder):
        try:
            return sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
        except FileNotFoundError:
            return []


def sweep(folder: Path) -> None:
    """Remove what a writer that was killed left half-written. Call it with the lock held: then nobody is writing."""
    with told("swept", folder):
        for leftover in folder.glob(f"{_TEMPORARY}*"):
            leftover.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the store's lock, also against other threads; raises StoreError if it is not free within `seconds`."""
    path = folder / "lock"
    with told("opened", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _taken(descriptor, path):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"another process has been writing to {folder} for {seconds:.0f} seconds",
                    hint="Wait for it to end, then run the command again.",
                    transient=True,
                )
            time.sleep(_BETWEEN_TRIES)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _taken(descriptor: int, path: Path) -> bool:
    with told("locked", path):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
