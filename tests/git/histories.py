"""Histories for the pack reader: files that change as files do, imported in one go, and what git itself reads of them."""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.git.repositories import Workshop

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


class Edit(NamedTuple):
    """One change of one file; `place` and `span` are shares of its lines in percent."""

    file: int
    what: str
    place: int
    span: int
    text: bytes


WHATS = ("insert", "delete", "replace", "copy", "move", "join", "rewrite", "append")


def applied(content: bytes, edit: Edit) -> bytes:
    """The content after an edit."""
    lines = content.splitlines(keepends=True)
    at = len(lines) * edit.place // 100
    until = min(at + 1 + len(lines) * edit.span // 100, len(lines))
    block = lines[at:until]
    match edit.what:
        case "insert":
            lines[at:at] = [edit.text]
        case "delete":
            del lines[at:until]
        case "replace":
            lines[at:until] = [edit.text]
        case "copy":
            lines[at:at] = block
        case "move":
            del lines[at:until]
            lines += block
        case "join":
            lines[at:until] = [line.rstrip(b"\r\n") for line in block]
        case "append":
            lines.append(edit.text)
        case _:
            return edit.text
    return b"".join(lines)


def versions(files: Sequence[bytes], edits: Iterable[Edit]) -> list[dict[str, bytes]]:
    """All files, then what each edit makes of one."""
    current = list(files)
    history = [{f"f{number}.txt": content for number, content in enumerate(current)}]
    for edit in edits:
        number = edit.file % len(current)
        current[number] = applied(current[number], edit)
        history.append({f"f{number}.txt": current[number]})
    return history


def some_versions(seed: int, commits: int = 30, lines: int = 120) -> list[dict[str, bytes]]:
    """A history of three files that needs no choice."""
    rng = random.Random(seed)

    def line() -> bytes:
        return rng.randbytes(rng.randrange(4, 30)).hex().encode() + rng.choice((b"\n", b"\n", b"\n", b"\r\n", b""))

    files = [b"".join(line() for _ in range(lines)) for _ in range(3)]
    whats = [what for what in WHATS if what != "rewrite"]
    return versions(
        files,
        [
            Edit(rng.randrange(3), rng.choice(whats), rng.randrange(101), rng.randrange(30), line())
            for _ in range(commits)
        ],
    )


def grow(repo: Workshop, history: Sequence[dict[str, bytes]], *, branch: str = "main") -> None:
    """Make a commit of each version, and a tag, without a process for each."""
    stream = [b"feature done\n"]
    for number, files in enumerate(history):
        message = b"commit %d\n" % number
        stream.append(
            b"commit refs/heads/%s\ncommitter Carl <carl@example.org> %d +0000\n"
            % (branch.encode(), 1748772000 + number)
        )
        stream.append(b"data %d\n%s" % (len(message), message))
        stream += (
            b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data) for name, data in files.items()
        )
    stream.append(
        b"tag v1\nfrom refs/heads/%s\ntagger Carl <carl@example.org> 1748772000 +0000\ndata 3\none\ndone\n"
        % branch.encode()
    )
    repo.raw("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force", stdin=b"".join(stream))


def as_git_reads(repo: Workshop) -> dict[bytes, tuple[int, bytes]]:
    """Every object, by git: raw id -> kind and content."""
    output = repo.raw("cat-file", "--batch-all-objects", "--batch", "--buffer", "--unordered")
    found = {}
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        name, kind, size = output[at:end].decode().split()
        found[bytes.fromhex(name)] = KINDS[kind], output[end + 1 : end + 1 + int(size)]
        at = end + int(size) + 2
    return found
