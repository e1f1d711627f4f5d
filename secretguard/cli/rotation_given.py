"""What a command line says about a rotation, held against what was begun and what the plan found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secretguard.errors import UsageError
from secretguard.reference import parse_reference
from secretguard.rotate.plan import Plan
from secretguard.rotate.records import Rotation
from secretguard.rotate.servers import Server, said, server
from secretguard.rotation import Mode


@dataclass(frozen=True, slots=True)
class Given:
    """What a person said, and did not leave to a default."""

    to: str = ""
    rotator: str = ""
    mode: Mode | None = None
    kill_first: bool = False
    deliver: str = ""
    wait_merge: bool = False
    variable: str = ""


def servers(words: Sequence[str]) -> tuple[Server, ...]:
    """Return the servers that an option names; raises UsageError."""
    return tuple(server(word) for word in words)


def check_reason(leave_out: Sequence[Server], reason: str) -> None:
    """Raise UsageError where servers are left out without a reason, or a reason explains nothing."""
    if bool(leave_out) != bool(reason.strip()):
        raise UsageError("--leave-out and --reason TEXT go together", hint="The reason goes into journal and audit.")


def check_as_begun(rotation: Rotation, given: Given) -> None:
    """Raise UsageError where a rotation that goes on would do so in another way than the line asks for."""
    others = list(_others(rotation, given))
    if others:
        raise UsageError(
            f"{rotation.id} was begun {' and '.join(others)}, and goes on only as it was begun",
            hint=f"Go on with `secretguard rotate resume {rotation.id}`, or take it back first: "
            f"`secretguard rotate abort {rotation.id}`.",
        )


def _others(rotation: Rotation, given: Given) -> Iterator[str]:
    if given.to and str(parse_reference(given.to)) != rotation.reference:
        yield f"to store the new value at {rotation.reference}"
    if given.mode not in (None, rotation.mode):
        yield f"with --mode {rotation.mode}"
    if given.kill_first and not rotation.kill_first:
        yield "without --kill-first"
    if given.rotator not in ("", rotation.rotator):
        yield f"with the rotator {rotation.rotator}"
    if given.deliver and (given.deliver if given.deliver != "none" else "") != rotation.deliver:
        yield f"with --deliver {rotation.deliver or 'none'}"
    if given.wait_merge and not rotation.wait_merge:
        yield "without --wait-merge"
    if given.variable not in ("", rotation.variable):
        yield f"with --variable {rotation.variable}" if rotation.variable else "without --variable"


def check_servers(plan: Plan, named: Sequence[Server], *, unasked: bool) -> None:
    """Raise UsageError where the new value would go to a host that nobody confirmed.

    `unasked`: no person confirms the plan. Then several hosts have to be named each: whoever may write to a repository
    can add one that lets the leaked login in, and that is told the new value when it is tried there.
    """
    strange = [one for one in plan.alive if not any(server.covers(one) for server in named)]
    if not strange or not (named or (unasked and len(plan.hosts) > 1)):
        return
    where = f"{said(strange[0])}, which --server does not name" if named else f"{len(plan.hosts)} hosts"
    raise UsageError(
        f"nothing was done: the new value would be tried at {where}",
        hint=f"If each of them is yours, name each: {' '.join(f'--server {host}' for host in plan.hosts)}. Else take "
        "the other out of the code first.",
    )
