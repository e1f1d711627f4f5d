"""Leaves servers that never answer out of the proof of death: a person's decision, kept in journal and audit."""

from collections.abc import Sequence
from dataclasses import replace

from secretguard.errors import UsageError
from secretguard.model import Endpoint
from secretguard.rotate.acts import Means, now
from secretguard.rotate.drive import Books
from secretguard.rotate.holder import this_process
from secretguard.rotate.probing import probed, silent
from secretguard.rotate.records import Lease, LeftOut, Rotation
from secretguard.rotate.servers import Server, said
from secretguard.rotate.wording import without_values
from secretguard.rotation import Target


def named(asked: Sequence[Server], endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Return the endpoints that somebody named; raises UsageError if a server is none of them."""
    for one in asked:
        if not any(one.covers(endpoint) for endpoint in endpoints):
            raise UsageError(
                f"{one} is no server of this credential",
                hint=f"Nothing was done. Its servers: {', '.join(map(said, endpoints)) or 'none'}.",
            )
    return [endpoint for endpoint in endpoints if any(one.covers(endpoint) for one in asked)]


def leave_out(
    rotation: Rotation, asked: Sequence[Server], reason: str, means: Means, books: Books, lease: Lease
) -> Rotation:
    """Return the rotation without the need to prove the old value dead at servers that do not answer now.

    Raises UsageError for one that answers, or if none would be left.
    """
    already = [one.endpoint for one in rotation.left_out]
    wanted = [one for one in named(asked, rotation.endpoints) if one not in already]
    if not wanted:
        return rotation
    heard = probed(means.rotator, replace(means.target, endpoints=tuple(wanted)), means.context)
    chosen = silent(asked, heard, [one for one in rotation.alive if one not in already])
    return written_down(rotation, chosen, reason, means.target, books, lease)


def written_down(
    rotation: Rotation, endpoints: Sequence[Endpoint], reason: str, target: Target, books: Books, lease: Lease
) -> Rotation:
    """Keep in journal and audit that `endpoints` are left out of a rotation, and why."""
    (reason,) = without_values((reason,), (target.leaked.secret,))  # who explains may paste what leaked
    left = tuple(LeftOut(one, reason, this_process().who, now()) for one in endpoints)
    changed = replace(rotation, left_out=(*rotation.left_out, *left))
    books.journal.amend(changed, lease)
    books.audit(changed, "left-out", evidence=[f"{said(one.endpoint)}: left out because {reason}" for one in left])
    return changed
