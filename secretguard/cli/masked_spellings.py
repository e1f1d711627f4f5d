"""How a value may stand in a program's output: as it is, and as programs encode and quote it.

Base64: https://www.rfc-editor.org/rfc/rfc4648. Inside a longer encoded text a value begins at one of three places of
a group of four characters; only the characters that hang on the value alone are looked for there.
"""

import html
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHORTEST = 4
"""Bytes. To blot out each `1` of an output helps nobody, and three characters are guessed anyway."""
_WIDTHS = (64, 76)
"""Columns at which openssl and base64 break their lines."""
_LEFT_ALONE = ("", "/", "!'()*", "!'()*;,/?:@&=+$#")
"""What Python's `quote` leaves as it is, by default too, and encodeURIComponent and encodeURI of JavaScript."""


def is_masked(value: str) -> bool:
    """Whether a value is long enough to be masked."""
    return len(os.fsencode(value)) >= SHORTEST


def spellings_of(values: Iterable[str]) -> frozenset[bytes]:
    """Return everything that is to be masked for these values, as bytes that a program may write."""
    parts = {part for value in values for part in _parts(value) if is_masked(part)}
    spelled = (spelling for part in parts for spelling in _spelled(part))
    return frozenset(spelling for spelling in spelled if len(spelling) >= SHORTEST)


def _parts(value: str) -> Iterator[str]:
    """Yield a value, its lines, and the password of each that is a URL."""
    for text in dict.fromkeys((value, *(line.strip() for line in value.splitlines()))):
        yield text
        if "://" in text:
            yield from _passwords(text)


def _passwords(url: str) -> tuple[str, ...]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return ()
    return (password, unquote(password))


def _spelled(text: str) -> Iterator[bytes]:
    data = os.fsencode(text)
    yield data
    yield data.replace(b"\n", b"\r\n")  # as a terminal shows it
    yield from (data.hex().encode(), data.hex().upper().encode())
    yield from _base64(data)
    for written in (*_percent(data), *_escaped(text), *_quoted(text)):
        yield os.fsencode(written)


def _base64(data: bytes) -> Iterator[bytes]:
    for before in range(3):
        text = b64encode(bytes(before) + data)
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        found = [text[first:last], text[first:].rstrip(b"="), text[first:]]
        if not before:
            found += [text[at : at + width] for width in _WIDTHS for at in range(0, len(text), width)]
        for one in found:
            yield one
            yield one.translate(_URL_SAFE)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _percent(data: bytes) -> Iterator[str]:
    for text in (*(quote(data, safe) for safe in _LEFT_ALONE), quote_plus(data)):
        yield text
        yield re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), text)


def _escaped(text: str) -> Iterator[str]:
    """Yield it as JSON (of Python, JavaScript, PHP and Go), XML and Python write it inside quotes."""
    for ascii_only in (True, False):
        plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield plain
        yield plain.replace("/", "\\/")
        yield re.sub("[<>&]", lambda char: f"\\u{ord(char[0]):04x}", plain)
    yield from (html.escape(text), html.escape(text, quote=False), repr(text)[1:-1])


def _quoted(text: str) -> Iterator[str]:
    """Yield it as shells show it, with `set -x` and `export -p`."""
    yield text.replace("'", "'\\''")
    yield re.sub(r'([$`"\\])', r"\\\1", text)
