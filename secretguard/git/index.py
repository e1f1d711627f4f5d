"""What is staged: the index against HEAD, and every blob any index names."""

import os
from collections.abc import Iterator
from pathlib import Path

from secretguard.git.repository import Repository
from secretguard.git.trees import TreeEntry

_FILE_MODES = (b"100644", b"100755", b"100664", b"120000")


def staged(repository: Repository) -> list[TreeEntry]:
    """Return what the index would add to HEAD: new or changed files with exactly their staged content.

    While a merge has conflicts, all sides of the conflicting files too. Raises GitError.
    """
    if not index_file(repository).exists():
        return []  # a bare repository, mostly
    with repository.process(
        "diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--ignore-submodules=none", repository.head or repository.empty_tree, "--",
    ) as process:  # fmt: skip
        process.bound_memory()
        tokens = process.stdout.read().split(b"\0")
        process.check()
    found = []
    conflicts = False
    for about, path in zip(tokens[::2], tokens[1::2], strict=False):
        _, mode, old_blob, blob, status = about.split(b" ")
        conflicts = conflicts or status == b"U"
        if mode in _FILE_MODES and blob != old_blob:
            found.append(TreeEntry(os.fsdecode(path), blob.decode("ascii")))
    sides = _entries(repository, "--unmerged") if conflicts else ()
    return list(dict.fromkeys([*found, *sides]))


def index_blobs(repository: Repository) -> Iterator[TreeEntry]:
    """Yield every file any worktree's index holds. Raises GitError."""
    seen: set[TreeEntry] = set()
    for git_dir in repository.git_dirs:
        own = git_dir == repository.git_dir
        index = index_file(repository) if own else git_dir / "index"
        if index.is_file():
            seen.update(_entries(repository, "--stage", None if own else str(index)))
    yield from sorted(seen)


def index_file(repository: Repository) -> Path:
    """Return where the index is, if there is one."""
    return Path(dict(repository.environment).get("GIT_INDEX_FILE") or repository.git_dir / "index")


def _entries(repository: Repository, which: str, index: str | None = None) -> Iterator[TreeEntry]:
    """Parse `mode id stage<TAB>path` records."""
    environment = {"GIT_INDEX_FILE": index} if index else None
    for record in repository.git("ls-files", "-z", which, environment=environment).split(b"\0"):
        about, _, path = record.partition(b"\t")
        if (words := about.split()) and words[0] in _FILE_MODES:
            yield TreeEntry(os.fsdecode(path), words[1].decode("ascii"))
