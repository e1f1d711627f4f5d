"""Encoded copies: base64, hex, escapes and UTF-16/32, decoded only where an anchor stands."""

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from secretguard.engine.anchors import WIDE, EncodedAnchor

MAX_RUN = 1 << 16
"""Longest encoded run that is decoded, in bytes on each side of its anchor."""
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_HEX = b"0123456789abcdefABCDEF"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ENDS = tuple(bytes([byte]) for byte in b" \t\n\r\v\f\"'`<>")
_END_OF_TEXT = re.compile(rb"[\s\"'`<>]")
_WRAPPED = re.compile(rb"\r?\n[ \t]*(?=[A-Za-z0-9+/]{4})")
_TEXT = b"\t\n\r" + bytes(range(0x20, 0x7F))
_CLASSES = bytes(ord("a") if byte in _TEXT else min(byte, 1) for byte in range(256))
"""Text, NUL and everything else as `a`, 0 and 1, in which a run of wide text is a fixed string."""
_WIDE = (("utf-16-le", b"a\0"), ("utf-16-be", b"\0a"), ("utf-32-le", b"a\0\0\0"), ("utf-32-be", b"\0\0\0a"))
_WIDE_RUN = 12
"""Characters; a shorter run holds no credential."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A decoded text and the span of the run it was decoded from."""

    encoding: str
    start: int
    end: int
    data: bytes


def pieces_of(data: bytes, anchors: Sequence[EncodedAnchor], hits: Mapping[int, Iterable[int]]) -> Iterator[Piece]:
    """Yield the decoded text around each encoded-anchor hit (end offsets by anchor number), each run once."""
    yield from decoded_pieces(data, anchors, hits)
    if any(anchors[number].encoding == WIDE for number in hits):
        yield from wide_pieces(data)


def decoded_pieces(data: bytes, anchors: Sequence[EncodedAnchor], hits: Mapping[int, Iterable[int]]) -> Iterator[Piece]:
    """Yield the decoded text around each encoded-anchor hit (end offsets by anchor number), each run once."""
    seen: set[tuple[str, int, int]] = set()
    for number, ends in hits.items():
        anchor = anchors[number]
        if anchor.encoding == WIDE:
            continue
        covered = -1
        for end in sorted(ends):
            if end <= covered:
                continue
            piece = _DECODERS[anchor.encoding](data, anchor, end)
            if piece is None:
                continue
            covered = piece.end
            if (key := (piece.encoding, piece.start, piece.end)) not in seen:
                seen.add(key)
                yield piece


def wide_pieces(data: bytes) -> Iterator[Piece]:
    """Yield runs of UTF-16 and UTF-32 text as UTF-8; data without a NUL byte costs one search."""
    if b"\0" not in data:
        return
    classes = data.translate(_CLASSES)
    for encoding, unit in _WIDE:
        start = classes.find(unit * _WIDE_RUN)
        while start >= 0:
            end = start + len(unit) * _WIDE_RUN
            while classes.startswith(unit, end):
                end += len(unit)
            yield Piece(encoding[:6], start, end, data[start:end].decode(encoding).encode())
            start = classes.find(unit * _WIDE_RUN, end)


def _base64(data: bytes, anchor: EncodedAnchor, end: int) -> Piece | None:
    literal = end - len(anchor.literal)
    left = data[max(0, literal - MAX_RUN) : literal]
    start = literal - len(left) + len(left.rstrip(_BASE64))
    right = data[literal : literal + MAX_RUN]
    stop = literal + len(right) - len(right.lstrip(_BASE64))
    text = data[start:stop]
    # The anchor's own alignment says where groups of four begin, whatever is glued to the front.
    text = text[(literal - anchor.skip - start) % 4 :] if literal - anchor.skip >= start else b""
    if not text:
        return None
    while (wrap := _WRAPPED.match(data, stop)) and len(text) % 4 == 0 and len(text) < MAX_RUN:
        line = data[wrap.end() : wrap.end() + 256]
        more = len(line) - len(line.lstrip(_BASE64))
        text, stop = text + line[:more], wrap.end() + more
    text = text.translate(_URL_SAFE)
    try:
        plain = base64.b64decode(text[: len(text) - (len(text) % 4 == 1)] + b"==")
    except binascii.Error:
        return None
    return Piece("base64", start, stop + len(data[stop : stop + 2]) - len(data[stop : stop + 2].lstrip(b"=")), plain)


def _hex(data: bytes, anchor: EncodedAnchor, end: int) -> Piece | None:
    literal = end - len(anchor.literal)
    left = data[max(0, literal - MAX_RUN) : literal]
    start = literal - len(left) + len(left.rstrip(_HEX))
    start += (literal - start) % 2
    right = data[literal : literal + MAX_RUN]
    stop = literal + len(right) - len(right.lstrip(_HEX))
    stop -= (stop - start) % 2
    return Piece("hex", start, stop, bytes.fromhex(data[start:stop].decode("ascii")))


def _escaped(encoding: str, decode: Callable[[bytes], bytes]) -> Callable[[bytes, EncodedAnchor, int], Piece | None]:
    """Decode the text around the hit, up to a blank or quote on each side."""

    def around(data: bytes, _anchor: EncodedAnchor, end: int) -> Piece | None:
        at = end - 1
        low = max(0, at - 2048)
        start = max(low, *(data.rfind(end, low, at) + 1 for end in _ENDS))
        after = _END_OF_TEXT.search(data, at, min(len(data), at + MAX_RUN))
        finish = after.start() if after else min(len(data), at + MAX_RUN)
        text = data[start:finish]
        plain = decode(text)
        return None if plain == text else Piece(encoding, start, finish, plain)

    return around


def _unescape(text: bytes) -> bytes:
    return re.sub(
        rb"\\(?:x([0-9A-Fa-f]{2})|u00([0-9A-Fa-f]{2}))", lambda m: bytes.fromhex((m[1] or m[2]).decode()), text
    )


def _unhtml(text: bytes) -> bytes:
    return html.unescape(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


_DECODERS: Mapping[str, Callable[[bytes, EncodedAnchor, int], Piece | None]] = {
    "base64": _base64,
    "hex": _hex,
    "percent": _escaped("percent", unquote_to_bytes),
    "escape": _escaped("escape", _unescape),
    "json": _escaped("json", lambda text: text.replace(b"\\/", b"/")),
    "html": _escaped("html", _unhtml),
}
