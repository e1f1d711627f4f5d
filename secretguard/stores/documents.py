"""A document of the embedded store on disk: one age file a version, a pending one, and a pointer to what is published.

    documents/app%2Fdb/3.age         version 3
    documents/app%2Fdb/pending.age   what a rotation staged
    documents/app%2Fdb/current.json  which version a reader gets, and the highest number that was ever given

Version files never change. A version is published by replacing the pointer, in one step; whoever is killed before
leaves a version that nobody is pointed at, and whoever reads meanwhile finds the old version or the new one.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from secretguard.errors import StoreError
from secretguard.stores import files
from secretguard.stores.keys import Key
from secretguard.stores.sealing import Damaged, Recipient, Sealed, seal, unseal

PENDING = "pending"
_LONGEST_NAME = 240
"""Characters; file systems take 255 bytes."""
_VERSION = re.compile(r"([1-9][0-9]{0,8})\.age")
_GLANCES = 10


class Pointer(NamedTuple):
    """What readers are pointed at."""

    current: int = 0
    """0: nothing."""
    last: int = 0
    """The highest number that was given to a version; none is given twice."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document, there or not."""

    folder: Path
    path: str
    """As a reference says it."""

    def file(self, version: str) -> Path:
        """Return where a version lies: a number, or PENDING."""
        return self.folder / f"{version}.age"


def document_at(store: Path, path: str) -> Document:
    """Return the document of a reference's path; raises StoreError if its name is too long for a file."""
    name = quote(path, safe="@+=")
    if len(name) > _LONGEST_NAME:
        raise StoreError(f"the local store takes names of at most {_LONGEST_NAME} characters")
    return Document(store / "documents" / name, path)


def stored_paths(store: Path) -> list[str]:
    """Return the paths of all documents that hold a version."""
    folder = store / "documents"
    found = [Document(folder / name, unquote(name)) for name in files.names(folder)]
    return sorted(document.path for document in found if numbers(document))


def numbers(document: Document) -> list[int]:
    """Return the numbers of the versions that are there, lowest first."""
    return sorted(int(found[1]) for name in files.names(document.folder) if (found := _VERSION.fullmatch(name)))


def pointer(document: Document) -> Pointer:
    """Return what readers are pointed at; raises Damaged."""
    path = document.folder / "current.json"
    content = files.read(path)
    if content is None:
        return Pointer()
    try:
        said: Any = json.loads(content)
        return Pointer(int(said["current"]), int(said["last"]))
    except (ValueError, TypeError, KeyError):
        raise Damaged(
            f"{path} is damaged, which says which version counts",
            hint=f'The versions are still there. Write {{"current": NUMBER, "last": {max([0, *numbers(document)])}}} '
            "into it.",
        ) from None


def point(document: Document, to: Pointer) -> None:
    """Point readers at a version, in one step."""
    files.write(document.folder / "current.json", json.dumps(to._asdict()).encode() + b"\n")


def opened(document: Document, version: str, key: Key) -> Sealed | None:
    """Return one version, None if it is not there; raises Damaged."""
    path = document.file(version)
    content = files.read(path)
    if content is None:
        return None
    sealed = unseal(content, key.identity, str(path))
    if sealed.document != document.path:
        raise Damaged(f"{path} belongs to another document", hint="Somebody moved it; put it back.")
    return sealed


def current(document: Document, key: Key) -> Sealed | None:
    """Return what is published. It takes no lock: a version that is destroyed meanwhile is no longer pointed at."""
    number = 0
    for _ in range(_GLANCES):
        number = pointer(document).current
        if not number:
            return None
        if sealed := opened(document, str(number), key):
            return sealed
    raise Damaged(
        f"{document.file(str(number))} is gone, which is the current version", hint="Restore it from a backup."
    )


def add(document: Document, version: Sealed, recipients: Sequence[Recipient]) -> None:
    """Make `version` the published one. Call it with the store's lock held."""
    number = max([pointer(document).last, *numbers(document)]) + 1
    files.make_private(document.folder)
    files.write(document.file(str(number)), seal(version, recipients))
    point(document, Pointer(number, number))
