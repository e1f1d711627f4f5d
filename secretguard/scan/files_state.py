"""Which files of a directory are known to hold nothing, for one set of rules: what makes the second scan quick.

The state is a set of keyed digests, one for each file that was read in full and held nothing, over its path, size,
times, inode and permissions. A file that changed has another digest; the file of states is MACed with the user's key.

A digest for each of many files costs more than asking for their status. So files that follow each other have one
together too, over the same facts; where it is known, theirs need not be made.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from secretguard import __version__
from secretguard.scan.cache import authentic, cache_directory, store_authentic, user_key

_SIZE = 16
_FORMAT = "files 2"
_SETTLED = 2 * 10**9
"""Nanoseconds: a file changed so shortly before it was read may change again with the same times."""
_ALONE = bytes(_SIZE)
"""Stands for the digest of a group where files are known whose group is not."""
_TOGETHER = 61
"""One inode number in so many ends a group: one file more or less then changes one group, not all behind it."""


class Listed(NamedTuple):
    """A file, with its status when it was listed."""

    path: str
    status: os.stat_result


class KnownFiles:
    """The files below one directory that hold nothing."""

    def __init__(self, root: Path, rules_digest: str, prefix: str = "") -> None:
        """Load what an earlier scan with the same rules learnt; nothing where the cache is not ours."""
        self._key = user_key() or b""
        self._about = "\0".join((_FORMAT, __version__, rules_digest, os.fspath(root), prefix)).encode(
            "utf-8", "surrogateescape"
        )
        name = blake2b(self._about, digest_size=12, key=self._key).hexdigest()
        self._path = cache_directory() / f"files-{name}.bin"
        self._loaded = (authentic(self._path, self._key, self._about) if self._key else None) or b""
        self._groups = dict(_parsed(self._loaded))
        self._whole: dict[bytes, bytes] = {}
        """The groups that are as they were, with the digests of their files."""
        self._others: list[tuple[bytes, list[bytes]]] = []
        self._seen: set[bytes] = set()

    def unknown(self, group: Sequence[Listed]) -> Sequence[Listed]:
        """Return those of a group of files that are not as they were when they held nothing."""
        together = self._digest_together(group)
        if members := self._groups.get(together):
            self._whole[together] = members
            return ()
        digests = [self._digest(*one) for one in group]
        self._others.append((together, digests))
        self._seen.update(self._known.intersection(digests))
        return [one for one, digest in zip(group, digests, strict=True) if digest not in self._known]

    def learn(self, files: Iterable[Listed]) -> None:
        """Take note of files that were read in full and hold nothing; their statuses were taken before.

        One that changed a moment ago may change again with the same times, so it is passed over.
        """
        before = time.time_ns() - _SETTLED
        for path, status in files:
            if stat.S_ISREG(status.st_mode) and max(status.st_mtime_ns, status.st_ctime_ns) <= before:
                self._seen.add(self._digest(path, status))

    def store(self) -> None:
        """Keep what this scan saw, if it is news."""
        alone: list[bytes] = []
        groups = dict(self._whole)
        for together, digests in self._others:
            seen = [one for one in digests if one in self._seen]
            if len(seen) == len(digests):
                groups[together] = b"".join(digests)
            else:
                alone += seen
        content = _written({**groups, _ALONE: b"".join(alone)})
        if self._key and content != self._loaded:
            store_authentic(self._path, self._key, self._about, content)

    @cached_property
    def _known(self) -> frozenset[bytes]:
        return frozenset(
            members[at : at + _SIZE] for members in self._groups.values() for at in range(0, len(members), _SIZE)
        )

    def _digest(self, path: str, status: os.stat_result) -> bytes:
        facts = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_mode} {path}"
        return blake2b(facts.encode("utf-8", "surrogateescape"), digest_size=_SIZE, key=self._key).digest()

    def _digest_together(self, group: Sequence[Listed]) -> bytes:
        facts = [
            (path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode)
            for path, status in group
        ]
        return blake2b(repr(facts).encode(), digest_size=_SIZE, key=self._key).digest()


def ends_group(status: os.stat_result) -> bool:
    """Whether a file with this status is the last one of its group."""
    return status.st_ino % _TOGETHER == 0


def _written(groups: dict[bytes, bytes]) -> bytes:
    return b"".join(
        together + len(members).to_bytes(8, "big") + members for together, members in sorted(groups.items())
    )


def _parsed(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Undo `_written`."""
    at = 0
    while at < len(content):
        start = at + _SIZE + 8
        end = start + int.from_bytes(content[at + _SIZE : start], "big")
        yield content[at : at + _SIZE], content[start:end]
        at = end
