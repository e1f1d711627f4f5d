"""Whether a value stands in a text, as it is or encoded: what both the last check and the mask on a screen ask.

Looked for is the value in UTF-8, UTF-16 and the bytes it was found in; in hex; in base64 at each of its three
alignments, of either alphabet, broken over lines or not, and encoded twice; each of these also where the text has to be
read first: percent-encoded, with escapes of JSON and of program code, or of HTML, two of them inside each other too;
and in each way in which characters are escaped, in one literal or in several side by side.

A value that is an ordinary word (`postgres`, `Admin`, `1234`, or shorter than four characters) stands in texts that
have nothing to do with it. It is looked for where a value stands: between quotes, between `:` and `@`, behind `=` or
`:` at the end of a line; and whole in base64 or hex if it has four characters.
"""

import base64
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from secretguard.escapes import written_as
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.spelling import in_bytes, is_access_key, is_telling

MASK = "****"
_SHORTEST = 4
_LONGEST_WORD = 15
_LONGEST_NUMBER = 5
_SHORTEST_CORE = 8
"""Characters of base64 or hex that mean something by themselves."""
_LONG_LINE = 16
"""Characters of one line of a value of several lines (a private key) that give it away."""
_SPACE = re.compile(rb"\s+|\\+[nrt]?")
_JOINT = re.compile(rb"[\"'`]\s*[+.]?\s*[\"'`]")
"""Between two literals that are one text."""
_ALPHABET = bytes.maketrans(b"-_", b"+/")
"""Base64 that is safe in URLs, as the other."""
_ESCAPE = re.compile(rb"\\+(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{3})|([^0-9A-Za-z]))")


@dataclass(frozen=True, slots=True)
class Sought:
    """One value, in all the ways in which it is looked for."""

    is_word: bool
    raw: tuple[bytes, ...] = field(repr=False)
    """In any reading of a text."""
    folded: tuple[bytes, ...] = field(repr=False)
    """Hex, in a text in lower case."""
    packed: tuple[bytes, ...] = field(repr=False)
    """Base64, in a text without spaces."""
    standing: re.Pattern[bytes] | None = field(repr=False)
    """Of an ordinary word: where a value stands."""
    escaped: re.Pattern[bytes] | None = field(default=None, repr=False)
    """Of anything else: however its characters are escaped."""

    def count(self, data: bytes) -> int:
        """Return how often the value stands in `data`; of anything but an ordinary word only whether it does."""
        if not self.raw:
            return 0
        if self.is_word:
            times = sum(1 for _ in self.standing.finditer(data)) if self.standing else 0
            return times + sum(data.count(one) for one in self.packed + self.folded)
        return int(self._is_in(data))

    def is_plainly_in(self, data: bytes) -> bool:
        """Whether the value stands in `data`, encoded or escaped once: a quick look at many files."""
        together = data.translate(_ALPHABET, b" \t\r\n\\")
        return (
            any(one in data for one in self.raw)
            or any(one in together for one in self.packed)
            or any(one in data or one.upper() in data for one in self.folded)
            or (self.escaped is not None and self.escaped.search(data) is not None)
        )

    def _is_in(self, data: bytes) -> bool:
        if self.escaped is not None and self.escaped.search(data):
            return True
        for reading in _readings(data):
            if any(one in reading for one in self.raw):
                return True
            small, together = reading.lower(), _packed(reading)
            if any(one in small for one in self.folded) or any(one in together for one in self.packed):
                return True
        return False

    def masked(self, line: str) -> str:
        """Return a line of a text with the value replaced; all of it where it stands there in some other way."""
        data = line.encode("utf-8", "surrogateescape")
        if self.is_word:
            return _masked_word(self, data)
        if not self.count(data):
            return line
        for one in (*self.raw, *_spelled(self.raw)):
            data = data.replace(one, MASK.encode())
        data = self.escaped.sub(MASK.encode(), data) if self.escaped else data
        return MASK if self.count(data) else data.decode("utf-8", "surrogateescape")


def sought(secret: Secret) -> Sought:
    """Return how a value is looked for."""
    value = secret.reveal()
    raw = in_bytes(value)
    if _is_word(value):
        whole = (base64.b64encode(raw), raw.hex().encode()) if len(raw) >= _SHORTEST else ()
        return Sought(True, (raw,) if raw else (), (), whole, _standing(raw) if raw else None)
    texts = [value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LONG_LINE)]
    plain = {one for text in texts for one in _in_codecs(text)}
    quoted = {quote(in_bytes(text), safe="").encode("ascii") for text in texts}
    once = {core for one in plain | quoted for core in _cores(one)}
    twice = {core for one in once for core in _cores(one)}
    hexed = {one.hex().encode("ascii") for one in plain if len(one) * 2 >= _SHORTEST_CORE}
    raw_first = tuple(sorted(plain, key=len, reverse=True))
    escaped = re.compile(in_bytes(written_as(secret, in_pieces=True).pattern))
    return Sought(False, raw_first, tuple(hexed), tuple(once | twice), None, escaped)


def finder(login: Login) -> Callable[[bytes], bool]:
    """Return what says whether a file holds the secret, or the id that changes with it: those are looked at."""
    secret = sought(login.secret) if is_telling(login.secret) else None
    key_id = login.user.encode("ascii") if is_access_key(login) else b""
    return lambda data: (secret is not None and secret.is_plainly_in(data)) or (bool(key_id) and key_id in data)


def _is_word(value: str) -> bool:
    return (
        len(value) < _SHORTEST
        or (value.isalpha() and len(value) <= _LONGEST_WORD and value[1:].islower())
        or (value.isdigit() and len(value) <= _LONGEST_NUMBER)
    )


def _standing(raw: bytes) -> re.Pattern[bytes]:
    word = re.escape(raw)
    return re.compile(
        rb"(?P<quote>[\"'`])" + word + rb"(?P=quote)|:" + word + rb"@|[=:][ \t]*" + word + rb"[ \t]*\r?$", re.MULTILINE
    )


def _masked_word(word: Sought, data: bytes) -> str:
    mask = MASK.encode()
    value = word.raw[0] if word.raw else b""
    if len(value) >= _SHORTEST:
        data = data.replace(value, mask)
    elif word.standing:
        data = word.standing.sub(lambda found: found[0].replace(value, mask), data)
    for one in word.packed:
        data = data.replace(one, mask)
    return data.decode("utf-8", "surrogateescape")


def _in_codecs(text: str) -> Iterator[bytes]:
    yield in_bytes(text)
    for codec in ("latin-1", "utf-16-le", "utf-16-be"):
        try:
            yield text.encode(codec)
        except UnicodeEncodeError:
            continue


def _cores(raw: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of `raw` wherever it begins in a group, without what depends on its neighbours."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)[-(-shift * 4 // 3) :]
        core = encoded.rstrip(b"=")[: -1 if encoded.endswith(b"=") else None]
        if len(core) >= _SHORTEST_CORE:
            yield core
    if len(raw) < _SHORTEST_CORE:
        yield base64.b64encode(raw)


def _spelled(raw: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the commonest other spellings, to mask them alone and leave the rest of the line."""
    for one in raw:
        yield quote(one, safe="").encode("ascii")
        yield base64.b64encode(one)
        yield one.hex().encode("ascii")


def _packed(data: bytes) -> bytes:
    return _SPACE.sub(b"", data).translate(_ALPHABET)


def _readings(data: bytes) -> Iterator[bytes]:
    """Yield the text and what it says once escapes in it are read, up to two kinds inside each other."""
    seen = {data}
    level = [data]
    yield data
    for _ in range(2):
        level = [read(one) for one in level for mark, read in _READERS if mark in one]
        level = [one for one in level if one not in seen]
        seen.update(level)
        yield from level


def _without_escapes(data: bytes) -> bytes:
    def read(found: re.Match[bytes]) -> bytes:
        point = int(found[1] or found[2] or found[3] or b"0", 16) if not found[4] else int(found[4], 8)
        if found[5]:
            return found[5]
        if found[3] or found[4]:
            return bytes([point & 0xFF])
        return chr(point).encode("utf-8", "surrogatepass") if point < 0x110000 else found[0]

    return _ESCAPE.sub(read, data)


def _without_entities(data: bytes) -> bytes:
    return html.unescape(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogatepass")


def _joined(data: bytes) -> bytes:
    return _JOINT.sub(b"", data)


def _with_spaces(data: bytes) -> bytes:
    return data.replace(b"+", b" ")


_READERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"%", unquote_to_bytes),
    (b"\\", _without_escapes),
    (b"&", _without_entities),
    (b"+", _with_spaces),
    (b'"', _joined),
    (b"'", _joined),
)
