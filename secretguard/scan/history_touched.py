"""Files of an object store that git only touched, told by their content.

Asked to write an object that is there already, git sets the times of the file that holds it, be it a pack of gigabytes.
Any commit may do that; reading such a file for its digest costs a fraction of scanning what it holds.
"""

import hashlib
from collections.abc import Callable, Mapping, MutableMapping
from typing import TypeVar

from secretguard.git.families import BLOB, COMMIT, TAG, TREE
from secretguard.git.loose import LooseObjects, read_loose
from secretguard.git.packs import Pack
from secretguard.scan.history_state import STATUS

K = TypeVar("K")
T = TypeVar("T")
_KINDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}


def recognised(
    files: Mapping[K, tuple[bytes | None, bytes | None]],
    known: MutableMapping[bytes, T],
    is_intact: Callable[[K], bool],
) -> dict[K, bytes | None]:
    """Return the stamp of each of the `files`, given by name and stamp, and keep `known` under these.

    A file that is not settled yet goes by the stamp that it had, until it is.
    """
    stamps = {file: stamp for file, (_, stamp) in files.items()}
    here = {*stamps.values()}
    gone = {stamp[STATUS:]: stamp for stamp in known if stamp not in here}
    for file, (name, stamp) in files.items():
        if stamp in known or name not in gone or not is_intact(file):
            continue
        old = gone.pop(name)
        stamps[file] = stamp or old
        known[stamp or old] = known.pop(old)
    return stamps


def is_pack_intact(pack: Pack) -> bool:
    """Whether a pack holds what its last bytes are the digest of."""
    with memoryview(pack.data) as data:
        return _digest(pack.id_size, data[: -pack.id_size]) == data[-pack.id_size :]


def is_loose_intact(loose: LooseObjects, name: str) -> bool:
    """Whether a loose object holds what its name is the digest of."""
    found = read_loose(loose.path, name)
    if found is None:
        return False
    kind, data = found
    raw_id = bytes.fromhex(name)
    return _digest(len(raw_id), b"%b %d\0" % (_KINDS[kind], len(data)), data) == raw_id


def _digest(size: int, *parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256() if size == 32 else hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()
