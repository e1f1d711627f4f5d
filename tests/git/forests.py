"""Histories of whole directory trees: what each commit holds is known here, without asking git."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from secretguard.git.additions import Addition
from tests.git.repositories import Workshop

FILE, PROGRAM, LINK, MODULE = b"100644", b"100755", b"120000", b"160000"
MODES = (FILE, FILE, FILE, PROGRAM, LINK, MODULE)
CONTENTS = tuple(b"content %d\n" % number for number in range(9))
PATHS = (
    b"a", b"a.b", b"a-b", b"a0", b"a/x", b"a/y", b"b", b"dir/a", b"dir/b", b"dir/sub/a", b"dir/sub/b", b"dir/sub/deep/a",
    b"dir.x", b"dir-x/a", b"dir0/a", b"same/same/same/a", b"same/same/a", b"new\nline", b"new\nline.d/a", b"caf\xe9/\xc3\xbc",
    b":colon", b"-dash", b"with space/a", b"tab\tand \"quote\"", b"z/z/z/z/z",
)  # fmt: skip

Files = dict[bytes, tuple[bytes, bytes]]
"""Path -> mode, content."""


class Change(NamedTuple):
    """One change; numbers choose among PATHS, CONTENTS and MODES."""

    what: str
    path: int
    other: int
    content: int
    mode: int


class Step(NamedTuple):
    """One commit: `parents` says how many steps back each of them is, none for a root."""

    parents: tuple[int, ...]
    takes_all: bool
    """A merge: the files of all parents, the last one's first; else those of the first parent."""
    changes: Sequence[Change]


WHATS = ("write", "write", "write", "delete", "move", "move directory", "copy directory", "change mode")


def changed(files: Files, change: Change) -> Files:
    """The files after a change."""
    path, other = PATHS[change.path % len(PATHS)], PATHS[change.other % len(PATHS)]
    content, mode = CONTENTS[change.content % len(CONTENTS)], MODES[change.mode % len(MODES)]
    above, target = path.rpartition(b"/")[0], other.partition(b"/")[0] + b"/moved"
    match change.what:
        case "write":
            return with_file(files, path, (mode, content))
        case "delete":
            return {one: what for one, what in files.items() if one != path}
        case "change mode" if path in files:
            return files | {path: (mode, files[path][1])}
        case "move" if path in files:
            rest = {one: what for one, what in files.items() if one != path}
            return with_file(rest, other, files[path])
        case "move directory" | "copy directory" if above:
            below = {one: what for one, what in files.items() if one.startswith(above + b"/")}
            after = files if change.what == "copy directory" else {one: files[one] for one in files.keys() - below}
            for one, what in below.items():
                after = with_file(after, target + one.removeprefix(above), what)
            return after
    return files


def with_file(files: Files, path: bytes, what: tuple[bytes, bytes]) -> Files:
    """The files with one more, which a file or directory of its name gives way to."""
    kept = {
        one: old for one, old in files.items() if not one.startswith(path + b"/") and not path.startswith(one + b"/")
    }
    return kept | {path: what}


def planned(steps: Iterable[Step]) -> list[tuple[list[int], Files]]:
    """For each commit the numbers of its parents, and its files."""
    commits: list[tuple[list[int], Files]] = []
    for step in steps:
        parents = list(dict.fromkeys(len(commits) - back for back in step.parents if 0 < back <= len(commits)))
        files: Files = dict(commits[parents[0]][1]) if parents else {}
        if step.takes_all:
            for parent in parents:
                for path, what in commits[parent][1].items():
                    files = with_file(files, path, what)
        for change in step.changes:
            files = changed(files, change)
        commits.append((parents, files))
    return commits


def some_steps(seed: int, commits: int = 60) -> list[Step]:
    """A history that needs no choice, with merges, octopus merges and several roots."""
    rng = random.Random(seed)
    steps = []
    for _ in range(commits):
        parents = rng.choices([(), (1,), (1, rng.randrange(2, 6)), (1, 3, 5, 2)], [1, 16, 5, 2])[0]
        changes = [
            Change(rng.choice(WHATS), *(rng.randrange(100) for _ in range(4)))
            for _ in range(rng.choice([0, 1, 1, 2, 5]))
        ]
        steps.append(Step(parents, rng.random() < 0.5, changes))
    return steps


def plant(repo: Workshop, steps: Iterable[Step], branch: str = "c") -> set[Addition]:
    """Make the commits, each with a ref of its own; return what each of them adds."""
    commits, object_format = planned(steps), repo.open().object_format
    stream = [b"feature done\n"]
    for number, (parents, files) in enumerate(commits):
        stream.append(b"commit refs/heads/%s%d\nmark :%d\n" % (branch.encode(), number, number + 1))
        stream.append(b"committer Carl <carl@example.org> %d +0000\ndata 1\n%d\n" % (1748772000 + number, number % 10))
        stream += (b"%s :%d\n" % (b"merge" if at else b"from", parent + 1) for at, parent in enumerate(parents))
        stream.append(b"deleteall\n")
        for path, (mode, content) in files.items():
            if mode == MODULE:
                stream.append(
                    b"M %s %s %s\n" % (mode, blob_id(b"a commit " + content, object_format).encode(), quoted(path))
                )
            else:
                stream.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, quoted(path), len(content), content))
    stream.append(b"done\n")
    marks = Path(repo.path).parent / "marks"
    repo.raw("fast-import", "--quiet", "--force", f"--export-marks={marks}", stdin=b"".join(stream))
    ids = dict(line.split() for line in marks.read_text().splitlines()) if commits else {}
    return {
        Addition(ids[f":{number + 1}"], path.decode("utf-8", "surrogateescape"), blob_id(content, object_format))
        for number, (parents, files) in enumerate(commits)
        for path, (mode, content) in files.items()
        if mode != MODULE and not any(_holds(commits[parent][1], path, content) for parent in parents)
    }


def _holds(files: Files, path: bytes, content: bytes) -> bool:
    mode, found = files.get(path, (MODULE, b""))
    return mode != MODULE and found == content


def blob_id(content: bytes, object_format: str = "sha1") -> str:
    """The id of a blob."""
    return hashlib.new(object_format, b"blob %d\0%s" % (len(content), content)).hexdigest()


def quoted(path: bytes) -> bytes:
    """A path as fast-import reads any."""
    return (
        b'"'
        + b"".join(b"\\%03o" % byte if byte < 33 or byte > 126 or byte in b'"\\' else bytes([byte]) for byte in path)
        + b'"'
    )
