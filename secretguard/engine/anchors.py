"""Encoded forms of the rules' literal anchors, by which encoded copies are found.

Nothing is decoded on suspicion: a text is decoded only where one of these stands.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable
from typing import NamedTuple

from secretguard.model import Rule

MIN_FIXED = 5
"""Fewer fixed characters than this would be found everywhere by chance."""
_DOUBLE_FIXED = 7
WIDE = "wide"
"""The `encoding` of anchors that only say that there is text of two or four bytes a character."""


class EncodedAnchor(NamedTuple):
    """One expression to look for, the encoding it speaks of, and how far before it a whole unit begins."""

    encoding: str
    literal: bytes = b""
    skip: int = 0
    """Characters between the start of the coding unit and the literal (base64 alignment)."""
    caseless: bool = False
    pattern: bytes = b""
    """What stands there if it is not a literal."""

    @property
    def expression(self) -> bytes:
        """What to look for; only who compiles it asks, and there are thousands."""
        return self.pattern or re.escape(self.literal)


def encoded_anchors(rules: Iterable[Rule]) -> tuple[EncodedAnchor, ...]:
    """Return the encoded forms of all anchors of `rules`, and the escapes that need no anchor."""
    literals = sorted({anchor.encode() for rule in rules for anchor in rule.anchors})
    found: dict[tuple[bytes, str], EncodedAnchor] = {}
    for literal in literals:
        for anchor in (*_base64_forms(literal), *_hex_forms(literal), *_json_forms(literal)):
            found.setdefault((anchor.literal, anchor.encoding), anchor)
    return (*found.values(), *_ESCAPES, *_WIDE)


def _base64_forms(literal: bytes) -> list[EncodedAnchor]:
    once = [(text, skip) for text, skip in _alignments(literal) if len(text) >= MIN_FIXED]
    anchors = [EncodedAnchor("base64", text, skip) for text, skip in once]
    for inner, _ in once:
        for text, skip in _alignments(inner):
            if len(text) >= _DOUBLE_FIXED:
                anchors.append(EncodedAnchor("base64", text, skip))
    return anchors


def _alignments(literal: bytes) -> list[tuple[bytes, int]]:
    """Return the characters of base64 that `literal` fixes at each of the three alignments, and what stands before.

    With k bytes before it, the first 8k bits belong to others: ceil(8k/6) characters are not fixed.
    """
    forms = []
    for before in range(3):
        skip = (8 * before + 5) // 6
        fixed = 8 * (before + len(literal)) // 6
        forms.append((b2a_base64(b"\0" * before + literal)[skip:fixed], skip))
    return forms


def _hex_forms(literal: bytes) -> list[EncodedAnchor]:
    if len(literal) < MIN_FIXED:
        return []
    text = literal.hex().encode()
    return [EncodedAnchor("hex", text, caseless=True)]


def _json_forms(literal: bytes) -> list[EncodedAnchor]:
    r"""Return the form with `\/` for `/` that some JSON writers use; URLs with a login are found without."""
    if b"/" not in literal or literal.endswith(b"://"):
        return []
    text = literal.replace(b"/", rb"\/")
    return [EncodedAnchor("json", text)]


# A run of eight escapes of visible characters: binary data is full of others. Only the first eight of a run count, so
# that a long one is one hit, not thousands: before it stands no such escape, but any other one may.
_ESCAPES = (
    EncodedAnchor("percent", caseless=True, pattern=rb"(?:^|[^0-9a-f]|%[0189a-f][0-9a-f])(?:%[2-7][0-9a-f]){8}"),
    EncodedAnchor("percent", caseless=True, pattern=rb"%3a%2f%2f"),
    EncodedAnchor("escape", caseless=True, pattern=rb"(?:^|[^0-9a-f]|\\x[0189a-f][0-9a-f])(?:\\x[2-7][0-9a-f]){8}"),
    EncodedAnchor(
        "escape",
        caseless=True,
        pattern=rb"(?:^|[^0-9a-f]|\\u(?:00[0189a-f]|0[1-9a-f][0-9a-f]|[1-9a-f][0-9a-f]{2})[0-9a-f])(?:\\u00[2-7][0-9a-f]){8}",
    ),
    EncodedAnchor("escape", caseless=True, pattern=rb"\\u003a\\u002f\\u002f|\\x3a\\x2f\\x2f"),
    EncodedAnchor(
        "html",
        caseless=True,
        pattern=rb"(?:^|[^;]|&[a-z]{2,5};|&#(?:x[01]?[0-9a-f]|[12]?[0-9]);)"
        rb"(?:&#(?:x0{0,2}[2-7][0-9a-f]|0{0,2}(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]));){8}",
    ),
    EncodedAnchor("html", caseless=True, pattern=rb"&#(?:58|x3a);&#(?:47|x2f);"),
    EncodedAnchor(
        "json", caseless=True, pattern=rb":\\/\\/[^\s\"'`<>]{1,400}(?:@|(?:key|secret|sig|password|passwd|pwd)=)"
    ),
)
_WIDE = tuple(
    EncodedAnchor(WIDE, pattern=pattern)
    for pattern in (
        rb"(?:^|[^\x00]|\n\x00)(?:[\t\r -~]\x00){8}",
        rb"(?:^|[^\t\r -~])(?:\x00[\t\r -~]){8}",
        rb"(?:^|[^\x00]|\n\x00\x00\x00)(?:[\t\r -~]\x00\x00\x00){8}",
        rb"(?:^|[^\t\r -~])(?:\x00\x00\x00[\t\r -~]){8}",
    )
)
"""Runs of text of two or four bytes a character: little and big endian, UTF-16 and UTF-32."""
