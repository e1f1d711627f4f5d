"""What no login from here can prove dead, as a rotator says it: told in the plan, with the proof and at the end."""

from secretguard.interfaces import Rotator
from secretguard.rotation import Context, Target


def unproven(rotator: Rotator, target: Target, context: Context) -> tuple[str, ...]:
    """Return it in words; nothing where a refusal at each server is the whole proof. Raises IssuerError."""
    ask = getattr(rotator, "unproven", None)
    return () if ask is None else tuple(ask(target, context))
