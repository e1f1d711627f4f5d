"""Archives and compressed files, opened in memory and bounded in depth, size and ratio."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from secretguard.engine.magics import container_kind

MAX_MEMBER = 64 << 20
MAX_TOTAL = 256 << 20
MAX_MEMBERS = 20_000
MAX_RATIO = 200
"""Unpacked bytes for each packed byte; beyond that a file is a bomb, not an archive."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside a container; `problem` says why it, or the rest, was not read."""

    name: str
    data: bytes = b""
    problem: str = ""


def members(data: bytes) -> Iterator[Member]:
    """Yield the files in a container; a damaged or oversized one ends with a Member that has a `problem`."""
    opener = _OPENERS.get(container_kind(data))
    if opener is None:
        return
    total = 0
    try:
        for count, member in enumerate(opener(data)):
            total += len(member.data)
            if count >= MAX_MEMBERS or total > MAX_TOTAL or total > MAX_RATIO * len(data) + (1 << 20):
                yield Member(member.name, problem="the archive unpacks to more than the limit; the rest was not read")
                return
            yield member
    except (*_DAMAGE, RuntimeError, NotImplementedError, ValueError, OSError) as error:
        yield Member("", problem=f"the archive is damaged or uses an unknown method ({type(error).__name__})")


_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError)


def _bounded(stream: IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, name: str) -> Member:
    content = stream.read(MAX_MEMBER + 1)
    if len(content) > MAX_MEMBER:
        return Member(name, problem="a member is larger than the limit and was not read")
    return Member(name, content)


def _zip(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                yield Member(info.filename, problem="a member is encrypted and was not read")
                continue
            with archive.open(info) as stream:
                yield _bounded(stream, info.filename)


def _tar(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            stream = archive.extractfile(info) if info.isfile() else None
            if stream is not None:
                yield _bounded(stream, info.name)


def _stream(
    opener: Callable[[IO[bytes]], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile],
) -> Callable[[bytes], Iterator[Member]]:
    def one(data: bytes) -> Iterator[Member]:
        with opener(io.BytesIO(data)) as stream:
            yield _bounded(stream, "")

    return one


_OPENERS: Mapping[str, Callable[[bytes], Iterator[Member]]] = {
    "tar": _tar,
    "zip": _zip,
    "gzip": _stream(lambda raw: gzip.GzipFile(fileobj=raw)),
    "bzip2": _stream(bz2.BZ2File),
    "xz": _stream(lzma.LZMAFile),
}
