"""Read a hostile directory: no link is followed, and nothing but regular files is opened."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import BinaryIO

from secretguard.git import windows
from secretguard.model import Blob

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe put in place of the file must not block
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {
    stat.S_IFIFO: "is a named pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFBLK: "is a device",
    stat.S_IFCHR: "is a device",
}
_HASH_CHUNK = 1 << 20


class NotReadError(Exception):
    """What lies at the path is left alone on purpose; the message says why."""


def file_blobs(root: Path, path: str, object_format: str, real: dict[str, bool]) -> Iterator[Blob]:
    """Yield the file `path` below `root` in windows, or the target of a symbolic link as its content.

    `real` remembers which directories are no links. Raises NotReadError, OSError.
    """
    if not is_real(root, path.rpartition("/")[0], real):
        raise NotReadError("lies behind a symbolic link, which is not followed")
    place = root / path
    mode = place.lstat().st_mode
    if stat.S_ISLNK(mode):
        target = os.fsencode(place.readlink())
        yield Blob(windows.blob_id(target, object_format), target)
        return
    _refuse_special(mode)
    with open_regular(os.fspath(place)) as file:
        yield from _regular(file, object_format)


def open_regular(place: str) -> BinaryIO:
    """Open a file without following a link or waiting for anybody. Raises OSError."""
    return os.fdopen(os.open(place, _FLAGS), "rb")


def walk(
    root: Path, below: str = "", enter: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, OSError | None]]:
    """Yield the path of each file and link below `root` (or a directory in it); of a closed directory, with the reason.

    `enter` says which directories are walked.
    """
    waiting = [below]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(root / directory) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except OSError as error:
            yield directory, error
            continue
        lead = f"{directory}/" if directory else ""
        waiting.extend(lead + name for name, is_directory in reversed(found) if is_directory and enter(lead + name))
        for name, is_directory in found:
            if not is_directory:
                yield lead + name, None


def is_real(root: Path, directory: str, known: dict[str, bool]) -> bool:
    """Tell whether a directory lies below `root` without a symbolic link on the way; `known` remembers the answers.

    Git's index is not to be trusted: one made by hand may name any path.
    """
    if directory and directory not in known:
        parts = directory.split("/")
        if any(part in ("", ".", "..") for part in parts) or PurePath(directory).is_absolute():
            return False
        lead = ""
        for part in parts:
            lead = f"{lead}/{part}" if lead else part
            if lead not in known:
                known[lead] = not (root / lead).is_symlink()
            if not known[lead]:
                return False
    return known.get(directory, True)


def _refuse_special(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if not stat.S_ISREG(mode):
        raise NotReadError(f"{_KINDS.get(stat.S_IFMT(mode), 'is not a regular file')}, which is not read")


def _regular(file: BinaryIO, object_format: str) -> Iterator[Blob]:
    status = os.fstat(file.fileno())
    _refuse_special(status.st_mode)
    data = file.read(windows.WINDOW + 1)
    if len(data) <= windows.WINDOW:
        yield Blob(windows.blob_id(data, object_format), data)
        return
    size = max(status.st_size, len(data))
    del data
    file.seek(0)
    digest = hashlib.new(object_format, b"blob %d\0" % size, usedforsecurity=False)
    left = size
    while left and (chunk := file.read(min(left, _HASH_CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    file.seek(0)
    yield from windows.windows(digest.hexdigest(), file.read)
