"""The last line of defence of a report: a value that also stands in a path, a user name or a message is masked."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

from secretguard.model import Credential, Report

MASK = "****"
_LOGIN = re.compile(r"://(?!USER:PASSWORD@)[^/@\s]{1,512}@")
"""But for the two words that our own hints say."""
_SHORTEST = 8
_SHORTEST_WORD = 16

Mask = Callable[[str], str]


def mask_for(report: Report, *, show_secrets: bool) -> Mask:
    """Return the function through which a reporter sends each string that it did not write itself."""
    if show_secrets:
        return str
    return masking(credential.secret.reveal() for credential in report.credentials)


def masking(values: Iterable[str]) -> Mask:
    """Return a function that replaces `values`, plain, URL-encoded, in base64 or in hex, by `****`."""
    # By their first characters, so that a text costs its length however many values there are.
    by_start: dict[str, list[str]] = {}
    for spelling in {spelling for value in values if _is_telling(value) for spelling in _spellings(value)}:
        by_start.setdefault(spelling[:_SHORTEST], []).append(spelling)
    for spellings in by_start.values():
        spellings.sort(key=len, reverse=True)

    @lru_cache(maxsize=4096)
    def mask(text: str) -> str:
        at = 0
        while at <= len(text) - _SHORTEST:
            for spelling in by_start.get(text[at : at + _SHORTEST], ()):
                if text.startswith(spelling, at):
                    text = text[:at] + MASK + text[at + len(spelling) :]
                    at += len(MASK) - 1
                    break
            at += 1
        return text

    return mask if by_start else str


def user_shown(credential: Credential, mask: Mask, *, show_secrets: bool) -> str:
    """Return the user name, masked when it is the secret itself, however short."""
    user = credential.user
    if not show_secrets and user and user == credential.secret.reveal():
        return MASK
    return mask(user)


def without_login(text: str) -> str:
    """Return `text` with the login of each URL in it masked: a clone URL may carry a token."""
    return _LOGIN.sub(f"://{MASK}@", text)


def _is_telling(value: str) -> bool:
    """Whether finding `value` in a text means anything: `postgres` as a password must not blot out every path."""
    return len(value) >= _SHORTEST and not (value.isalpha() and value.islower() and len(value) < _SHORTEST_WORD)


def _spellings(value: str) -> set[str]:
    import base64  # only where something was found

    data = value.encode("utf-8", "surrogatepass")
    spellings = {value, quote(data, safe=""), quote(data), quote_plus(data), data.hex()}
    if len(data) >= _SHORTEST:
        spellings |= {base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("=")}
    return spellings
