"""Objects are counted on their way into the sweep, and told of where they are more than lines."""

import io
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest

from secretguard.engine.magics import MAGICS, container_kind
from secretguard.git.families import BLOB, COMMIT, TAG
from secretguard.scan.history_sweep import _BEGINNINGS, _POINTER
from tests.git.builds import reader

__all__ = ["reader"]

Told = list[tuple[int, int, bytes]]


class Watched:
    """What a watch makes of these objects, entries 0, 1, ...; by default blobs that are here for the first time."""

    def __init__(
        self,
        reader: SimpleNamespace,
        contents: list[bytes],
        kinds: dict[int, int] | None = None,
        repeated: tuple[int, ...] = (),
        elsewhere: tuple[int, ...] = (),
    ) -> None:
        entries = range(len(contents))
        self.given = [reader.walk.stored_whole(entry, data) for entry, data in enumerate(contents)]
        self.told: Told = []
        self.watch: Any = reader.history_watch.Watch(
            iter(self.given),
            bytearray((kinds or {}).get(entry, BLOB) for entry in entries),
            bytearray(entry in repeated for entry in entries),
            bytearray(entry in elsewhere for entry in entries),
            _BEGINNINGS,
            lambda entry, kind, data: self.told.append((entry, kind, bytes(data))),
        )
        self.passed = [*self.watch]

    @property
    def counted(self) -> tuple[int, int]:
        return self.watch.objects, self.watch.bytes


def tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    return made.getvalue()


def test_all_objects_are_passed_on_as_they_came_and_counted(reader: SimpleNamespace) -> None:
    watched = Watched(reader, [b"one", b"", b"three"], {2: COMMIT})
    assert len(watched.passed) == 3
    assert all(one is given for one, given in zip(watched.passed, watched.given, strict=True))
    assert watched.counted == (3, 8)


def test_nothing_is_counted_before_it_came(reader: SimpleNamespace) -> None:
    given = iter([reader.walk.stored_whole(0, b"one"), reader.walk.stored_whole(1, b"three")])
    flags = bytearray(2)
    watch = reader.history_watch.Watch(given, bytearray((BLOB, BLOB)), flags, flags, b"", print)
    assert (watch.objects, watch.bytes) == (0, 0)
    next(watch)
    assert (watch.objects, watch.bytes) == (1, 3)
    next(watch)
    assert (watch.objects, watch.bytes) == (2, 8)
    with pytest.raises(StopIteration):
        next(watch)
    assert (watch.objects, watch.bytes) == (2, 8)


def test_it_tells_of_commits_and_tags_whatever_they_are(reader: SimpleNamespace) -> None:
    contents = [b"tree x", b"", b"object x", b"a blob"]
    watched = Watched(reader, contents, {0: COMMIT, 1: COMMIT, 2: TAG})
    assert watched.told == [(0, COMMIT, b"tree x"), (1, COMMIT, b""), (2, TAG, b"object x")]


SPECIAL = {
    "a pointer": _POINTER + b"v1\noid sha256:0\nsize 1\n",
    "a tar file": tar(),
    **{kind: magic + b"and more" for magic, kind in MAGICS},
    **{f"no more than the head of {kind}": magic for magic, kind in MAGICS},
}


@pytest.mark.parametrize("content", SPECIAL.values(), ids=SPECIAL)
def test_it_tells_of_blobs_that_are_more_than_lines(reader: SimpleNamespace, content: bytes) -> None:
    assert content.startswith(_POINTER) or container_kind(content)
    watched = Watched(reader, [b"lines\n", content, b"lines\n"])
    assert watched.told == [(1, BLOB, content)]
    assert watched.counted == (3, 12 + len(content))


PLAIN = {
    "nothing": b"",
    "lines": b"some lines\n" * 100,
    "one byte": b"x",
    "zeros": bytes(1000),
    "as long as what stands before the mark of a tar file": b"x" * 257,
    "the mark of a tar file one byte too soon": b"x" * 256 + b"u" + b"x" * 100,
    "the mark of a tar file one byte too late": b"x" * 258 + b"u" + b"x" * 100,
    "a pointer that does not stand at the beginning": b"\n" + _POINTER,
}


@pytest.mark.parametrize("content", PLAIN.values(), ids=PLAIN)
def test_it_is_silent_on_what_is_only_lines(reader: SimpleNamespace, content: bytes) -> None:
    watched = Watched(reader, [content])
    assert watched.told == []
    assert watched.counted == (1, len(content))


def test_every_beginning_of_a_container_or_a_pointer_is_one_it_looks_for(reader: SimpleNamespace) -> None:
    watched = Watched(reader, [bytes([byte]) for byte in range(256)])
    assert {data for _, _, data in watched.told} == {magic[:1] for magic, _ in MAGICS} | {_POINTER[:1]}


def test_it_is_silent_on_what_an_earlier_part_holds_and_does_not_count_it(reader: SimpleNamespace) -> None:
    contents = [*SPECIAL.values(), b"tree x", b"lines"]
    everything = tuple(range(len(contents)))
    watched = Watched(reader, contents, {len(SPECIAL): COMMIT}, repeated=everything)
    assert watched.told == []
    assert watched.counted == (0, 0)
    assert len(watched.passed) == len(contents)  # others may be built on it


def test_it_tells_of_what_is_counted_elsewhere_and_does_not_count_it(reader: SimpleNamespace) -> None:
    contents = [tar(), b"tree x", b"lines", b"more lines"]
    watched = Watched(reader, contents, {1: COMMIT}, elsewhere=(0, 1, 2))
    assert watched.told == [(0, BLOB, contents[0]), (1, COMMIT, contents[1])]
    assert watched.counted == (1, len(contents[3]))


def test_an_error_in_what_it_watches_or_tells_is_not_lost(reader: SimpleNamespace) -> None:
    flags = bytearray(1)

    def failing() -> Any:
        yield reader.walk.stored_whole(0, b"PK\x03\x04")
        raise OSError("gone")

    watch = reader.history_watch.Watch(failing(), bytearray((BLOB,)), flags, flags, b"", print)
    next(watch)
    with pytest.raises(OSError, match="gone"):
        next(watch)

    def tell(*told: object) -> None:
        raise OSError("full")

    watch = reader.history_watch.Watch(failing(), bytearray((BLOB,)), flags, flags, b"P", tell)
    with pytest.raises(OSError, match="full"):
        next(watch)
