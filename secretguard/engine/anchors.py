"""Encoded forms of the rules' literal anchors, by which encoded copies are found.

Nothing is decoded on suspicion: a text is decoded only where one of these stands.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from secretguard.model import Rule

MIN_FIXED = 5
"""Fewer fixed characters than this would be found everywhere by chance."""
_DOUBLE_FIXED = 7


@dataclass(frozen=True, slots=True)
class EncodedAnchor:
    """One expression to look for, the encoding it speaks of, and how far before it a whole unit begins."""

    expression: bytes
    encoding: str
    literal: bytes = b""
    skip: int = 0
    """Characters between the start of the coding unit and the literal (base64 alignment)."""
    caseless: bool = False


def encoded_anchors(rules: Iterable[Rule]) -> tuple[EncodedAnchor, ...]:
    """Return the encoded forms of all anchors of `rules`, and the escapes that need no anchor."""
    literals = sorted({anchor.encode() for rule in rules for anchor in rule.anchors})
    found: dict[tuple[bytes, str], EncodedAnchor] = {}
    for literal in literals:
        for anchor in (*_base64_forms(literal), *_hex_forms(literal)):
            found.setdefault((anchor.literal, anchor.encoding), anchor)
    return (*found.values(), *_ESCAPES)


def _base64_forms(literal: bytes) -> list[EncodedAnchor]:
    once = [(text, skip) for text, skip in _alignments(literal) if len(text) >= MIN_FIXED]
    anchors = [EncodedAnchor(re.escape(text), "base64", text, skip) for text, skip in once]
    for inner, _ in once:
        for text, skip in _alignments(inner):
            if len(text) >= _DOUBLE_FIXED:
                anchors.append(EncodedAnchor(re.escape(text), "base64", text, skip))
    return anchors


def _alignments(literal: bytes) -> list[tuple[bytes, int]]:
    """Return the characters of base64 that `literal` fixes at each of the three alignments, and what stands before.

    With k bytes before it, the first 8k bits belong to others: ceil(8k/6) characters are not fixed.
    """
    forms = []
    for before in range(3):
        skip = (8 * before + 5) // 6
        fixed = 8 * (before + len(literal)) // 6
        forms.append((base64.b64encode(b"\0" * before + literal)[skip:fixed], skip))
    return forms


def _hex_forms(literal: bytes) -> list[EncodedAnchor]:
    if len(literal) < MIN_FIXED:
        return []
    text = literal.hex().encode()
    return [EncodedAnchor(text, "hex", text, caseless=True)]


_ESCAPES = (
    # A run's first eight escapes only, so that a long table of escapes is one hit, not thousands.
    EncodedAnchor(rb"(?:^|[^0-9a-f])(?:%[0-9a-f]{2}){8}", "percent", caseless=True),
    EncodedAnchor(rb"%3a%2f%2f", "percent", caseless=True),
    EncodedAnchor(rb"(?:^|[^0-9a-f])(?:\\x[0-9a-f]{2}){8}", "escape", caseless=True),
    EncodedAnchor(rb"(?:^|[^0-9a-f])(?:\\u00[0-9a-f]{2}){8}", "escape", caseless=True),
    EncodedAnchor(rb"\\u003a\\u002f\\u002f|\\x3a\\x2f\\x2f", "escape", caseless=True),
    EncodedAnchor(rb":\\/\\/", "json"),
    EncodedAnchor(rb"(?:^|[^;])(?:&#x?[0-9a-f]{2,4};){8}", "html", caseless=True),
    EncodedAnchor(rb"&#(?:58|x3a);&#(?:47|x2f);", "html", caseless=True),
)
