"""Files of a scanned repository that say what to ignore, read without trusting the repository."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from secretguard.errors import ConfigError

LARGEST = 16_000_000
_HINT = "--no-repo-config leaves out what a repository says."

Content = Callable[[str], bytes | None]
"""Gives a file's content by its path relative to the repository, None where there is no such file."""


def on_disk(root: Path) -> Content:
    """Return the files as they lie in `root`; a symbolic link is refused, for it could lead anywhere."""
    return lambda path: read_regular(root / path, path, follow=False)


def read_regular(path: Path, where: str, *, follow: bool) -> bytes | None:
    """Return what a regular file of bounded size holds, None if there is none; raises ConfigError."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{where} is not a regular file", hint=_HINT)
            data = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError(f"{where} is a symbolic link, which is not followed", hint=_HINT) from None
        what = "is not a regular file" if error.errno == errno.EISDIR else f"cannot be read: {error.strerror}"
        raise ConfigError(f"{where} {what}", hint=_HINT) from None
    if len(data) > LARGEST:
        raise ConfigError(f"{where} is larger than {LARGEST:,} bytes", hint=_HINT)
    return data
