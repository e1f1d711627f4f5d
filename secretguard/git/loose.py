"""Loose objects: one file each, deflated. The format: gitformat-loose(5)."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from isal import isal_zlib

from secretguard.git.families import BLOB, COMMIT, TAG, TREE
from secretguard.git.files import read_regular
from secretguard.git.packs import INFLATE_ERROR, LARGE
from secretguard.git.walk import Rebuilt, stored_whole

_DIRECTORY = re.compile("[0-9a-f]{2}")
_HEAD = re.compile(rb"(commit|tree|blob|tag) ([0-9]{1,19})\0")
_KINDS = {b"commit": COMMIT, b"tree": TREE, b"blob": BLOB, b"tag": TAG}
_LONGEST_HEAD = 32


@dataclass(slots=True)
class LooseObjects:
    """The loose objects of one object directory, numbered in the order of their ids."""

    path: Path
    names: Sequence[str]
    """Hexadecimal ids, sorted."""
    kinds: bytearray
    """BAD until an object is read."""
    failed: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def id_of(self, entry: int) -> bytes:
        """Return the raw id of an object."""
        return bytes.fromhex(self.names[entry])


def list_loose(directory: Path, id_size: int) -> LooseObjects:
    """List the loose objects below `directory`. Raises OSError."""
    rest = re.compile(f"[0-9a-f]{{{2 * id_size - 2}}}")
    found: list[str] = []
    with os.scandir(directory) as entries:
        prefixes = sorted(entry.name for entry in entries if _DIRECTORY.fullmatch(entry.name))
    for prefix in prefixes:
        # A concurrent `git gc` removes a directory that it emptied.
        with suppress(FileNotFoundError), os.scandir(directory / prefix) as files:
            found += sorted(prefix + file.name for file in files if rest.fullmatch(file.name))
    return LooseObjects(directory, found, bytearray(len(found)))


def read_all(loose: LooseObjects, start: int, stop: int) -> Iterator[Rebuilt]:
    """Yield the objects `start:stop`, and note what kind each is; what cannot be read goes into `loose.failed`."""
    for entry in range(start, stop):
        found = read_loose(loose.path, loose.names[entry])
        if found is None:
            loose.failed.append(entry)
            continue
        loose.kinds[entry], data = found
        yield stored_whole(entry, data)


def read_loose(directory: Path, name: str) -> tuple[int, bytes] | None:
    """Return kind and content of a loose object; None for one that is gone, damaged, or too large to be held."""
    inflater = isal_zlib.decompressobj()
    try:
        data = inflater.decompress(read_regular(directory / name[:2] / name[2:], LARGE), LARGE + _LONGEST_HEAD)
    except (OSError, INFLATE_ERROR):
        return None
    head = _HEAD.match(data)
    if head is None or not inflater.eof or len(data) - head.end() != int(head[2]):
        return None
    return _KINDS[head[1]], data[head.end() :]
