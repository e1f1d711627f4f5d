"""A tree with some of its files changed: only the folders on the way to them are read and written.

How git writes a tree: for each entry its mode, a space, its name, a zero byte and the bytes of its id; in the order of
the names, a folder's as if it ended in `/`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha1
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, Protocol

from secretguard.errors import RewriteError
from secretguard.git.complaints import readable
from secretguard.git.objects import read_objects
from secretguard.git.repository import Repository
from secretguard.model import Problem
from secretguard.rewriting import FileChange

if TYPE_CHECKING:
    from gitdb import IStream

_FOLDER = b"40000"
_FILES = (b"100644", b"100755", b"100664")
_DOT_GIT = (b".git", b"git~1")


class Writer(Protocol):
    """Where new objects go: an object database of GitPython."""

    def store(self, stream: "IStream") -> "IStream":
        """Write one object."""
        ...


class Entry(NamedTuple):
    """One line of a tree."""

    mode: bytes
    id: str


Folder = dict[bytes, Entry]
Wanted = dict[bytes, "Wanted | FileChange"]
"""Changes, by the folders they are in."""


def changed_tree(repository: Repository, base: str, changes: Sequence[FileChange], writer: Writer) -> tuple[str, str]:
    """Write the tree of commit `base` with `changes` in it; return the ids of the old and the new tree.

    Raises RewriteError if a file is not what its change was computed against, GitError if a tree cannot be read.
    """
    root = repository.git("rev-parse", "--verify", f"{base}^{{tree}}").decode("ascii").strip()
    wanted = _by_folder(changes)
    folders = _read(repository, root, wanted)
    written = _written(root, wanted, folders, writer)
    return root, written or _store(writer, "tree", b"")


def blob_id(data: bytes) -> str:
    """Return the id that git gives to the content of a file."""
    return _id("blob", data)


def tree_data(entries: Iterable[tuple[bytes, Entry]]) -> bytes:
    """Return a tree as git stores it."""
    ordered = sorted(entries, key=lambda one: one[0] + (b"/" if one[1].mode == _FOLDER else b""))
    return b"".join(b"%s %s\0%s" % (entry.mode, name, bytes.fromhex(entry.id)) for name, entry in ordered)


def _by_folder(changes: Sequence[FileChange]) -> Wanted:
    wanted: Wanted = {}
    for change in changes:
        *folders, name = parts_of(change.path)
        inside = wanted
        for folder in folders:
            found = inside.setdefault(folder, {})
            if isinstance(found, FileChange):
                raise _refused(change, "lies in another changed file")
            inside = found
        if name in inside:
            raise _refused(change, "is changed twice")
        inside[name] = change
    return wanted


def parts_of(path: str) -> list[bytes]:
    """Return the folders and the name in a path; raises RewriteError if git would not check it out."""
    parts = os.fsencode(path).split(b"/")
    if any(not part or part in (b".", b"..") or part.lower() in _DOT_GIT or b"\0" in part for part in parts):
        raise RewriteError(f"{readable(path)} is no name of a file in a repository", hint="Change that file by hand.")
    return parts


def _read(repository: Repository, root: str, wanted: Wanted) -> dict[str, Folder]:
    """Read the folders on the way to the changes, all of one depth in one go; by their ids."""
    found: dict[str, Folder] = {}
    level = [(root, wanted)]
    while level:
        problems: list[Problem] = []
        for info, blob in read_objects(repository, {name for name, _ in level}, problems):
            if info.type != "tree" or info.size != len(blob.data):
                raise RewriteError(f"the tree {info.id} cannot be read", hint="`git fsck --full` lists what is broken.")
            found[info.id] = _entries(blob.data, info.id)
        if missing := next((name for name, _ in level if name not in found), None):
            raise RewriteError(f"the tree {missing} is not here", hint="`git fsck --full` lists what is broken.")
        level = [
            (found[tree][name].id, inside)
            for tree, folder in level
            for name, inside in folder.items()
            if not isinstance(inside, FileChange) and name in found[tree] and found[tree][name].mode == _FOLDER
        ]
    return found


def _entries(data: bytes, tree: str) -> Folder:
    entries: Folder = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at)
        end = data.find(b"\0", space)
        if space < 0 or end < 0 or end + 21 > len(data) or data[space + 1 : end] in entries:
            raise RewriteError(f"the tree {tree} is damaged", hint="`git fsck --full` lists what is broken.")
        entries[data[space + 1 : end]] = Entry(data[at:space], data[end + 1 : end + 21].hex())
        at = end + 21
    return entries


def _written(tree: str | None, wanted: Wanted, folders: Mapping[str, Folder], writer: Writer) -> str | None:
    """Write one folder, those in it first, and return its id; None if nothing is left in it."""
    entries = dict(folders[tree]) if tree else {}
    for name, inside in wanted.items():
        there = entries.get(name)
        if isinstance(inside, FileChange):
            new = _file(inside, there, writer)
        else:
            if there is not None and there.mode != _FOLDER:
                raise _refused(next(_changes_in(inside)), "lies in what is no folder in the commit")
            below = _written(there.id if there else None, inside, folders, writer)
            new = Entry(_FOLDER, below) if below else None
        if new is None:
            entries.pop(name, None)
        else:
            entries[name] = new
    return _store(writer, "tree", tree_data(entries.items())) if entries else None


def _file(change: FileChange, there: Entry | None, writer: Writer) -> Entry | None:
    """Return the entry of a changed file, its content written; None if it is taken out."""
    if (there is None) != (change.before is None):
        raise _refused(change, "is new in the commit" if there else "is not in the commit")
    if there is not None and (there.mode not in _FILES or there.id != blob_id(change.before or b"")):
        raise _refused(change, "is not what was edited: the commit has something else there")
    if change.after is None:
        return None
    mode = there.mode if there else change.mode.encode("ascii")  # a file keeps its permissions
    if mode not in _FILES:
        raise _refused(change, "would become something else than a file")
    return Entry(mode, _store(writer, "blob", change.after))


def _changes_in(wanted: Wanted) -> Iterator[FileChange]:
    for inside in wanted.values():
        if isinstance(inside, FileChange):
            yield inside
        else:
            yield from _changes_in(inside)


def _refused(change: FileChange, why: str) -> RewriteError:
    return RewriteError(f"{readable(change.path)} {why}", hint="Run the command again: it computes the changes anew.")


def _store(writer: Writer, kind: str, data: bytes) -> str:
    from gitdb import IStream

    stream = IStream(kind.encode("ascii"), len(data), BytesIO(data))  # type: ignore[no-untyped-call]
    name: bytes = writer.store(stream).hexsha
    return name.decode("ascii")


def _id(kind: str, data: bytes) -> str:
    return sha1(b"%s %d\0%s" % (kind.encode("ascii"), len(data), data), usedforsecurity=False).hexdigest()
