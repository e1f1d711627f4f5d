"""Files of a git directory, opened so that a pipe or a device in their place blocks nobody."""

import errno
import os
import stat
from io import FileIO
from pathlib import Path

_FLAGS = getattr(os, "O_NONBLOCK", 0)


def open_regular(path: Path) -> FileIO:
    """Open a regular file for reading. Raises OSError, for anything else too."""
    file = FileIO(path, opener=_open)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def read_regular(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file. Raises OSError."""
    with open_regular(path) as file:
        return file.read(min(limit, os.fstat(file.fileno()).st_size))


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)
