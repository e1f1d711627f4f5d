"""Commits and tags as data, and which of them can be reached from where."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from secretguard.git.objects import read_objects
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.model import Place, Problem

PRIORITY = (Place.HISTORY, Place.NOTE, Place.STASH, Place.REFLOG, Place.UNREACHABLE)
"""A commit that can be reached in several ways belongs to the first of these."""

_STRUCTURE = (b"tree ", b"parent ", b"object ", b"type ", b"tag ")
_SIGNATURE = (b"gpgsig ", b"gpgsig-sha256 ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, as far as a report needs it."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    """`Name <mail>`."""
    date: str | None
    """When the author wrote it, ISO 8601 in UTC; None where the commit holds nonsense."""
    message: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag."""

    id: str
    object: str
    type: str
    name: str
    tagger: str
    date: str | None
    message: bytes


Links = tuple[str, tuple[str, ...]]
"""The tree and the parents of a commit."""


def parse_commit(commit: str, data: bytes) -> Commit:
    """Parse a commit object; what is malformed comes out empty, never as an error."""
    headers, message = _split(data)
    author, date = _person(_value(headers, b"author"), _value(headers, b"encoding"))
    return Commit(commit, _text(_value(headers, b"tree")), parents_of(data), author, date, message)


def parse_tag(tag: str, data: bytes) -> Tag:
    """Parse an annotated tag object; what is malformed comes out empty, never as an error."""
    headers, message = _split(data)
    tagger, date = _person(_value(headers, b"tagger"), b"")
    name = _value(headers, b"tag").decode("utf-8", "surrogateescape")
    return Tag(tag, _text(_value(headers, b"object")), _text(_value(headers, b"type")), name, tagger, date, message)


def parents_of(data: bytes) -> tuple[str, ...]:
    """Return the parents a raw commit names."""
    head = data[: data.find(b"\n\n")]
    return tuple(_text(line[7:]) for line in head.split(b"\n") if line.startswith(b"parent "))


def tree_of(data: bytes) -> str:
    """Return the tree a raw commit names."""
    return _text(data[5 : data.find(b"\n")]) if data.startswith(b"tree ") else ""


def links_of(head: bytes) -> Links:
    """Return the tree and the parents that a raw commit, or its `head_of`, names."""
    words = head.decode("ascii", "replace").split()
    if words[:1] == ["tree"] and set(words[2::2]) <= {"parent"} and len(words) % 2 == 0:
        return words[1], tuple(words[3::2])
    return tree_of(head), parents_of(head)


def head_of(data: bytes | bytearray) -> bytes | bytearray:
    """Return the lines of a raw commit that name its tree and parents, as `parents_of` and `tree_of` read them."""
    end = data.find(b"\nauthor ")
    return data[: end + 1] + b"\n" if end >= 0 else data


def written_text(data: bytes) -> bytes:
    """Return what people wrote in a raw commit or tag: the message, then the headers that are not structure.

    The message comes first so that its lines keep their numbers; signatures are left out.
    """
    headers, message = _split(data)
    kept = []
    keep = False
    for line in headers.split(b"\n"):
        if not line.startswith(b" "):  # a line with a leading space continues the header above
            keep = not line.startswith((*_STRUCTURE, *_SIGNATURE))
        if keep:
            kept.append(line)
    return message + (b"" if message.endswith(b"\n") else b"\n") + b"\n".join(kept)


def read_commits(repository: Repository, ids: Iterable[str], problems: list[Problem]) -> Iterator[Commit]:
    """Yield the commits with these ids."""
    for info, blob in read_objects(repository, ids, problems):
        if info.type == "commit":
            yield parse_commit(info.id, blob.data)


def reachability(
    graph: Mapping[str, Collection[str]], tags: Mapping[str, Tag], tips: Iterable[Tip]
) -> dict[str, Place]:
    """Say for each commit of the graph (commit -> parents) what keeps it: see PRIORITY."""
    places: dict[str, Place] = {}
    starts = {place: [peel(tip.id, tags) for tip in tips if tip.place is place] for place in PRIORITY}
    for place in PRIORITY:
        waiting = starts[place]
        while waiting:
            commit = waiting.pop()
            if commit in graph and commit not in places:
                places[commit] = place
                waiting.extend(graph[commit])
    return places


def peel(name: str, tags: Mapping[str, Tag]) -> str:
    """Return what a tag finally points at, or the object itself if it is no tag."""
    for _ in range(100):  # a chain of tags is short, and cannot be a ring
        if name not in tags:
            break
        name = tags[name].object
    return name


def _split(data: bytes) -> tuple[bytes, bytes]:
    headers, _, message = data.partition(b"\n\n")
    return headers, message


def _value(headers: bytes, name: bytes) -> bytes:
    for line in headers.split(b"\n"):
        if line.startswith(name + b" "):
            return line[len(name) + 1 :]
    return b""


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace")


def _person(value: bytes, encoding: bytes) -> tuple[str, str | None]:
    """`Name <mail> 1748772000 +0200` -> name with mail, date."""
    who, _, when = value.rpartition(b"> ")
    who, when = (who + b">", when) if who else (value, b"")
    return _decode(who, encoding), _date(when)


def _decode(value: bytes, encoding: bytes) -> str:
    if encoding:
        try:
            return value.decode(encoding.decode("ascii"), "replace")
        except (LookupError, ValueError):
            pass
    return value.decode("utf-8", "replace")


def _date(when: bytes) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=int(when.split()[0]))
    except (ValueError, IndexError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else None
