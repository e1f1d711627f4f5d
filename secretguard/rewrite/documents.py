"""Bytes of a commit <-> text that can be edited. What goes in unchanged comes out unchanged."""

import codecs

from secretguard.rewriting import Document

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LARGEST = 8 << 20
"""Bytes; no source file that a person edits is longer."""


def read_document(path: str, data: bytes) -> Document | None:
    """Return a file as text; None for one that is binary, or longer than `LARGEST`."""
    if len(data) > LARGEST:
        return None
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(path, data[len(mark) :], encoding, mark)
    if b"\0" in data:
        return None
    return _decoded(path, data, "utf-8", b"") or _decoded(path, data, "latin-1", b"")


def written(document: Document, text: str) -> bytes:
    """Return the bytes of `document` with another text; raises UnicodeEncodeError if its encoding has no such text."""
    return document.mark + text.encode(document.encoding)


def character_at(document: Document, data: bytes, offset: int) -> int:
    """Return the character of a document at which a byte of its file stands."""
    head = data[len(document.mark) : max(offset, len(document.mark))]
    return len(head.decode(document.encoding, "ignore"))


def _decoded(path: str, data: bytes, encoding: str, mark: bytes) -> Document | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    document = Document(path, text, encoding, mark)
    return document if written(document, text) == mark + data else None
