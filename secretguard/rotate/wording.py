"""Words that go into a journal, an audit file or a terminal, without any value that we know of."""

import base64
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from secretguard.secret import Secret
from secretguard.spelling import in_bytes

_SHORTEST = 4
"""Shorter values stand in ordinary words."""


def without_values(lines: Iterable[str], secrets: Iterable[Secret]) -> tuple[str, ...]:
    """Return `lines` with every copy of a secret replaced, raw, percent-encoded or in base64."""
    forms = sorted({form for secret in secrets for form in _forms(secret.reveal())}, key=len, reverse=True)
    return tuple(_masked(line, forms) for line in lines)


def _masked(line: str, forms: list[str]) -> str:
    for form in forms:
        line = line.replace(form, "****")
    return line


def _forms(value: str) -> set[str]:
    if len(value) < _SHORTEST:
        return set()
    raw = in_bytes(value)
    # In base64 the value begins at any of three places in a group; what depends on its neighbours is left out.
    encoded = {
        base64.b64encode(b"\0" * shift + raw).decode()[-(-shift * 4 // 3) :].rstrip("=")[:-1] for shift in range(3)
    }
    return {value, quote(raw, safe=""), quote_plus(raw), *encoded}
