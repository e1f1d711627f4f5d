"""The judgement of a value that only its name calls a secret, by detect-secrets' filters and gibberish model.

detect-secrets is imported on the first candidate only: most scans never have one.
"""

import math

from secretguard.engine import values
from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Parts
from secretguard.engine.text import decoded, enclosing_lines

_MIN_LENGTH = 8
_LINE = 512
"""Characters of a line that are looked at."""
_MIN_ENTROPY = {"hex": 2.6, "text": 3.2}
"""Lower than the limits for lines without a name (3.0 and 4.5): here a name vouches already."""
_HEX = compiled(r"[0-9a-fA-F-]+$")
_PROSE = compiled(
    r"\s|^[A-Z]?[a-z]+(?:[-_. /:][A-Za-z]?[a-z]+)*$|^[A-Z]+(?:[_-][A-Z]+)*$|^[/.~][\w./-]*$|^https?://|^[\w.-]+\.(?:py|js|json|ya?ml|txt|pem|key|crt|conf)$"
)

_HARMLESS_NAME = compiled(rb"(?i)(?:csrf|xsrf|next|page|continuation)[\w.-]{0,12}token\W")
"""Tokens that open nothing: against forged requests, and of paged answers."""


def is_likely_secret(data: bytes, parts: Parts) -> bool:
    """Whether the value looks random enough, and is none of the things detect-secrets knows to leave out."""
    value = parts.secret
    if len(value) < _MIN_LENGTH or values.placeholder(value) or _PROSE.search(value):
        return False
    if _HARMLESS_NAME.search(data, max(0, parts.start - 24), max(parts.start, parts.secret_start)):
        return False
    kind = "hex" if _HEX.match(value) else "text"
    # Eight characters cannot have more than three bits each.
    if values.entropy(value) < min(_MIN_ENTROPY[kind], 0.85 * math.log2(len(value))):
        return False
    if data[max(0, parts.secret_start - 1) : parts.secret_start] in (b'"', b"'", b"`"):
        return not _left_out(value, "")  # a literal, also where it is an argument: Client(token="…")
    low, high = enclosing_lines(data, parts.start, parts.end, 256)
    return not _left_out(value, decoded(data[low : min(high, low + 4 * _LINE)]))


def _left_out(value: str, line: str) -> bool:
    from detect_secrets.filters import heuristic  # loads on the first candidate, see above

    return (
        heuristic.is_sequential_string(value)
        or heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_not_alphanumeric_string(value)
        or heuristic.is_potential_uuid(value)
        or heuristic.is_indirect_reference(line[:_LINE])
        or not (_is_mixed(value) or _is_gibberish(value))
    )


def _is_mixed(value: str) -> bool:
    """Whether digits stand among letters of both cases, as in no word; the model drops one in fourteen of these."""
    inside = value[1:-1]
    return any(c.isdigit() for c in inside) and any(c.islower() for c in inside) and any(c.isupper() for c in inside)


def _is_gibberish(value: str) -> bool:
    """Whether the letters do not follow each other as words do (detect-secrets' Markov model)."""
    from detect_secrets.filters import gibberish

    if not gibberish.get_model().data:
        gibberish.initialize()
    return not gibberish.should_exclude_secret(value)
