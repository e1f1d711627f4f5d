"""Which files of a directory are known to hold nothing, for one set of rules: what makes the second scan quick.

The state is a set of keyed digests, one for each file that was read in full and held nothing, over its path, size,
times, inode and permissions. A file that changed has another digest; the file of states is MACed with the user's key.
"""

import os
import stat
import time
from hashlib import blake2b
from pathlib import Path

from secretguard import __version__
from secretguard.scan.cache import authentic, cache_directory, store_authentic, user_key

_SIZE = 16
_FORMAT = "files 1"
_SETTLED = 2 * 10**9
"""Nanoseconds: a file changed so shortly before it was read may change again with the same times."""


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
        self._known = self._loaded()
        self._seen: set[bytes] = set()

    def knows(self, path: str, status: os.stat_result) -> bool:
        """Whether a file is as it was when it held nothing."""
        digest = self._digest(path, status)
        if digest in self._known:
            self._seen.add(digest)
            return True
        return False

    def digest(self, path: str, status: os.stat_result) -> bytes | None:
        """Return what to learn of a file with this status, taken before it was read; None if it is too fresh."""
        if not stat.S_ISREG(status.st_mode) or max(status.st_mtime_ns, status.st_ctime_ns) > time.time_ns() - _SETTLED:
            return None
        return self._digest(path, status)

    def learn(self, digests: list[bytes]) -> None:
        """Take note of files that were read in full and hold nothing."""
        self._seen.update(digests)

    def store(self) -> None:
        """Keep what this scan saw, if it is news."""
        if self._key and self._seen != self._known:
            store_authentic(self._path, self._key, self._about, b"".join(sorted(self._seen)))

    def _loaded(self) -> frozenset[bytes]:
        content = authentic(self._path, self._key, self._about) if self._key else None
        if content is None:
            return frozenset()
        return frozenset(content[at : at + _SIZE] for at in range(0, len(content), _SIZE))

    def _digest(self, path: str, status: os.stat_result) -> bytes:
        facts = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_mode} {path}"
        return blake2b(facts.encode("utf-8", "surrogateescape"), digest_size=_SIZE, key=self._key).digest()
