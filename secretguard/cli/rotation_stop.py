"""Stops a rotation before its end: takes it back, or leaves it open with a reason."""

from dataclasses import replace

from secretguard.cli.rotation_flow import ALIVE, books, check_confirmed, means_again, named_rotation
from secretguard.cli.rotation_options import Options
from secretguard.cli.rotation_source import resolved
from secretguard.errors import ExitCode, UsageError
from secretguard.rotate.choose import rotator_for
from secretguard.rotate.drive import Books, abort, leased, refuse_abort
from secretguard.rotate.records import Rotation, State
from secretguard.rotation import Context, Login, Target
from secretguard.secret import Secret


def roll_back(rotation: Rotation, options: Options, written: Books) -> None:
    """Abort a rotation; raises UsageError where the old value may be dead already."""
    with leased(written.journal, rotation.credential) as lease:
        rotation = named_rotation(rotation.id, written)
        means = means_again(rotation, options)
        rotation = abort(rotation, means, written, lease)
    options.teller.ended(rotation, None)


def leave_open(name: str, reason: str, options: Options) -> ExitCode:
    """Write down that a credential is not rotated now, and why: its rotation stays open."""
    with books(options) as written, leased(written.journal, name) as lease:
        rotation = next((one for one in written.journal.rotations(name) if one.state in ALIVE), None)
        if rotation is None:
            raise UsageError(
                f"no rotation of {name} is open", hint="Only what was begun can be left open; nothing was written."
            )
        rotation = replace(rotation, state=State.WAITING, note=f"left open: {reason}")
        written.journal.amend(rotation, lease)
        written.audit(rotation, "left-open", evidence=(reason,))
    options.teller.ended(rotation, None)
    return ExitCode.WAITING


def check_abort(rotation: Rotation, options: Options, written: Books) -> None:
    """Refuse early what cannot be rolled back, before anybody is asked for a value."""
    context = Context(options.environ, rotation=rotation.id, mode=rotation.mode)
    login, admin = Login(rotation.user, Secret("")), resolved(options.admin, context)
    target = Target(rotation.credential, rotation.kind, rotation.family, login, rotation.endpoints, admin=admin)
    _, rotator = rotator_for(target, rotation.rotator)
    overlap = rotator.overlap(target, context)
    check_confirmed(rotation, overlap)
    refuse_abort(rotation, written.journal.attempts(rotation.id), overlap)
