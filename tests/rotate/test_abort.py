"""A rotation is taken back while that is safe, and not after."""

from dataclasses import replace
from pathlib import Path

import pytest

from secretguard.errors import IssuerError, UsageError
from secretguard.reference import parse_reference
from secretguard.rotate import acts
from secretguard.rotate.records import State
from secretguard.rotate.steps import Step
from secretguard.stores import local
from tests.rotate.rotations import keys, passwords
from tests.rotate.test_drive import check_rotated, fails


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_PAUSE", 0.0)


class TestAbort:
    @pytest.mark.parametrize("call", ["preflight", "reconcile", "issue"])
    def test_what_was_staged_is_gone_and_the_old_value_works(self, call: str, tmp_path: Path) -> None:
        bench = passwords(tmp_path)
        bench.issuer.before = fails(call, 1)
        with pytest.raises(IssuerError):
            bench.run()
        assert bench.abort().state is State.ABORTED
        assert bench.issuer.state["password"] == bench.old
        assert local.staged(parse_reference("ref+local://app"), bench.means.context) is None

    def test_a_change_whose_reply_was_lost_is_not_rolled_back(self, tmp_path: Path) -> None:
        """It may have its effect after we looked, when nobody would have the new value any more."""
        bench = passwords(tmp_path)
        bench.issuer.before = fails("issue", 1, 2, 3, transient=True, unsure=True)
        with pytest.raises(IssuerError):
            bench.run()
        with pytest.raises(UsageError, match="may be dead"):
            bench.abort()
        bench.run()
        check_rotated(bench)

    def test_a_refusal_after_a_lost_reply_leaves_it_uncertain(self, tmp_path: Path) -> None:
        bench = passwords(tmp_path)
        lost, refused = fails("issue", 1, transient=True, unsure=True), fails("issue", 2)
        bench.issuer.before = lambda call, number: lost(call, number) or refused(call, number)
        with pytest.raises(IssuerError):
            bench.run()
        with pytest.raises(UsageError, match="may be dead"):
            bench.abort()

    @pytest.mark.parametrize("after", ["the new value is in force", "a third one is"])
    def test_a_refused_change_is_not_rolled_back_where_something_was_changed(self, after: str, tmp_path: Path) -> None:
        bench = passwords(tmp_path)

        def refuse(call: str, number: int) -> IssuerError | None:
            if call != "issue":
                return None
            if after == "a third one is":
                bench.issuer.state = {"password": "of somebody else"}
            return IssuerError("not well")

        bench.issuer.after = refuse
        with pytest.raises(IssuerError):
            bench.run()
        with pytest.raises(UsageError, match="not certain that nothing was changed"):
            bench.abort()
        assert [one.step for one in bench.attempts()][-1] == Step.ISSUE
        bench.issuer.after = lambda call, number: None
        bench.run()
        check_rotated(bench)

    def test_nothing_is_certain_where_a_server_does_not_answer(self, tmp_path: Path) -> None:
        bench = passwords(tmp_path)
        bench.issuer.before = fails("issue", 1)
        with pytest.raises(IssuerError):
            bench.run()
        bench.issuer.silent.add("db.test")
        with pytest.raises(UsageError, match="not certain"):
            bench.abort()
        bench.issuer.silent.clear()
        assert bench.abort().state is State.ABORTED

    def test_a_key_that_was_made_is_withdrawn(self, tmp_path: Path) -> None:
        bench = keys(tmp_path)
        bench.issuer.before = fails("verify", 1)
        with pytest.raises(IssuerError):
            bench.run()
        assert len(bench.issuer.live()) == 3  # type: ignore[attr-defined]
        bench.abort()
        assert sorted(bench.issuer.live()) == sorted([bench.old, "others"])  # type: ignore[attr-defined]

    @pytest.mark.parametrize("call", ["disable", "destroy"])
    def test_it_is_refused_once_readers_may_have_the_new_value(self, call: str, tmp_path: Path) -> None:
        bench = keys(tmp_path)
        bench.issuer.before = fails(call, 1)
        with pytest.raises(IssuerError):
            bench.run()
        with pytest.raises(UsageError, match="cannot be rolled back"):
            bench.abort()
        bench.run()
        check_rotated(bench)

    def test_killed_first_a_refused_end_of_the_old_value_is_rolled_back(self, tmp_path: Path) -> None:
        bench = replace(keys(tmp_path), kill_first=True)
        bench.issuer.before = fails("disable", 1)
        with pytest.raises(IssuerError):
            bench.run()
        assert bench.abort().state is State.ABORTED
        assert sorted(bench.issuer.live()) == sorted([bench.old, "others"])  # type: ignore[attr-defined]

    @pytest.mark.parametrize("how", [{}, {"transient": True, "unsure": True}])
    def test_killed_first_what_may_be_dead_is_not_rolled_back(self, how: dict[str, bool], tmp_path: Path) -> None:
        bench = replace(keys(tmp_path), kill_first=True)
        bench.issuer.after = fails("disable", *((1, 2, 3) if how else (1,)), **how)
        with pytest.raises(IssuerError):
            bench.run()
        with pytest.raises(UsageError, match="cannot be rolled back"):
            bench.abort()
        bench.run()
        check_rotated(bench)

    def test_a_closed_one_is_over(self, tmp_path: Path) -> None:
        bench = keys(tmp_path)
        bench.run()
        with pytest.raises(UsageError, match="closed already"):
            bench.abort()
