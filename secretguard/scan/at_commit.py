"""The files of one commit in which one known secret stands: what rewriting works on.

Spans of an older report are never trusted: every file is matched again. Nothing is ignored here, no baseline, no mark:
a person asked for this very secret.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from secretguard.engine.detect import Detector, detect
from secretguard.git.objects import present, read_objects
from secretguard.git.repository import Repository
from secretguard.git.trees import ModedEntry, tree_entries
from secretguard.model import Match, Problem
from secretguard.scan.progress import Progress
from secretguard.secret import Secret


class FileAt(NamedTuple):
    """One file of a commit that holds the secret."""

    path: str
    mode: str
    data: bytes
    matches: tuple[Match, ...]
    """Those of the secret; none where only the bare value was found."""
    is_whole: bool = True
    """Whether `data` is all of the file."""


def files_with(
    secret: Secret,
    holds: Callable[[bytes], bool],
    repository: Repository,
    commit: str,
    detector: Detector,
    problems: list[Problem],
    progress: Progress,
) -> Iterator[FileAt]:
    """Yield each file of `commit` that holds `secret` as a match, or whose bytes `holds` it. Raises GitError."""
    entries: dict[str, list[ModedEntry]] = defaultdict(list)
    for entry in tree_entries(repository, commit):
        entries[entry.blob].append(entry)
    progress.phase("Looking where it stands at HEAD", len(entries))
    cut: set[str] = set()
    for info, blob in read_objects(repository, present(repository, sorted(entries), problems), problems):
        progress.advance(blob.offset == 0)
        found = tuple(one for one in detect(blob, detector).matches if one.secret.same_as(secret))
        if info.type != "blob" or not (found or holds(blob.data)) or blob.id in cut:
            continue
        is_whole = len(blob.data) == info.size
        if not is_whole:
            cut.add(blob.id)
        for entry in entries[blob.id]:
            yield FileAt(entry.path, entry.mode, blob.data, found, is_whole)
