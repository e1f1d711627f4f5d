"""What earlier scans learnt about the objects of one repository, kept in the user's cache: `history-*.bin`.

It names the packs and loose objects that were read and those in them that hold something: where, and which matches are
alike (`scan.history_matches`), never what. It counts only if its MAC holds, made with this user's key for this very
repository, these rules and this code; anything else is as if it were not there.
"""

import marshal
import os
import sys
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import secretguard
from secretguard.git.commit_graph import CommitTable
from secretguard.git.packs import Pack
from secretguard.git.repository import Repository
from secretguard.scan.cache import authentic, cache_directory, store_authentic, user_key
from secretguard.scan.history_matches import Candidate
from secretguard.scan.history_sweep import Size, Swept
from secretguard.scan.identity import id_key

_FORMAT = "history 1"
_KEPT = 64
"""Repositories that are remembered; those not scanned for longest are forgotten."""
_SETTLED = 10**8
_SETTLED_COARSELY = 2 * 10**9
"""Nanoseconds: what was written so shortly ago may be written again with the same times; on some file systems they are
whole seconds."""
STATUS = 16
"""Bytes of a stamp that say when the file was written; the rest names what it holds."""
_CODE = ("", "engine", "engine/forms", "git", "scan")


class KnownPack(NamedTuple):
    """A pack that was read."""

    stamp: bytes
    shared: bool
    """Whether other parts hold some of its objects too, which count there."""
    swept: Swept


class KnownLoose(NamedTuple):
    """A loose object that was read."""

    size: Size
    shared: bool


@dataclass(slots=True)
class Located:
    """Where objects live, and all that this was derived from."""

    asked: frozenset[str]
    """The objects of which every place is known."""
    additions: list[tuple[str, str, str]]
    """Commit, path, blob."""
    written: dict[str, tuple[str, str | None]]
    """Author and date of commits."""
    places: dict[str, list[tuple[Any, ...]]]
    """The fields of each location."""
    problems: list[tuple[Any, ...]]
    """What there was to say about missing objects and unreadable trees."""
    circumstances: bytes
    """A digest of the refs, reflogs and indexes."""

    def texts(self) -> set[str]:
        """Return all that somebody else wrote: paths, names, refs."""
        places = (value for places in self.places.values() for place in places for value in place)
        written = (value for one in self.written.values() for value in one)
        problems = (value for one in self.problems for value in one)
        paths = (path for _, path, _ in self.additions)
        return {value for value in chain(places, written, problems, paths) if isinstance(value, str)}


@dataclass(slots=True)
class History:
    """Everything that is remembered of a repository."""

    packs: list[KnownPack] = field(default_factory=list)
    loose: dict[bytes, KnownLoose] = field(default_factory=dict)
    """By stamp."""
    loose_swept: Swept = field(default_factory=lambda: Swept(CommitTable(0)))
    by_git: dict[bytes, Size] = field(default_factory=dict)
    """Objects that only git could read, and that hold nothing."""
    ids: list[str] = field(default_factory=list)
    """Of credentials whose ids are dear, by the number of a kind of match; empty for others."""
    located: Located | None = None


class HistoryFile:
    """Where one repository is remembered."""

    def __init__(self, repository: Repository, rules_digest: str) -> None:
        """Find the file. Raises OSError where the object directory is gone."""
        self._key = user_key() or b""
        objects = (repository.common_dir / "objects").resolve()
        status = objects.stat()
        whose = repr((_FORMAT, os.fspath(objects), status.st_dev, status.st_ino)).encode("utf-8", "surrogateescape")
        facts = (secretguard.__version__, rules_digest, sys.version, sys.byteorder, _code(), id_key())
        self._about = whose + repr(facts).encode()
        self._path = cache_directory() / f"history-{blake2b(whose, digest_size=12, key=self._key).hexdigest()}.bin"

    def load(self) -> History | None:
        """Return what is remembered, if anything."""
        content = authentic(self._path, self._key, self._about) if self._key else None
        if content is None:
            return None
        with suppress(OSError):
            os.utime(self._path)  # the file used last is forgotten last
        return _decoded(marshal.loads(content))  # noqa: S302 - the MAC says that we wrote it

    def save(self, history: History) -> None:
        """Remember `history`, and forget what was not asked for in a long time."""
        if not self._key:
            return
        store_authentic(self._path, self._key, self._about, marshal.dumps(_encoded(history)))
        with suppress(OSError):
            files = sorted(self._path.parent.glob("history-*.bin"), key=lambda path: path.stat().st_mtime_ns)
            for old in files[:-_KEPT]:
                old.unlink()

    def forget(self) -> None:
        """Remove what turned out to be wrong."""
        with suppress(OSError):
            self._path.unlink()


def pack_name(pack: Pack) -> bytes | None:
    """Return what differs for another content or index of a pack; None if that cannot be told yet."""
    index = settled(pack.status[0]) if pack.status else None
    if index is None:
        return None
    return blake2b(repr((os.fspath(pack.path), pack.data[-pack.id_size :], index)).encode(), digest_size=16).digest()


def pack_stamp(pack: Pack) -> bytes | None:
    """Return what differs once a pack or its index is another, or was written to; it ends with the name."""
    name, status = pack_name(pack), settled(pack.status[1]) if pack.status else None
    return _status_digest(status) + name if name and status else None


def loose_stamp(directory: str, name: str) -> bytes | None:
    """Return the same for a loose object; it ends with the id."""
    try:
        facts = settled(os.stat(f"{directory}/{name[:2]}/{name[2:]}"))  # noqa: PTH116 - thousands of them
    except OSError:
        return None
    return _status_digest((directory, *facts)) + bytes.fromhex(name) if facts else None


def _status_digest(facts: tuple[str | int, ...]) -> bytes:
    return blake2b(repr(facts).encode(), digest_size=STATUS).digest()


def settled(status: os.stat_result) -> tuple[int, ...] | None:
    """Return what differs once a file is another or was written to; None if it may be written to unnoticed."""
    coarse = status.st_ctime_ns % 10**9 == 0
    if max(status.st_ctime_ns, status.st_mtime_ns) > time.time_ns() - (_SETTLED_COARSELY if coarse else _SETTLED):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _code() -> list[tuple[str, int, int]]:
    """Return what differs in another build of this very version: what it would find may differ too."""
    root = Path(secretguard.__file__).parent
    found = []
    for folder in _CODE:
        with os.scandir(root / folder) as files:
            statuses = ((file.name, file.stat()) for file in files if file.name.endswith((".py", ".so", ".pyd")))
            found += [(name, status.st_size, status.st_mtime_ns) for name, status in statuses]
    return sorted(found)


def _encoded(history: History) -> tuple[Any, ...]:
    located = history.located
    return (
        [(one.stamp, one.shared, _swept_encoded(one.swept)) for one in history.packs],
        [(stamp, tuple(one.size), one.shared) for stamp, one in history.loose.items()],
        _swept_encoded(history.loose_swept),
        [(raw_id, tuple(size)) for raw_id, size in history.by_git.items()],
        history.ids,
        located and tuple(getattr(located, name) for name in Located.__slots__),
    )


def _decoded(content: Any) -> History:
    packs, loose, loose_swept, by_git, ids, located = content
    return History(
        [KnownPack(stamp, shared, _swept_decoded(swept)) for stamp, shared, swept in packs],
        {stamp: KnownLoose(Size(*size), shared) for stamp, size, shared in loose},
        _swept_decoded(loose_swept),
        {raw_id: Size(*size) for raw_id, size in by_git},
        ids,
        located and Located(*located),
    )


def _swept_encoded(swept: Swept) -> tuple[Any, ...]:
    table = swept.commits
    commits = table.width, table.ids, table.trees, table.counts.tobytes(), table.parents
    candidates = [tuple(one) for one in swept.candidates]
    size = swept.objects, swept.bytes, swept.bytes_matched
    return commits, candidates, swept.pointers, swept.tags, swept.failed, size


def _swept_decoded(content: Any) -> Swept:
    (width, ids, trees, counts, parents), candidates, pointers, tags, failed, size = content
    table = CommitTable(width, bytearray(ids), bytearray(trees), array("I", counts), bytearray(parents))
    return Swept(table, [Candidate(*one) for one in candidates], pointers, tags, [], failed, {}, *size)
