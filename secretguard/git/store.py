"""All objects of a repository, read from its packs and loose files by ourselves.

What is out of the ordinary (a damaged index, an object directory that a hook was told) raises PackError: git itself
reads such a repository, `git.objects`.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from secretguard.git.families import NONE
from secretguard.git.files import read_regular
from secretguard.git.lookup import Lookup
from secretguard.git.loose import LooseObjects, list_loose, read_all, read_loose
from secretguard.git.packs import Pack, PackError, known_entries, open_pack
from secretguard.git.repository import Repository
from secretguard.git.walk import Rebuilt, Walk

_NAME = re.compile("(?:[0-9a-f]{2})+")
_DEEPEST_ALTERNATE = 5
_MOST_DIRECTORIES = 100
_LONGEST_LIST = 1 << 20
_ATTEMPTS = 5
"""A concurrent `git gc` may change the packs between listing and opening them."""


class Found(NamedTuple):
    """Where an object is: an entry of one of the store's parts."""

    part: int
    entry: int


@dataclass(frozen=True)
class ObjectStore:
    """The parts that hold the objects of a repository."""

    packs: tuple[Pack, ...]
    loose: tuple[LooseObjects, ...]
    unindexed: tuple[Path, ...] = ()
    """Packs without an index: what they hold is not seen, by git neither."""
    id_size: int = 20
    """Bytes of a raw id."""

    @cached_property
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

    def raw_id(self, at: Found) -> bytes:
        """Return the raw id of the object there."""
        return self.parts[at.part].id_of(at.entry)

    def name(self, at: Found) -> str:
        """Return the hexadecimal id of the object there."""
        return self.raw_id(at).hex()

    def find(self, raw_id: bytes) -> Found | None:
        """Return where an object is, or None."""
        packed = self._packed(raw_id)
        return packed or self._loose_index.get(raw_id)

    def holds(self, name: str) -> bool:
        """Whether an object with this hexadecimal id is here; nothing has a name that is no id."""
        if _NAME.fullmatch(name) is None:
            return False
        raw_id = bytes.fromhex(name)
        return any(pack.position(raw_id) != NONE for pack in self.packs) or raw_id in self._loose_index

    def read(self, raw_id: bytes) -> tuple[int, bytes] | None:
        """Return kind and content of one object; None if it is not here, unreadable or large."""
        for pack in self.packs:
            position = pack.position(raw_id)
            if position != NONE and (packed := self._lookup.read(pack, position)):
                return packed
        found = self._loose_index.get(raw_id)
        part = None if found is None else self.parts[found.part]
        return read_loose(part.path, raw_id.hex()) if isinstance(part, LooseObjects) else None

    def objects(self, part: int, start: int, stop: int) -> Iterator[Rebuilt]:
        """Yield objects of one part: see `Walk`; those of a loose part by number."""
        one = self.parts[part]
        return read_all(one, start, stop) if isinstance(one, LooseObjects) else Walk(one, start, stop)

    def close(self) -> None:
        """Give the maps back."""
        for pack in self.packs:
            pack.close()

    def _packed(self, raw_id: bytes) -> Found | None:
        for part, pack in enumerate(self.packs):
            position = pack.position(raw_id)
            if position != NONE:
                return Found(part, pack.entry_at(position))
        return None

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup()

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
    for _ in range(_ATTEMPTS):
        # Objects move from files into packs, and out of packs into files: all are seen while the packs stay the same.
        listed = indexed, unindexed = _list_packs(directories)
        loose = tuple(list_loose(directory, id_size) for directory in directories)
        with suppress(FileNotFoundError):
            store = ObjectStore(_open_packs(indexed, id_size), loose, tuple(unindexed), id_size)
            if _list_packs(directories) == listed:
                return store
            store.close()
    raise PackError("the packs keep changing")


def _list_packs(directories: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the packs that have an index and those that have none, in a fixed order."""
    indexed: list[Path] = []
    unindexed: list[Path] = []
    for directory in directories:
        try:
            names = set(os.listdir(directory / "pack"))  # noqa: PTH208 - names are all that is wanted
        except FileNotFoundError:
            continue
        for name in sorted(names):
            if name.endswith(".pack"):
                has_index = name.removesuffix(".pack") + ".idx" in names
                (indexed if has_index else unindexed).append(directory / "pack" / name)
    return indexed, unindexed


def _open_packs(paths: Sequence[Path], id_size: int) -> tuple[Pack, ...]:
    """Open the packs, large ones first."""
    packs: list[Pack] = []
    try:
        packs.extend(open_pack(path, id_size) for path in paths)
    except BaseException:
        for pack in packs:
            pack.close()
        raise
    return tuple(sorted(packs, key=len, reverse=True))


def _directories(objects: Path) -> list[Path]:
    """Return the object directory and its alternates: see gitrepository-layout(5), objects/info/alternates."""
    found: dict[Path, None] = {}
    waiting = [(objects, 0)]
    while waiting:
        directory, depth = waiting.pop(0)
        try:
            resolved = directory.resolve()
        except (ValueError, RuntimeError):  # a NUL, a ring of links
            raise PackError("alternates that only git can follow") from None
        if resolved in found:
            continue
        found[resolved] = None
        for line in _alternates(resolved):
            if line.startswith(b'"') or depth >= _DEEPEST_ALTERNATE or len(waiting) + len(found) > _MOST_DIRECTORIES:
                raise PackError("alternates that only git can follow")
            waiting.append((resolved / os.fsdecode(line), depth + 1))
    return list(found)


def _alternates(directory: Path) -> list[bytes]:
    try:
        listed = read_regular(directory / "info" / "alternates", _LONGEST_LIST)
    except FileNotFoundError:
        return []
    if len(listed) == _LONGEST_LIST:
        raise PackError("alternates that only git can follow")
    return [line for line in listed.split(b"\n") if line and not line.startswith(b"#")]
