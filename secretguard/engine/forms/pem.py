"""Private keys in PEM armour or a PuTTY file, whole or with their line breaks escaped into one line."""

import re
from collections.abc import Iterator

from secretguard.engine.parts import Found, Parts
from secretguard.engine.text import decoded

MAX_BODY = 32768
MIN_BODY = 64
"""Fewer base64 characters are a placeholder, not a key."""
_MIN_PUTTY_BODY = 40
"""PuTTY keeps the private half by itself: 48 characters of Ed25519."""
_PUTTY_COUNT = re.compile(rb"[ \t]*[0-9]{1,3}(?:[\r\n]|\\[rn]){1,4}")
_NOISE = re.compile(rb"[\"'][ \t]*\+?[ \t\r\n]*[\"']|\\r|\\n|\\t|\\|[^A-Za-z0-9+/=]")
_HEADER_LINE = re.compile(
    rb"(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|Subject|X-[\w-]+):[^\n\\]{0,200}(?:\\n|\n)"
)


def parse(found: Found) -> Iterator[Parts]:
    """Yield the key; the pattern's match is its first line. Identity is the base64 body without its layout.

    An encrypted key is yielded too, in the form `encrypted-pem`; a body cut short is not a key.
    """
    window = found.data[found.end : found.end + MAX_BODY]
    if found.match[0].startswith(b"PuTTY"):
        yield from _putty(found, window)
        return
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


def _putty(found: Found, window: bytes) -> Iterator[Parts]:
    """Yield the private half: the lines between `Private-Lines` and the MAC."""
    header, _, rest = window.partition(b"PuTTY-User-Key-File-")[0].partition(b"Private-Lines:")
    count = _PUTTY_COUNT.match(rest)
    end = rest.find(b"Private-")
    if count is None or end < 0:
        return
    body = rest[count.end() : end]
    core = _NOISE.sub(b"", body)
    if len(core) < _MIN_PUTTY_BODY:
        return
    start = found.end + len(header) + len(b"Private-Lines:") + count.end()
    yield Parts(
        found.start,
        start + len(body),
        decoded(core),
        form="pem" if b"Encryption: none" in header else "encrypted-pem",
        secret_start=start,
        secret_end=start + len(body),
    )
