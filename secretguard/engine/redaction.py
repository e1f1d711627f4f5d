"""What may be shown of a match: its public prefix, user, host; never the value."""

from secretguard.engine.parts import Parts
from secretguard.model import Rule

MASK = "****"


def redact(rule: Rule, parts: Parts) -> str:
    """Return one line that a colleague recognises and a thief cannot use."""
    host = ",".join(f"{e.host}:{e.port}" if e.port else e.host for e in parts.endpoints)
    user = mask(parts.user, parts.secret)
    if parts.scheme.endswith("://"):
        database = next((f"/{e.database}" for e in parts.endpoints if e.database), "")
        text = f"{parts.scheme}{user}:{MASK}@{host}{database}"
    elif user or host:
        text = f"{user}:{MASK}@{host}" if host else f"{user}:{MASK}"
    else:
        anchor = max((a for a in rule.anchors if parts.secret.startswith(a)), key=len, default="")
        text = anchor + MASK if len(anchor) < len(parts.secret) else MASK
    return mask(text, parts.secret) if len(parts.secret) > 3 else text


def mask(text: str, secret: str) -> str:
    """Return `text` with every copy of the secret masked."""
    return text.replace(secret, MASK) if secret else text
