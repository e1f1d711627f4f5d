"""All objects of a repository, read from its packs and loose files by ourselves.

What is out of the ordinary (a damaged index, an object directory that a hook was told) raises PackError: git itself
reads such a repository, `git.objects`.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from secretguard.git.families import BAD, BLOB, NONE
from secretguard.git.loose import LooseObjects, list_loose, read_all, read_loose
from secretguard.git.packs import Pack, PackError, Rebuilt, known_entries, open_pack, rebuild, walk
from secretguard.git.repository import Repository

_DEEPEST_ALTERNATE = 5
_ATTEMPTS = 5
"""A concurrent `git gc` may remove a pack between listing and opening it."""


class Found(NamedTuple):
    """Where an object is: an entry of one of the store's parts."""

    part: int
    entry: int


@dataclass(frozen=True)
class ObjectStore:
    """The parts that hold the objects of a repository."""

    packs: tuple[Pack, ...]
    loose: tuple[LooseObjects, ...]

    @property
    def parts(self) -> tuple[Pack | LooseObjects, ...]:
        """Packs, then directories of loose objects; an object that is in several counts for the first."""
        return (*self.packs, *self.loose)

    @cached_property
    def repeated(self) -> tuple[bytearray, ...]:
        """For each part a flag for each entry: an earlier part holds the object too."""
        flags = [known_entries(pack, self.packs[:at]) for at, pack in enumerate(self.packs)]
        before: set[str] = set()
        for loose in self.loose:
            packed = (name in before or self._packed(bytes.fromhex(name)) is not None for name in loose.names)
            flags.append(bytearray(packed))
            before.update(loose.names)
        return tuple(flags)

    def find(self, raw_id: bytes) -> Found | None:
        """Return where an object is, or None."""
        packed = self._packed(raw_id)
        return packed or self._loose_index.get(raw_id)

    def read(self, raw_id: bytes) -> tuple[int, bytes] | None:
        """Return kind and content of one object; None if it is not here, unreadable or large."""
        found = self.find(raw_id)
        if found is None:
            return None
        part = self.parts[found.part]
        if isinstance(part, LooseObjects):
            return read_loose(part.path, part.names[found.entry])
        kind = part.entries.kinds[found.entry]
        data = None if kind == BAD else rebuild(part, found.entry)
        return None if data is None else (kind, bytes(data))

    def objects(self, part: int, start: int, stop: int, needed: bytearray | None = None) -> Iterator[Rebuilt]:
        """Yield objects of one part: see `packs.walk`; those of a loose part by number."""
        one = self.parts[part]
        return read_all(one, start, stop) if isinstance(one, LooseObjects) else walk(one, start, stop, needed)

    def close(self) -> None:
        """Give the maps back."""
        for pack in self.packs:
            with suppress(BufferError):  # somebody still looks at a piece of it; it ends with the process
                pack.close()

    def _packed(self, raw_id: bytes) -> Found | None:
        for part, pack in enumerate(self.packs):
            position = pack.position(raw_id)
            if position != NONE:
                return Found(part, pack.entry_at(position))
        return None

    @cached_property
    def _loose_index(self) -> dict[bytes, Found]:
        first = len(self.packs)
        return {
            bytes.fromhex(name): Found(first + part, entry)
            for part, loose in reversed([*enumerate(self.loose)])
            for entry, name in enumerate(loose.names)
        }


def open_store(repository: Repository) -> ObjectStore:
    """Open everything `repository` holds. Raises PackError, OSError."""
    if any(name.startswith(("GIT_OBJECT", "GIT_ALTERNATE")) for name, _ in repository.environment):
        raise PackError("objects are somewhere else")
    id_size = 32 if repository.object_format == "sha256" else 20
    directories = _directories(repository.common_dir / "objects")
    # Loose objects first: what is packed meanwhile is then in a pack that is listed after it.
    loose = tuple(list_loose(directory, id_size) for directory in directories)
    for attempt in range(_ATTEMPTS):
        try:
            return ObjectStore(_open_packs(directories, id_size), loose)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def _open_packs(directories: Sequence[Path], id_size: int) -> tuple[Pack, ...]:
    packs: list[Pack] = []
    try:
        for directory in directories:
            for index in sorted((directory / "pack").glob("pack-*.idx")):
                packs.append(open_pack(index.with_suffix(".pack"), id_size))
    except BaseException:
        for pack in packs:
            pack.close()
        raise
    return tuple(sorted(packs, key=len, reverse=True))


def _directories(objects: Path) -> list[Path]:
    """Return the object directory and its alternates: see gitrepository-layout(5), objects/info/alternates."""
    found: list[Path] = []
    waiting = [(objects, 0)]
    while waiting:
        directory, depth = waiting.pop(0)
        resolved = directory.resolve()
        if resolved in found:
            continue
        found.append(resolved)
        try:
            listed = (resolved / "info" / "alternates").read_bytes()
        except FileNotFoundError:
            continue
        for line in listed.splitlines():
            if line.startswith(b'"') or depth >= _DEEPEST_ALTERNATE:
                raise PackError("alternates that only git can follow")
            if line and not line.startswith(b"#"):
                waiting.append((resolved / line.decode("utf-8", "surrogateescape"), depth + 1))
    return found
