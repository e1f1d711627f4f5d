"""Where a known secret stands in the text of a file: where the scan saw it, and wherever else its value is written."""

import base64
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence

from secretguard.engine.forms.split import user_span
from secretguard.escapes import follows_escape, written_as
from secretguard.model import Match
from secretguard.rewrite.documents import character_at
from secretguard.rewriting import KEY_ID, USER, Document, Spot
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.spelling import ONE_STRING, around, in_bytes, is_access_key, is_telling

ANOTHER_LOGIN = "another login"
"""The form of a spot where another user has the same password: the rotation is not about that one."""
_WIDE = ("utf-16", "utf-32")
_ITS_COMMAND = re.compile(rb"[\"']?[ \t]+(?!\w+=)[A-Za-z./]")
"""Behind a variable that is set for one command."""


def spots_of(document: Document, data: bytes, matches: Sequence[Match], leaked: Login) -> list[Spot]:
    """Return the places in `document` (whose bytes are `data`) that say the secret, first to last, none twice.

    Each is as narrow as the value as it is written there; where it is encoded, as wide as what was decoded.
    """
    found: list[Spot] = []
    taken: list[tuple[int, int]] = []
    spelled = written_as(leaked.secret)
    for match in sorted(matches, key=lambda one: (len(one.encoding), one.start)):
        if match.inner is not None or not match.secret.same_as(leaked.secret):
            continue
        start, end = (character_at(document, data, at) for at in (match.start, match.end))
        encoding = _wrapping(match)
        form = ANOTHER_LOGIN if _is_anothers(match, data, leaked) else match.form
        _add(found, taken, _narrowed(document.text, start, end, spelled, match, leaked, form, encoding))
    if is_telling(leaked.secret):
        bare = _bare(document.text, spelled)
        _add(found, taken, (Spot(*at, "bare", leaked.secret, leaked.secret, leaked.user) for at in bare))
        _add(found, taken, _encoded(document.text, leaked))
    if is_access_key(leaked):
        form, public = KEY_ID, _bare(document.text, re.compile(re.escape(leaked.user)))
    else:
        form, public = USER, _users(document, data, matches, leaked, tuple(found))
    user = Secret(leaked.user)
    _add(found, taken, (Spot(*at, form, user, user, leaked.user) for at in public))
    return sorted(found, key=lambda spot: spot.start)


def _users(
    document: Document, data: bytes, matches: Iterable[Match], leaked: Login, found: Iterable[Spot]
) -> Iterator[tuple[int, int]]:
    """Yield where the user stands in a setting beside the password's: a rotation may change both.

    Not where both are in one connection string, which is replaced as a whole.
    """
    text = document.text
    split = [one for one in matches if _is_split(one, leaked)]
    spans = {user_span(one.rule, data, one.start, leaked.user) for one in split if one.user == leaked.user}
    places = {tuple(character_at(document, data, at) for at in span) for span in spans if span is not None}
    if not all(one.user for one in split):
        # `export PGPASSWORD=…` on one line, `psql -U app` on another.
        flag = rf"(?<![\w-])(?:-[Uu][ \t]*|--user(?:name)?[ \t=]+)[\"']?(?P<user>{re.escape(leaked.user)})(?![\w.:-])"
        places |= {one.span("user") for one in re.finditer(flag, text)}
    whole = [around(text, spot.start, spot.end, leaked) for spot in found] if places else []
    for low, high in places:
        if text[low:high] == leaked.user and not any(one.start <= low and high <= one.end for one in whole):
            yield low, high


def _is_split(match: Match, leaked: Login) -> bool:
    """Whether the password stands in a setting of its own, and the user somewhere else, or nowhere."""
    is_own = match.user in ("", leaked.user) and match.secret.same_as(leaked.secret)
    if not (is_own and leaked.user) or match.form != "split" or match.encoding or match.inner is not None:
        return False
    return match.family not in ONE_STRING and leaked.secret.reveal() != leaked.user


def _is_anothers(match: Match, data: bytes, leaked: Login) -> bool:
    """Whether another user has the password in a match.

    Not by a user on another line than a command that gets the password by itself (`PGPASSWORD=… psql`).
    """
    if match.user in ("", leaked.user):
        return False
    is_split = match.form == "split" and not match.encoding
    span = user_span(match.rule, data, match.start, match.user) if is_split else None
    if span is None or b"\n" not in data[min(span[0], match.start) : max(span[1], match.end)]:
        return True
    return _ITS_COMMAND.match(data, match.end) is None


def _wrapping(match: Match) -> tuple[str, ...]:
    """Return how the matched text is wrapped: the document is decoded already, and a URI quotes its own parts."""
    found = tuple(one for one in match.encoding if one not in _WIDE)
    is_own = found[-1:] == ("percent",) and match.secret.reveal() not in match.text.reveal()
    return found[:-1] if is_own else found


def _narrowed(
    text: str,
    start: int,
    end: int,
    spelled: re.Pattern[str],
    match: Match,
    leaked: Login,
    form: str,
    encoding: tuple[str, ...],
) -> Iterator[Spot]:
    """Yield where inside [start, end) the value stands; the whole of it if it is not there as it is."""
    places = [] if encoding else [one.span() for one in spelled.finditer(text, start, end)]
    for low, high in places or [(start, end)]:
        yield Spot(low, high, form, match.text, leaked.secret, leaked.user, encoding)


def _bare(text: str, spelled: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for one in spelled.finditer(text):
        low, high = one.span()
        before, after = text[low - 1 : low], text[high : high + 1]
        goes_on = _in_word(before, text[low]) and not follows_escape(text, low)
        if not (goes_on or _in_word(text[high - 1], after)):
            yield low, high


def _in_word(before: str, after: str) -> bool:
    return bool(before and after) and before.isalnum() and after.isalnum()


def _encoded(text: str, leaked: Login) -> Iterator[Spot]:
    """Yield where the value stands in base64 or hex, by itself."""
    raw = in_bytes(leaked.secret.reveal())
    packed = re.escape(base64.b64encode(raw).decode("ascii").rstrip("="))
    patterns = {
        "base64": rf"(?<![A-Za-z0-9+/]){packed}={{0,2}}(?![A-Za-z0-9+/=])",
        "hex": rf"(?<![0-9A-Za-z])(?i:{raw.hex()})(?![0-9A-Za-z])",
    }
    for encoding, pattern in patterns.items():
        for one in re.finditer(pattern, text):
            yield Spot(*one.span(), "bare", leaked.secret, leaked.secret, leaked.user, (encoding,))


def _add(found: list[Spot], taken: list[tuple[int, int]], more: Iterable[Spot]) -> None:
    found += [spot for spot in more if _take(taken, spot.start, spot.end)]


def _take(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    """Put a stretch among those that are taken, which are in order; False if it overlaps one of them."""
    at = bisect(taken, (start, end))
    if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
        return False
    taken.insert(at, (start, end))
    return True
