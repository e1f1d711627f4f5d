"""Values that wrap something: base64 texts and JSON web tokens."""

import base64
import json
import random


def base64_text(text: str | bytes) -> str:
    """Return base64 of a text, with padding."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def base64_url(text: str | bytes) -> str:
    """Return URL-safe base64 of a text, without padding."""
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


def jwt(rng: random.Random, claims: dict[str, object], algorithm: str = "HS256") -> str:
    """Return a signed token with random signature bytes of the algorithm's length."""
    head = base64_url(json.dumps({"alg": algorithm, "typ": "JWT"}, separators=(",", ":")))
    body = base64_url(json.dumps({**claims, "iat": rng.randrange(17 * 10**8, 18 * 10**8)}, separators=(",", ":")))
    return f"{head}.{body}.{base64_url(rng.randbytes(256 if algorithm == 'RS256' else 32))}"
