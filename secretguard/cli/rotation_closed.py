"""A rotation that is closed: whether its old value is refused still, which is asked before it is said again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from secretguard.cli import console
from secretguard.cli.rotation_options import Options
from secretguard.cli.rotation_source import from_operator, in_reports, resolved, search, there_still
from secretguard.errors import IssuerError, RotationError
from secretguard.model import Credential, Report
from secretguard.rotate.choose import rotator_for
from secretguard.rotate.probing import probed
from secretguard.rotate.records import Rotation
from secretguard.rotate.target import target_of
from secretguard.rotation import Answer, Context

_SECONDS = 3.0
"""For one call: whoever asks again wants to know, and does not wait as a rotation does."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What came of it: where the old value works again, and where nobody could say."""

    alive: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def stays_closed(closed: Sequence[Rotation], options: Options, reports: Sequence[Report]) -> bool:
    """Say that a credential is rotated already, unless its old value works again, or at one more server."""
    looked = _looked_again(closed, options, reports)
    if looked.alive:
        console.print_line(f"{_works_again(closed[0], looked)}: another rotation is needed.")
        return False
    options.teller.ended(closed[0], None)
    for line in looked.unclear:
        console.print_line(f"Whether the old value is refused now nobody could say: {line}")
    return True


def check_closed(rotation: Rotation, options: Options) -> None:
    """Say that there is nothing to resume; raises RotationError if the old value works again."""
    if not stays_closed([rotation], options, ()):
        raise RotationError(
            "nothing was done: a rotation that is closed does not go on",
            hint=f"`secretguard rotate {rotation.credential}` begins another.",
        )


def _works_again(rotation: Rotation, looked: _Looked) -> str:
    return f"{rotation.id} is closed, but the old value works: {'; '.join(looked.alive)}"


def _looked_again(closed: Sequence[Rotation], options: Options, reports: Sequence[Report]) -> _Looked:
    """Try the leaked value wherever a rotation knew it, and wherever the code names it by now."""
    found = _found(closed, options, reports)
    if found is None:
        return _Looked(unclear=("the leaked value is not in the repositories any more, and --old-from gives none",))
    target = target_of(found, resolved(options.admin, Context(options.environ)))
    left_out = {one.endpoint for rotation in closed for one in rotation.left_out}
    known = dict.fromkeys(one for rotation in closed for one in rotation.endpoints)
    target = replace(target, endpoints=tuple(dict.fromkeys((*known, *target.endpoints))))
    _, rotator = rotator_for(target, closed[0].rotator)
    context = Context(options.environ, timeout=_SECONDS)
    try:
        if not target.endpoints:
            proof = rotator.verify(target, target.leaked, context)
            lines = list(zip(proof.evidence, (answer for _, answer, _ in proof.answers), strict=True))
            return _Looked(*(tuple(line for line, answer in lines if answer is one) for one in _TELLING))
        heard = probed(rotator, target, context)
    except IssuerError as error:
        return _Looked(unclear=(str(error),))
    expected = [one for one in heard if one.answer is Answer.WORKS or one.endpoint in known.keys() - left_out]
    return _Looked(*(tuple(str(one) for one in expected if one.answer is answer) for answer in _TELLING))


_TELLING = (Answer.WORKS, Answer.UNKNOWN)


def _found(closed: Sequence[Rotation], options: Options, reports: Sequence[Report]) -> Credential | None:
    name = closed[0].credential
    given = resolved(options.old_from, Context(options.environ))
    if given is not None:
        return from_operator(name, given, options.chosen)
    found = in_reports(name, reports or search(options.chosen, options.repositories, directories=False))
    return found or in_reports(name, search(options.chosen, there_still(closed[0])))
