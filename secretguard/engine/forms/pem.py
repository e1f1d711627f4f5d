"""Private keys in PEM armour, whole or with their line breaks escaped into one line."""

import re
from collections.abc import Iterator

from secretguard.engine.parts import Found, Parts
from secretguard.engine.text import decoded

MAX_BODY = 32768
MIN_BODY = 64
"""Fewer base64 characters are a placeholder, not a key."""
_NOISE = re.compile(rb"[\"'][ \t]*\+?[ \t\r\n]*[\"']|\\r|\\n|\\t|\\|[^A-Za-z0-9+/=]")
_HEADER_LINE = re.compile(
    rb"(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|Subject|X-[\w-]+):[^\n\\]{0,200}(?:\\n|\n)"
)


def parse(found: Found) -> Iterator[Parts]:
    """Yield the key; the pattern's match is the BEGIN line. Identity is the base64 body without its layout.

    An encrypted key is yielded too, with the encoding `encrypted`; a body cut short is not a key.
    """
    window = found.data[found.end : found.end + MAX_BODY]
    end = window.find(b"-----END")
    if end < 0:
        return
    tail = re.match(rb"-----END[A-Z0-9 ]{0,40}-----", window[end:])
    body = window[:end]
    encrypted = b"ENCRYPTED" in found.match[0] or b"Proc-Type: 4,ENCRYPTED" in body
    core = _NOISE.sub(b"", _HEADER_LINE.sub(b"", body))
    if len(core) < MIN_BODY:
        return
    yield Parts(
        found.start,
        found.end + end + (tail.end() if tail else 0),
        decoded(core),
        form="encrypted-pem" if encrypted else "pem",
        secret_start=found.end,
        secret_end=found.end + end,
    )
