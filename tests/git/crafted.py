"""Packs written by hand: what git would not write, and a hostile repository may hold. Format: gitformat-pack(5)."""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMIT, TREE, BLOB, TAG, OFFSET_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7


@dataclass
class Entry:
    """One entry; what is not given is as it should be."""

    data: bytes
    kind: int = BLOB
    base: "Entry | bytes | int | None" = None
    """Of a delta: an entry, an id, or how far back."""
    size: int | None = None
    stored: bytes | None = None
    """In place of the data, deflated."""
    id: bytes = b""
    at: int = 0

    def __post_init__(self) -> None:
        self.id = self.id or hashlib.sha1(b"%d %d\0" % (self.kind, id(self)) + self.data).digest()


def delta_of(base_size: int, result_size: int, *instructions: bytes | tuple[int, int]) -> bytes:
    """A delta: bytes are inserted, (offset, size) is copied."""
    made = _varint(base_size) + _varint(result_size)
    for one in instructions:
        if isinstance(one, bytes):
            for start in range(0, len(one), 127):
                piece = one[start : start + 127]
                made += bytes([len(piece)]) + piece
        else:
            made += _copy(*one)
    return made


def write(directory: Path, entries: Sequence[Entry], *, offsets: dict[bytes, int] | None = None) -> Path:
    """Write a pack and its index into `directory`; `offsets` are what the index says, where that is not so."""
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(entries)))
    for entry in entries:
        entry.at = len(pack)
        pack += _head(entry) + (zlib.compress(entry.data, 1) if entry.stored is None else entry.stored)
    pack += hashlib.sha1(pack).digest()
    told = {entry.id: entry.at for entry in entries} | (offsets or {})
    path = directory / f"pack-{pack[-20:].hex()}.pack"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack)
    path.with_suffix(".idx").write_bytes(index(told, pack[-20:]))
    return path


def index(offsets: dict[bytes, int], checksum: bytes) -> bytes:
    """Return an index, version 2."""
    ids = sorted(offsets)
    fanout = [sum(name[0] <= first for name in ids) for first in range(256)]
    far = [offsets[name] for name in ids if offsets[name] >= 1 << 31]
    short = [offsets[name] if offsets[name] < 1 << 31 else (1 << 31) + far.index(offsets[name]) for name in ids]
    made = b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + b"".join(ids) + bytes(4 * len(ids))
    made += struct.pack(f">{len(ids)}I{len(far)}Q", *short, *far) + checksum
    return made + hashlib.sha1(made).digest()


def _head(entry: Entry) -> bytes:
    size = len(entry.data) if entry.size is None else entry.size
    first = entry.kind << 4 | size & 15
    size >>= 4
    head = bytes([first | (128 if size else 0)])
    if size:
        head += _varint(size)
    if entry.kind == OFFSET_DELTA:
        back = entry.at - entry.base.at if isinstance(entry.base, Entry) else entry.base
        assert isinstance(back, int)
        head += _distance(back)
    elif entry.kind == REF_DELTA:
        base = entry.base.id if isinstance(entry.base, Entry) else entry.base
        assert isinstance(base, bytes)
        head += base
    return head


def _varint(number: int) -> bytes:
    made = bytearray()
    while True:
        number, low = number >> 7, number & 127
        made.append(low | (128 if number else 0))
        if not number:
            return bytes(made)


def _distance(back: int) -> bytes:
    made = bytearray([back & 127])
    while back := (back >> 7):
        back -= 1
        made.insert(0, 128 | back & 127)
    return bytes(made)


def _copy(offset: int, size: int) -> bytes:
    code, rest = 128, bytearray()
    for bit in range(4):
        if byte := offset >> 8 * bit & 255:
            code |= 1 << bit
            rest.append(byte)
    for bit in range(3):
        if byte := size >> 8 * bit & 255:
            code |= 16 << bit
            rest.append(byte)
    return bytes([code]) + bytes(rest)
