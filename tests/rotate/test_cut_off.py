"""What was cut off, or goes on in a world that has changed meanwhile, never ends with a dead value or a live leak."""

from dataclasses import replace
from pathlib import Path

import pytest

from secretguard.errors import IssuerError, RotationError, StoreError, UsageError, Waiting
from secretguard.reference import parse_reference
from secretguard.rotate import acts
from secretguard.rotate.drive import Told
from secretguard.rotate.records import Outcome, State
from secretguard.rotate.steps import Step
from secretguard.rotation import Answer, Context, Finding, Login, Preflight, Proof, Target
from secretguard.secret import Secret
from secretguard.stores import local
from tests.rotate.rotations import Bench, keys, passwords
from tests.rotate.test_drive import check_rotated

APP = parse_reference("ref+local://app")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_PAUSE", 0.0)


class CutOff(list[Told]):
    """Whoever watches, and pulls the plug when a step is done."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step

    def append(self, told: Told) -> None:
        super().append(told)
        if told.step is self.step:
            raise KeyboardInterrupt


def cut_off_after(step: Step, bench: Bench) -> Bench:
    bench.told = CutOff(step)
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    bench.told = []
    return bench


def test_what_was_half_rolled_back_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = cut_off_after(Step.PROVE_NEW, keys(tmp_path))

    def broken(*_: object) -> None:
        raise StoreError("the store is not well")

    with monkeypatch.context() as patched:
        patched.setattr(local, "discard", broken)
        with pytest.raises(StoreError):
            bench.abort()
    with pytest.raises(UsageError, match="rolled back"):
        bench.run()
    assert bench.stored() == {}
    assert bench.abort().state is State.ABORTED
    assert sorted(bench.issuer.live()) == sorted([bench.old, "others"])  # type: ignore[attr-defined]


def test_how_an_abort_failed_is_written_down_without_the_value(tmp_path: Path) -> None:
    bench = cut_off_after(Step.PROVE_NEW, keys(tmp_path))
    bench.issuer.before = lambda call, number: IssuerError(f"no: {bench.old}") if call == "withdraw" else None
    with pytest.raises(IssuerError) as failed:
        bench.abort()
    assert bench.old not in str(failed.value)
    last = bench.attempts()[-1]
    assert (last.step, last.outcome, last.evidence) == ("abort", Outcome.FAILED, ("no: ****",))


def test_a_proof_in_which_nobody_was_asked_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = keys(tmp_path)
    asked = bench.issuer.verify  # type: ignore[attr-defined]

    def verify(target: Target, login: Login, context: Context) -> Proof:
        return Proof(()) if login.secret.same_as(Secret(bench.old)) else asked(target, login, context)

    monkeypatch.setattr(bench.issuer, "verify", verify)
    with pytest.raises(IssuerError, match="nobody could be asked"):
        bench.run()
    assert bench.rotation is not None
    assert bench.rotation.state is State.OPEN


def test_a_new_value_is_tried_wherever_the_old_one_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One server that takes it is not enough: another that does not answer may refuse it."""
    bench = keys(tmp_path)

    def verify(target: Target, login: Login, context: Context) -> Proof:
        return Proof((("one:5432", Answer.WORKS, ""), ("two:5432", Answer.UNKNOWN, "no answer")))

    monkeypatch.setattr(bench.issuer, "verify", verify)
    with pytest.raises(IssuerError, match="could not be tried"):
        bench.run()
    assert bench.stored() == {}


def test_the_old_value_is_not_ended_where_the_new_one_is_lost(tmp_path: Path) -> None:
    bench = cut_off_after(Step.RESOLVE, keys(tmp_path))
    for one in local.versions(APP, Context(bench.environ)):
        local.destroy(APP, one.version, Context(bench.environ))
    with pytest.raises(RotationError, match="holds no value of this rotation"):
        bench.run()
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]


def test_the_old_value_is_not_ended_while_the_code_would_not_get_what_it_needs(tmp_path: Path) -> None:
    asked: list[Login] = []

    def lacks(new: Login) -> tuple[str, ...]:
        asked.append(new)
        return ("DATABASE_URL_ASYNCPG: there is no such field",) if len(asked) == 1 else ()

    bench = replace(keys(tmp_path), code_lacks=lacks)
    with pytest.raises(Waiting, match="DATABASE_URL_ASYNCPG: there is no such field"):
        bench.run()
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]
    bench.run()
    check_rotated(bench)
    assert {one.secret.reveal() for one in asked} == {bench.stored()["password"]}


def test_the_old_value_is_not_ended_where_the_new_one_was_revoked_meanwhile(tmp_path: Path) -> None:
    bench = cut_off_after(Step.RESOLVE, keys(tmp_path))
    bench.issuer.state = {"keys": [one for one in bench.issuer.state["keys"] if one["value"] == bench.old]}
    with pytest.raises(Waiting, match="the new value is refused"):
        bench.run()
    assert bench.old in bench.issuer.live()  # type: ignore[attr-defined]


def test_killed_first_there_is_no_new_value_to_wait_for(tmp_path: Path) -> None:
    bench = replace(keys(tmp_path), kill_first=True)
    bench.run()
    check_rotated(bench)
    assert [one.step for one in bench.told][1] is Step.DISABLE_OLD


def test_it_goes_on_with_the_bare_value_where_the_spellings_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repository was rewritten meanwhile, so that the operator gives the leaked password and nothing else."""
    bench = passwords(tmp_path)
    bench.options = "?sslmode=require"
    cut_off_after(Step.PUBLISH, bench)
    bench.options = None
    bench.run()
    assert bench.rotation is not None
    assert bench.rotation.state is State.CLOSED
    assert bench.stored()["DATABASE_URL"].endswith("?sslmode=require")


def test_what_is_needed_is_looked_at_again_as_long_as_nothing_was_changed(tmp_path: Path) -> None:
    """Who goes on may have another environment, or name another operator's login, than who began."""
    bench = cut_off_after(Step.STAGE, passwords(tmp_path))
    bench.issuer.preflight = lambda target, context: Preflight(  # type: ignore[method-assign]
        findings=(Finding("the operator's login leads to another server", stops=True),)
    )
    with pytest.raises(RotationError, match="leads to another server"):
        bench.run()
    assert bench.issuer.state["password"] == bench.old
