"""One credential after the other, each killed at another moment of its rotation and then gone on with."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from secretguard.reference import parse_reference
from secretguard.resolve import store
from secretguard.rotate.audit import verify
from secretguard.rotate.journal import open_journal
from secretguard.rotate.records import State
from secretguard.rotate.state_directory import state_directory
from secretguard.rotation import Context
from tests.crashes.rotating import CREDENTIAL, Death, Spec, rotate


@dataclass(frozen=True)
class Case:
    """One credential, fresh, and how one sees that it was rotated well."""

    spec: Spec
    check: Callable[[dict[str, str]], None]
    """Given what the store gives: asserts what is true of the issuer."""


Making = Callable[[Path, int], Case]


def check_rotated(case: Case) -> None:
    """What must hold however often it was killed."""
    journal = open_journal(None, case.spec.environ)
    rotation = journal.rotations(CREDENTIAL)[0]
    assert rotation.state is State.CLOSED
    assert verify(state_directory(case.spec.environ), journal).ok
    journal.close()
    reference = parse_reference(case.spec.reference)
    fields = store(reference.backend).read(reference, Context(case.spec.environ))
    stored = {name: value.reveal() for name, value in (fields or {}).items()}
    assert case.spec.old not in "".join(stored.values())
    case.check(stored)
    written = b"".join(one.read_bytes() for one in Path(case.spec.environ["HOME"]).rglob("*") if one.is_file())
    secret = ("password", "AWS_SECRET_ACCESS_KEY", "VAULT_TOKEN", "VAULT_SECRET_ID")
    (new,) = [stored[name] for name in secret if name in stored]
    for value in (case.spec.old, new):
        assert value.encode() not in written


def killed_anywhere(making: Making, folder: Path, *, each_note: bool = False) -> None:
    """Kill before and after each effect of issuer and store; each time, go on.

    `each_note`: also after each note in the journal. All but those beside an effect are of steps that only look, and
    the same for every rotator.
    """

    def fresh() -> Path:
        made = folder / secrets.token_hex(4)
        made.mkdir()
        return made

    undisturbed = making(fresh(), 0)
    effects = rotate(undisturbed.spec)
    check_rotated(undisturbed)
    assert {"store.stage", "store.publish", "rotator.issue", "rotator.disable", "journal.settle"} <= set(effects)
    moments = [
        Death(number, after)
        for number, effect in enumerate(effects, 1)
        for after in (((True,) if each_note else ()) if effect.startswith("journal.") else (False, True))
    ]
    for seed, death in enumerate(moments, 1):
        case = making(fresh(), seed)
        rotate(case.spec, death)
        rotate(case.spec)
        try:
            check_rotated(case)
        except AssertionError as error:
            raise AssertionError(f"killed {death}, {effects[death.number - 1]}: {error}") from error
