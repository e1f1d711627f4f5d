"""Shapes of values, such as `ghp_{alnum:36}` or `whsec_{alnum:32-64}`: drawn at either end, or spoilt."""

import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

_ALNUM = string.ascii_letters + string.digits

ALPHABETS = {
    "alnum": (_ALNUM, "_"),
    "alpha": (string.ascii_letters, "_"),
    "lower": (string.ascii_lowercase, "Q"),
    "lowernum": (string.ascii_lowercase + string.digits, "Q"),
    "uppernum": (string.ascii_uppercase + string.digits, "q"),
    "digits": (string.digits, "x"),
    "hex": (string.digits + "abcdef", "g"),
    "HEX": (string.digits + "ABCDEF", "G"),
    "url": (_ALNUM + "_-", "."),
    "word": (_ALNUM + "_", "-"),
    "base64": (_ALNUM + "+/", "_"),
    "base32": (string.ascii_uppercase + "234567", "1"),
    "entra": (_ALNUM + "_-.~", "+"),
}
"""Name: the characters, and one that is not among them."""

UUID = "{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}"

_SLOT = re.compile(r"\{(\w+):(\d+)(?:-(\d+))?\}")


@dataclass(frozen=True, slots=True)
class Slot:
    """So many characters of one alphabet."""

    alphabet: str
    shortest: int
    longest: int

    def draw(self, rng: random.Random, length: int) -> str:
        """Return `length` characters."""
        return pick(rng, self.alphabet, length)


Part = str | Slot


def pick(rng: random.Random, alphabet: str, length: int) -> str:
    """Return `length` random characters of a named alphabet."""
    return "".join(rng.choices(ALPHABETS[alphabet][0], k=length))


def parse(shape: str) -> list[Part]:
    """Split a shape into fixed texts and slots."""
    parts: list[Part] = []
    at = 0
    for match in _SLOT.finditer(shape):
        if match.start() > at:
            parts.append(shape[at : match.start()])
        parts.append(Slot(match[1], int(match[2]), int(match[3] or match[2])))
        at = match.end()
    return [*parts, shape[at:]] if at < len(shape) else parts


def draw(shape: str, rng: random.Random, *, longest: bool = False) -> str:
    """Return a value of the shape, every slot at its shortest or at its longest."""
    return "".join(_draw(part, rng, longest) for part in parse(shape))


def draws(shape: str, rng: random.Random) -> list[str]:
    """Return one value for each end of the shape's length range."""
    has_range = any(isinstance(part, Slot) and part.shortest != part.longest for part in parse(shape))
    return [draw(shape, rng, longest=end) for end in ((False, True) if has_range else (False,))]


def spoilt(shape: str, rng: random.Random) -> list[str]:
    """Return values that miss the shape by one character: too short, too long, a foreign character, a wrong infix."""
    parts = parse(shape)
    values = []
    for at, part in enumerate(parts):
        for wrong, longest in _spoil(part, rng, is_prefix=at == 0):
            values.append("".join(wrong if i == at else _draw(p, rng, longest) for i, p in enumerate(parts)))
    return values


def stub(shape: str, rng: random.Random) -> list[str]:
    """Return the fixed prefix with far too little after it; nothing if the shape has no prefix."""
    first, *rest = parse(shape)
    if not isinstance(first, str) or not rest or not isinstance(rest[0], Slot):
        return []
    return [first + rest[0].draw(rng, min(4, rest[0].shortest - 1))]


def _draw(part: Part, rng: random.Random, longest: bool) -> str:
    if isinstance(part, str):
        return part
    return part.draw(rng, part.longest if longest else part.shortest)


def _spoil(part: Part, rng: random.Random, *, is_prefix: bool) -> Iterator[tuple[str, bool]]:
    """Yield a spoilt part, and whether the others stand at their longest."""
    if isinstance(part, Slot):
        middle = part.shortest // 2
        outside = ALPHABETS[part.alphabet][1]
        yield part.draw(rng, part.shortest - 1), False
        yield part.draw(rng, part.longest + 1), True
        yield part.draw(rng, middle) + outside + part.draw(rng, part.shortest - middle - 1), False
    elif not is_prefix:
        last = part[-1]
        yield part[:-1] + (chr(ord(last) + 1) if last.isalnum() else "x"), False
