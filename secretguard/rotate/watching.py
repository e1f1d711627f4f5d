"""Whether anybody still uses the old value, looked at for a while before it is ended gracefully."""

import time

from secretguard.errors import Waiting
from secretguard.interfaces import Rotator
from secretguard.rotation import Context, Login, Target, Usage

_BETWEEN_LOOKS = 0.2
"""Seconds."""


def watched(
    rotator: Rotator, target: Target, new: Login, context: Context, *, seconds: float, vouched: bool
) -> tuple[str, ...]:
    """Look for that many seconds, and return what was seen: whoever logs in now and then is missed in a single look.

    `vouched`: the operator says that nobody uses it, where the issuer does not tell. Raises Waiting while it is used,
    and where nobody knows.
    """
    began, looks = time.monotonic(), 0
    while True:
        usage = rotator.usage(target, new, context)
        looks += 1
        if usage.users is None:
            return _vouched_for(usage, vouched=vouched)
        if usage.users:
            raise Waiting(
                f"the old value is still in use: {'; '.join(usage.evidence) or usage.users}",
                hint="Restart or deploy those that use it, then `secretguard rotate resume`.",
            )
        passed = time.monotonic() - began
        if passed >= seconds:
            how_often = "one look" if looks == 1 else f"{looks} looks in {passed:.0f} seconds"
            return (*usage.evidence, f"nobody was seen to use the old value: {how_often}")
        time.sleep(_BETWEEN_LOOKS)


def _vouched_for(usage: Usage, *, vouched: bool) -> tuple[str, ...]:
    if not vouched:
        raise Waiting(
            "; ".join(("the issuer does not tell whether the old value is still used", *usage.evidence)),
            hint="Make sure that nobody uses it, then say so: `secretguard rotate resume --used-no-more`.",
        )
    return (*usage.evidence, "the issuer does not tell who uses the old value; the operator says that nobody does")
