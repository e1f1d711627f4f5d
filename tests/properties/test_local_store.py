"""Whatever is put, staged, published, discarded and destroyed, in whatever order: the local store is what a simple
model of it says."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from secretguard.errors import Conflict, StoreError
from secretguard.reference import parse_reference
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret
from secretguard.stores import local

ROTATIONS = st.sampled_from([f"rot_000000000000000{number}" for number in range(3)])
VALUES = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=5), min_size=1)
WHERE = parse_reference("ref+local://app")


def sealed(values: Mapping[str, str]) -> Fields:
    return {name: Secret(value) for name, value in values.items()}


def plain(fields: Fields | None) -> dict[str, str] | None:
    return None if fields is None else {name: value.reveal() for name, value in fields.items()}


class LocalStore(RuleBasedStateMachine):
    """A dictionary of versions, one of which counts, and at most one pending."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.versions: dict[int, dict[str, str]] = {}
        self.last = self.current = 0
        self.pending: tuple[str, dict[str, str]] | None = None
        self.used: set[str] = set()
        self.upon = 0
        """The version that counted when the pending one was staged."""

    def teardown(self) -> None:
        self.folder.cleanup()

    def context(self, rotation: str = "") -> Context:
        return Context({"XDG_DATA_HOME": str(Path(self.folder.name)), "SECRETGUARD_STORE_KEY": "file"}, rotation)

    def add(self, values: dict[str, str]) -> None:
        now = self.versions.get(self.current, {})
        self.last = self.current = self.last + 1
        self.versions[self.current] = {**now, **values}

    def somebody_wrote(self, staged: dict[str, str]) -> bool:
        """Whether a staged field has another value by now than when it was staged, and is not empty."""
        before, now = self.versions.get(self.upon, {}), self.versions.get(self.current, {})
        mine = {name: value for name, value in now.items() if name in staged and value not in ("", staged[name])}
        return self.upon != self.current and any(before.get(name) != value for name, value in mine.items())

    @rule(values=VALUES)
    def put(self, values: dict[str, str]) -> None:
        local.put(WHERE, sealed(values), self.context())
        self.add(values)

    @rule(rotation=ROTATIONS, values=VALUES)
    def stage(self, rotation: str, values: dict[str, str]) -> None:
        if self.pending and self.pending[0] != rotation:
            with pytest.raises(Conflict):
                local.stage(WHERE, sealed(values), self.context(rotation))
            return
        local.stage(WHERE, sealed(values), self.context(rotation))
        if not self.pending and rotation not in self.used:
            self.pending = rotation, values
            self.upon = self.current

    @rule(rotation=ROTATIONS)
    def publish(self, rotation: str) -> None:
        if self.pending and self.pending[0] == rotation:
            if self.somebody_wrote(self.pending[1]):
                with pytest.raises(Conflict):
                    local.publish(WHERE, self.context(rotation))
                return
            local.publish(WHERE, self.context(rotation))
            self.add(self.pending[1])
            self.used.add(rotation)
            self.pending = None
        elif rotation not in self.used:
            with pytest.raises(StoreError):
                local.publish(WHERE, self.context(rotation))
        else:
            local.publish(WHERE, self.context(rotation))

    @rule(rotation=ROTATIONS)
    def discard(self, rotation: str) -> None:
        local.discard(WHERE, self.context(rotation))
        if self.pending and self.pending[0] == rotation:
            self.pending = None

    @rule(back=st.integers(1, 3))
    def destroy_an_old_one(self, back: int) -> None:
        number = self.current - back
        if number in self.versions and not self.used:  # what a rotation staged goes with its version
            local.destroy(WHERE, str(number), self.context())
            del self.versions[number]

    @invariant()
    def a_reader_gets_what_was_published_last(self) -> None:
        assert plain(local.read(WHERE, self.context())) == self.versions.get(self.current)

    @invariant()
    def what_is_pending_is_its_rotations_alone(self) -> None:
        if self.pending:
            assert plain(local.staged(WHERE, self.context(self.pending[0]))) == self.pending[1]
            assert not {self.pending[0]} & self.used

    @invariant()
    def each_version_has_its_state(self) -> None:
        listed = {one.version: one.state for one in local.versions(WHERE, self.context())}
        expected = {str(number): "previous" for number in self.versions}
        expected |= {str(number): "destroyed" for number in range(1, self.last + 1) if number not in self.versions}
        expected |= {str(self.current): "current"} if self.current else {}
        expected |= {"pending": "pending"} if self.pending else {}
        assert listed == expected


LocalStore.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLocalStore = LocalStore.TestCase
