"""What issuers and stores say is told without any value in it, also while the store, which has the value, is away."""

from pathlib import Path
from typing import Any

import pytest

from secretguard.errors import IssuerError, RotationError, SecretguardError, StoreError
from secretguard.rotate import acts
from secretguard.rotate.steps import Step
from secretguard.secret import Secret
from secretguard.stores import local
from tests.rotate.rotations import Bench, passwords


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_PAUSE", 0.0)


class AwayStore:
    """The embedded store; while it is away it says whatever it was told to say."""

    def __init__(self) -> None:
        self.says = ""
        self.fields: dict[str, Secret] | None = None
        """What is pending in the place of what was put there."""

    def __getattr__(self, name: str) -> Any:
        inner = getattr(local, name)

        def call(*values: Any) -> Any:
            if self.says:
                raise StoreError(self.says, hint=self.says, transient=True)
            return self.fields if name == "staged" and self.fields else inner(*values)

        return call


def failing(bench: Bench) -> SecretguardError:
    with pytest.raises(SecretguardError) as failed:
        bench.run()
    return failed.value


def everything_said(bench: Bench, error: SecretguardError) -> str:
    told = " ".join(word for one in bench.told for word in one.evidence)
    return f"{error} {error.hint} {told} {bench.written().decode('latin-1')}"


def test_a_new_value_is_masked_by_who_made_it_although_the_store_is_away(tmp_path: Path) -> None:
    bench = passwords(tmp_path)
    store = AwayStore()
    bench.store = store

    def repeat(call: str, number: int) -> IssuerError | None:
        if call != "issue":
            return None
        new = bench.issuer.state["password"]
        store.says = f"cannot read {new}"
        return IssuerError(f"statement with {new} failed")

    bench.issuer.after = repeat
    error = failing(bench)
    assert str(error) == "statement with **** failed"
    assert bench.issuer.state["password"] not in everything_said(bench, error)


def interrupted(folder: Path) -> tuple[Bench, AwayStore]:
    """A rotation whose new value is in force, and in a store that another process will not reach."""
    bench, store = passwords(folder), AwayStore()
    bench.store = store
    bench.issuer.before = lambda call, number: (
        IssuerError("not well") if call == "verify" and "password" in bench.issuer.state else None
    )
    failing(bench)
    bench.issuer.before = lambda call, number: None
    assert [one.step for one in bench.attempts()][-1] == Step.PROVE_NEW
    bench.told.clear()
    store.says = f"unexpected document {bench.issuer.state['password']}"
    return bench, store


def test_words_that_cannot_be_masked_are_left_out(tmp_path: Path) -> None:
    bench, store = interrupted(tmp_path)
    error = failing(bench)
    assert str(error) == "ref+local://app#/DATABASE_URL does not answer"
    assert "`secretguard store versions ref+local://app`" in error.hint
    assert bench.issuer.state["password"] not in everything_said(bench, error)
    store.says = ""
    bench.run()
    assert bench.stored()["password"] == bench.issuer.state["password"]


def test_a_value_that_was_read_once_is_masked_from_then_on(tmp_path: Path) -> None:
    bench, store = interrupted(tmp_path)
    said, store.says = store.says, ""

    def leave(call: str, number: int) -> None:
        store.says = said

    bench.issuer.before = leave
    error = failing(bench)
    assert str(error) == "unexpected document ****"
    assert bench.issuer.state["password"] not in everything_said(bench, error)


def test_where_there_is_no_new_value_yet_everything_is_told(tmp_path: Path) -> None:
    bench, store = passwords(tmp_path), AwayStore()
    bench.store = store
    store.says = "the store is sealed"
    assert str(failing(bench)) == "the store is sealed"


def test_what_somebody_put_in_the_place_of_the_pending_value_is_masked_too(tmp_path: Path) -> None:
    bench, store = interrupted(tmp_path)
    store.says = ""
    other = "Another-" + "value1"
    store.fields = {"DATABASE_URL": Secret(other)}
    bench.issuer.before = lambda call, number: IssuerError(f"no {other}")
    error = failing(bench)
    assert isinstance(error, RotationError)
    assert "is not what was put there" in str(error)
    assert other not in everything_said(bench, error)
