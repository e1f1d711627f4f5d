"""Content of any size as `Blob`s: whole, or cut into overlapping windows at line starts."""

import hashlib
from collections.abc import Callable, Iterator

from secretguard.model import Blob

WINDOW = 64 << 20
OVERLAP = 64 << 10
_LINE_SEARCH = 1 << 20


def blob_id(data: bytes, object_format: str = "sha1") -> str:
    """Return the id git gives a blob with this content."""
    digest = hashlib.new(object_format, b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def windows(name: str, read: Callable[[int], bytes]) -> Iterator[Blob]:
    """Yield what `read` returns, to its end, as windows of the blob `name`; each repeats the end of the one before."""
    data = read(WINDOW)
    offset, line = 0, 1
    while True:
        yield Blob(name, data, offset, line)
        if len(data) < WINDOW:
            return
        start = _cut(data)
        line += data.count(b"\n", 0, start)
        offset += start
        fresh = read(WINDOW - (len(data) - start))
        if not fresh:
            return
        data = data[start:] + fresh


def _cut(data: bytes) -> int:
    """Where the next window starts: at the last line start that leaves the overlap, or in mid-line in a huge line."""
    latest = len(data) - OVERLAP
    newline = data.rfind(b"\n", max(0, latest - _LINE_SEARCH), latest)
    return newline + 1 if newline >= 0 else latest
