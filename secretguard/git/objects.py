"""Stream the objects of a repository through `git cat-file`; one bad object never ends the stream."""

import io
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO, NamedTuple

from secretguard.errors import GitError
from secretguard.git import windows
from secretguard.git.complaints import complaint_in
from secretguard.git.repository import Repository
from secretguard.model import Blob, Problem

_FEED_SIZE = 512
_NAMED = 20
"""So many unreadable objects are named one by one; the rest is counted."""
_PATIENCE = 100
"""So many dead processes in a row without one answer mean that the repository is at fault, not an object."""
_HINT = "`git fsck --full` lists what is broken; a fresh clone may have it whole."
_ABOUT_ONE = re.compile("object file|inflate|unable to unpack|loose object|object corrupt")
"""Complaints about one loose object, which the list names as missing anyway."""


class ObjectInfo(NamedTuple):
    """What git knows about an object without reading it."""

    id: str
    type: str
    size: int


class _Unreadable:
    """Objects that should be readable and are not, told to the user without flooding the report."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.count = 0
        self.seen: set[str] = set()

    def add(self, name: str, reason: str) -> None:
        if name in self.seen:
            return
        self.count += 1
        if self.count <= _NAMED:
            self.seen.add(name)
            self.problems.append(Problem(f"object {name}", f"cannot be read: {reason}", _HINT))

    def close(self) -> None:
        if self.count > _NAMED:
            self.problems.append(Problem("objects", f"{self.count - _NAMED} more objects cannot be read", _HINT))


def list_objects(repository: Repository, problems: list[Problem]) -> Iterator[ObjectInfo]:
    """Yield every object the repository holds, in pack order: loose, packed, alternate, reachable or not."""
    output, complaints = _listing(repository)
    unreadable = _Unreadable(problems)
    for line in io.BytesIO(output):
        parts = line.decode("ascii", "replace").split()
        if len(parts) == 3:
            yield ObjectInfo(parts[0], parts[1], int(parts[2]))
        elif parts:
            unreadable.add(parts[0], "it is corrupt")
    unreadable.close()
    # A pack, its index or an alternate that git cannot open takes its objects out of the list without an exit code.
    lost = {line for line in complaints.splitlines() if line.startswith("error:") and not _ABOUT_ONE.search(line)}
    problems.extend(Problem("objects", complaint_in(line), _HINT) for line in sorted(lost)[:_NAMED])


def _listing(repository: Repository) -> tuple[bytes, str]:
    command = ("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype) %(objectsize)")
    with repository.process(*command, "--unordered") as process:
        output = process.stdout.read()
        if process.wait() == 0:
            return output, process.stderr
    # A truncated pack cannot be listed in its own order; its index still can.
    with repository.process(*command) as process:
        output = process.stdout.read()
        return output, process.check()


def read_objects(
    repository: Repository, ids: Iterable[str], problems: list[Problem]
) -> Iterator[tuple[ObjectInfo, Blob]]:
    """Yield the content of each object in the order given, in windows if it is large.

    An object that cannot be read becomes a problem. In a partial clone ask for `present` ids only, or git tries to
    fetch the others. Raises GitError if nothing can be read.
    """
    pending: deque[bytes] = deque()
    remaining = (name.encode() for name in ids)
    unreadable = _Unreadable(problems)
    buffered, deaths = True, 0
    while True:
        answered = 0
        options = ("--buffer",) if buffered else ()
        with repository.process("cat-file", "--batch", *options, feed=_feed(pending, remaining)) as process:
            for info, blob in _answers(process.stdout, pending):
                answered += 1
                if blob is not None:
                    yield info, blob
                else:
                    unreadable.add(info.id, "it is missing or corrupt")
            code = process.wait()
            failure = process.failure() if code else None
        if not pending and not failure:
            break
        deaths = 0 if answered else deaths + 1
        if deaths > _PATIENCE and failure:
            raise failure
        if buffered:
            buffered = False  # git may have died with answers unsent: only now is the first one unanswered at fault
        elif pending:
            unreadable.add(pending.popleft().decode(), _reason(failure))
    unreadable.close()


def present(repository: Repository, ids: Collection[str], problems: list[Problem]) -> list[str]:
    """Return the ids that a partial clone holds, with a note about the others; every id in any other repository."""
    if not repository.partial:
        return list(ids)
    held = {info.id for info in list_objects(repository, [])}
    here = [name for name in ids if name in held]
    if len(here) < len(ids):
        problems.append(_never_fetched(len(ids) - len(here)))
    return here


@contextmanager
def connectivity_checked(repository: Repository, problems: list[Problem]) -> Iterator[None]:
    """Check beside the work in the context that every object a ref, reflog or index needs is there.

    Each that is not becomes a problem at the end; in a partial clone those it never fetched are one note.
    """
    command = ("rev-list", "--objects", "--all", "--reflog", "--indexed-objects", "--missing=print", "--quiet")
    with repository.process(*command) as process:
        yield
        missing = [line[1:] for line in process.stdout.read().decode("ascii", "replace").split() if line[0] == "?"]
        failure = process.failure() if process.wait() else None
    problems.extend(missing_problems(repository, missing))
    if failure:
        problems.append(Problem("history", str(failure), failure.hint))


def missing_problems(repository: Repository, missing: Collection[str]) -> list[Problem]:
    """Return what to say of objects that others need and that are not here."""
    if missing and repository.partial:
        return [_never_fetched(len(missing))]
    problems: list[Problem] = []
    unreadable = _Unreadable(problems)
    for name in missing:
        unreadable.add(name, "it is missing")
    unreadable.close()
    return problems


def _never_fetched(count: int) -> Problem:
    what = f"partial clone: {count} object{'s were' if count > 1 else ' was'} never fetched and not looked at"
    return Problem("objects", what, "Scan a full clone to look at everything.", is_note=True)


def _reason(failure: GitError | None) -> str:
    return str(failure or "git ended early").removeprefix("git cat-file: ")


def _feed(pending: deque[bytes], remaining: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a dead process left unanswered, then the others; `pending` is what is asked and not answered."""
    again = list(pending)
    for start in range(0, len(again), _FEED_SIZE):
        yield b"\n".join(again[start : start + _FEED_SIZE]) + b"\n"
    while chunk := list(islice(remaining, _FEED_SIZE)):
        pending.extend(chunk)
        yield b"\n".join(chunk) + b"\n"


def _answers(stdout: IO[bytes], pending: deque[bytes]) -> Iterator[tuple[ObjectInfo, Blob | None]]:
    """Parse cat-file's answers until it ends; None stands for the content of an object it does not have."""

    def exactly(size: int) -> bytes:
        data = stdout.read(size)
        if len(data) < size:
            raise EOFError
        return data

    try:
        while header := stdout.readline():
            parts = header.decode("ascii", "replace").split()
            if len(parts) != 3:
                pending.popleft()
                yield ObjectInfo(parts[0] if parts else "", "missing", 0), None
                continue
            info = ObjectInfo(parts[0], parts[1], int(parts[2]))
            if info.size <= windows.WINDOW:
                data = exactly(info.size)
                exactly(1)
                pending.popleft()
                yield info, Blob(info.id, data)
            else:
                yield from _large(info, exactly)
                exactly(1)
                pending.popleft()
    except EOFError:
        return


def _large(info: ObjectInfo, exactly: Callable[[int], bytes]) -> Iterator[tuple[ObjectInfo, Blob]]:
    left = info.size

    def read(size: int) -> bytes:
        nonlocal left
        size = min(size, left)
        left -= size
        return exactly(size)

    for blob in windows.windows(info.id, read):
        yield info, blob
