"""Templates of example text: `{{alnum:36}}` becomes 36 random letters and digits.

No rule file holds a literal key, so that push protection and our own hook stay quiet on this repository.
"""

import base64
import random
import re
import string
import uuid

from secretguard.errors import RuleError

ALPHABETS = {
    "digits": string.digits,
    "hex": string.hexdigits[:16],
    "HEX": string.digits + "ABCDEF",
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "alpha": string.ascii_letters,
    "lowernum": string.ascii_lowercase + string.digits,
    "uppernum": string.ascii_uppercase + string.digits,
    "alnum": string.ascii_letters + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "_-",
    "password": string.ascii_letters + string.digits + "!%^*+=",
}
_SLOT = re.compile(r"\{\{([A-Za-z0-9]+)(?::([^{}]*))?\}\}")


def fill(template: str, seed: int = 0) -> str:
    """Return `template` with each `{{alphabet:length}}`, `{{uuid}}` and `{{b64:text}}` slot filled.

    The same seed gives the same text. Raises RuleError for an unknown slot.
    """
    rng = random.Random(f"{seed}:{template}")

    def slot(match: re.Match[str]) -> str:
        name, argument = match[1], match[2] or ""
        if name == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if name == "b64":
            return base64.b64encode(argument.encode()).decode()
        if name not in ALPHABETS or not argument.isdigit():
            raise RuleError(
                f"unknown slot {match[0]} in an example",
                hint=f"Slots: uuid, b64:text, and NAME:LENGTH with {', '.join(ALPHABETS)}.",
            )
        return "".join(rng.choices(ALPHABETS[name], k=int(argument)))

    # Twice, so that b64 slots may hold other slots.
    inner = re.compile(r"\{\{(?!b64:)([A-Za-z0-9]+)(?::([^{}]*))?\}\}")
    return _SLOT.sub(slot, inner.sub(slot, template))
