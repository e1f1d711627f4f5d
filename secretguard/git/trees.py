"""The files of a tree, and the trees a blob stands in when no commit says so."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import IO, NamedTuple

from secretguard.errors import GitError
from secretguard.git.objects import list_objects, read_objects
from secretguard.git.repository import Repository
from secretguard.model import Problem

_FEW = 32
"""Up to so many ids are searched one by one in a tree, which is faster than taking it apart."""
_LEVELS = 16
_PATHS = 20
_CHUNK = 1 << 20
_MOST_FILES = 5_000_000
"""A tree that holds the same tree many times over, and so on below, has no end."""


class TreeEntry(NamedTuple):
    """A file or symbolic link in a tree or in the index."""

    path: str
    blob: str


class ModedEntry(NamedTuple):
    """A file or symbolic link in a tree, with its mode as git writes it."""

    path: str
    blob: str
    mode: str


def tree_files(repository: Repository, tree: str) -> Iterator[TreeEntry]:
    """Yield every file below a tree (or the tree of a commit), submodules left out. Raises GitError."""
    for entry in tree_entries(repository, tree):
        yield TreeEntry(entry.path, entry.blob)


def tree_entries(repository: Repository, tree: str) -> Iterator[ModedEntry]:
    """Yield every file below a tree (or the tree of a commit) with its mode, submodules left out. Raises GitError."""
    with repository.process("ls-tree", "-r", "-z", "--full-tree", tree) as process:
        for count, record in enumerate(records(process.stdout)):
            if count > _MOST_FILES:
                hint = "Trees within trees can multiply without end; look at this one by hand."
                raise GitError(f"{tree} names more than {_MOST_FILES:,} files", hint=hint)
            about, _, path = record.partition(b"\t")
            if len(words := about.split()) == 3 and words[1] == b"blob":
                yield ModedEntry(os.fsdecode(path), words[2].decode("ascii"), words[0].decode("ascii"))
        process.check()


def find_in_trees(repository: Repository, blobs: Collection[str], problems: list[Problem]) -> Iterator[TreeEntry]:
    """Yield the paths at which blobs stand in trees that no commit has, as far up as such trees go."""
    parents: dict[str, set[tuple[str, str]]] = defaultdict(set)
    wanted, level = set(blobs), 0
    while wanted and level < _LEVELS:
        found = list(_holders(repository, wanted, problems))
        for tree, name, content in found:
            parents[content].add((tree, name))
        wanted = {tree for tree, _, _ in found if tree not in parents}
        level += 1
    for blob in blobs:
        for path in sorted(set(islice(_paths(blob, parents, ""), _PATHS))):
            if path:
                yield TreeEntry(path, blob)


def _paths(content: str, parents: Mapping[str, Collection[tuple[str, str]]], below: str) -> Iterator[str]:
    holders = parents.get(content)
    if not holders:
        yield below
        return
    for tree, name in sorted(holders)[:_PATHS]:
        yield from _paths(tree, parents, f"{name}/{below}" if below else name)


def _holders(
    repository: Repository, contents: Collection[str], problems: list[Problem]
) -> Iterator[tuple[str, str, str]]:
    """Yield (tree, name, content) for each entry of any tree that is one of the contents (blobs or trees)."""
    raw_ids = {bytes.fromhex(content): content for content in contents}
    entry = re.compile(rb"[0-7]+ ([^\0]+)\0(.{%d})" % len(next(iter(raw_ids))), re.DOTALL)
    trees = (info.id for info in list_objects(repository, []) if info.type == "tree")
    for info, blob in read_objects(repository, trees, problems):
        if len(raw_ids) <= _FEW and not any(raw in blob.data for raw in raw_ids):
            continue
        for name, raw in entry.findall(blob.data):
            if raw in raw_ids:
                yield info.id, os.fsdecode(name), raw_ids[raw]


def entries_of(tree: bytes, id_size: int) -> set[bytes]:
    """Return the raw ids that a raw tree names, submodules left out; what is malformed ends it."""
    entry = rb"([0-7]{1,6}) [^\0]+\0(.{%d})" % id_size
    if not re.fullmatch(rb"(?:%b)*" % entry.replace(b"(", b"(?:"), tree, re.DOTALL):
        return set(_sound_entries(tree, id_size))
    return {raw for mode, raw in re.findall(entry, tree, re.DOTALL) if mode != b"160000"}


def _sound_entries(tree: bytes, id_size: int) -> Iterator[bytes]:
    at = 0
    while (end := tree.find(b"\0", at)) >= 0:
        raw = tree[end + 1 : end + 1 + id_size]
        if not tree.startswith(b"160000 ", at) and len(raw) == id_size:
            yield raw
        at = end + 1 + id_size


def records(stdout: IO[bytes]) -> Iterator[bytes]:
    """Yield what git ends with NUL, as it comes."""
    rest = b""
    while chunk := stdout.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def content_at(repository: Repository, revision: str | None, path: str) -> bytes | None:
    """Return what a file holds in a commit, or in the index if `revision` is None; None if it is not there."""
    if revision is not None and not revision.isalnum():
        return None
    named = f"{revision}:{path}" if revision else f":0:{path}"  # of `:1:x` git would take the file x
    with repository.process("cat-file", "blob", named) as process:
        data = process.stdout.read()
        return data if process.wait() == 0 else None


def contents_at(
    repository: Repository, revision: str | None, together: Collection[str] = ()
) -> Callable[[str], bytes | None]:
    """Return `content_at` for one commit, or for the index, as a function of the path alone.

    Of the index the files in `together` are read by one git, as soon as one of them is asked for.
    """
    known: dict[str, bytes | None] | None = None

    def content(path: str) -> bytes | None:
        nonlocal known
        if known is None and path in together:
            known = {} if revision else _staged_contents(repository, together)
        return known[path] if known and path in known else content_at(repository, revision, path)

    return content


def _staged_contents(repository: Repository, paths: Collection[str]) -> dict[str, bytes | None]:
    asked = [path for path in paths if "\n" not in path]
    found: dict[str, bytes | None] = {}
    questions = [b":0:%s\n" % os.fsencode(path) for path in asked]
    with repository.process("cat-file", "--batch", "--buffer", feed=questions) as process:
        for path in asked:
            header = process.stdout.readline()
            if header.startswith(b":0:"):  # the question again: it is missing
                found[path] = None
            elif len(about := header.split()) == 3:
                data = process.stdout.read(int(about[2]) + 1)[:-1]
                found[path] = data if about[1] == b"blob" else None
        # Where git died of a damaged object, the files are asked for one by one.
        return found if process.wait() == 0 else {}
