"""The contract of a store plugin: what its readers, its rotations and a thief of an old version get to see.

Subclass `StoreContract` in a test module and give it a fixture `place`:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def place(self, my_server):
            return StorePlace(secretguard_mystore.store, environ, parse_reference("ref+…"), holds=my_server.holds)
"""

import threading
from collections.abc import Iterator
from typing import ClassVar

from secretguard.errors import Conflict, StoreError
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret
from secretguard.testing.exposure import exposure
from secretguard.testing.store_place import StorePlace, a_rotation, a_value, at_once, plain, refusal, secret_fields

LEAKED, NEW, OTHER = "leaked", "new", "other"


class StoreContract:
    """Subclass it with a fixture `place` (a StorePlace), and pytest checks what a store plugin must hold."""

    current_at_once: ClassVar[bool] = False
    """Set it where the service itself publishes the first version of a document, staged or not."""
    destroys_at_once: ClassVar[bool] = True
    """Unset it where the service keeps versions for a while that nobody can destroy; evidence must then say so."""
    exclusive: ClassVar[bool] = True
    """Unset it where the service cannot keep two rotations from staging in the same instant."""

    def test_where_nothing_was_stored_nothing_is_found(self, place: StorePlace) -> None:
        """An absent document is no error."""
        one = place.context(a_rotation())
        assert place.store.read(place.reference, one) is None
        assert place.store.staged(place.reference, one) is None
        assert not place.store.published(place.reference, one)
        assert list(place.store.versions(place.reference, one)) == []

    def test_preflight_of_a_writable_place_stops_nothing_and_changes_nothing(self, place: StorePlace) -> None:
        """The plan is made without effects."""
        before = len(place.store.versions(place.reference, place.context()))
        assert not place.store.preflight(place.reference, place.context(a_rotation())).stopped
        assert len(place.store.versions(place.reference, place.context())) == before

    def test_a_staged_value_is_not_what_a_reader_gets(self, place: StorePlace) -> None:
        """Between stage and publish the application goes on with what it had."""
        before = {"DATABASE_URL": a_value(LEAKED), "note": "théodolite ✓"}
        place.seeded(**before)
        one, new = place.context(a_rotation()), a_value(NEW)
        place.store.stage(place.reference, secret_fields({"DATABASE_URL": new}), one)
        assert place.seen() == before
        assert not place.store.published(place.reference, one)
        assert plain(place.store.staged(place.reference, one)) == {"DATABASE_URL": new}

    def test_a_new_place_has_no_reader_before_it_is_published(self, place: StorePlace) -> None:
        """Staging creates the document, but nothing that a reference resolves to."""
        one, new = place.context(a_rotation()), {"DATABASE_URL": a_value(NEW), "password": a_value(NEW)}
        place.store.stage(place.reference, secret_fields(new), one)
        assert plain(place.store.staged(place.reference, one)) == new
        if not self.current_at_once:
            assert place.seen() is None
            assert not place.store.published(place.reference, one)
        place.store.publish(place.reference, one)
        assert place.seen() == new
        assert place.store.published(place.reference, one)

    def test_staging_again_for_the_same_rotation_replaces_nothing(self, place: StorePlace) -> None:
        """After a crash the engine stages again with another made-up value; the first is already in force."""
        place.seeded(password=a_value(LEAKED))
        one, first = place.context(a_rotation()), a_value(NEW)
        place.store.stage(place.reference, secret_fields({"password": first}), one)
        versions = len(place.store.versions(place.reference, one))
        place.store.stage(place.reference, secret_fields({"password": a_value(OTHER)}), one)
        assert plain(place.store.staged(place.reference, one)) == {"password": first}
        assert len(place.store.versions(place.reference, one)) == versions
        place.store.publish(place.reference, one)
        assert place.seen() == {"password": first}
        place.store.stage(place.reference, secret_fields({"password": a_value(OTHER)}), one)
        place.store.publish(place.reference, one)
        assert place.seen() == {"password": first}

    def test_other_fields_stay_as_they_are(self, place: StorePlace) -> None:
        """A document of an application holds more than the leaked credential."""
        others = {"SMTP_PASSWORD": a_value(OTHER), "json": '{"a": [1, null]}', "empty": "", "lines": "a\nb\r\n\x7f é"}
        place.seeded(DATABASE_URL=a_value(LEAKED), **others)
        one, new = place.context(a_rotation()), {"DATABASE_URL": a_value(NEW), "username": "app"}
        place.store.stage(place.reference, secret_fields(new), one)
        assert {name: value for name, value in (place.seen() or {}).items() if name in others} == others
        place.store.publish(place.reference, one)
        assert place.seen() == {**others, **new}

    def test_publishing_twice_is_publishing_once(self, place: StorePlace) -> None:
        """The engine publishes again when the first answer was lost."""
        place.seeded(password=a_value(LEAKED))
        one, new = place.context(a_rotation()), a_value(NEW)
        place.store.stage(place.reference, secret_fields({"password": new}), one)
        place.store.publish(place.reference, one)
        versions = place.store.versions(place.reference, one)
        place.store.publish(place.reference, one)
        assert [(v.version, v.state) for v in place.store.versions(place.reference, one)] == [
            (v.version, v.state) for v in versions
        ]
        assert place.seen() == {"password": new}
        assert plain(place.store.staged(place.reference, one)) == {"password": new}

    def test_what_was_never_staged_is_not_published(self, place: StorePlace) -> None:
        """Publishing nothing is an error, and changes nothing."""
        before = {"password": a_value(LEAKED)}
        place.seeded(**before)
        one = place.context(a_rotation())
        refusal(lambda: place.store.publish(place.reference, one))
        assert place.seen() == before
        assert not place.store.published(place.reference, one)

    def test_a_later_rotation_is_the_published_one(self, place: StorePlace) -> None:
        """Only one rotation's fields are what a reader gets."""
        first, second = place.context(a_rotation()), place.context(a_rotation())
        for one in (first, second):
            place.store.stage(place.reference, secret_fields({"password": a_value(NEW)}), one)
            place.store.publish(place.reference, one)
        assert place.store.published(place.reference, second)
        assert not place.store.published(place.reference, first)

    def test_what_is_discarded_is_gone_and_the_place_is_free(self, place: StorePlace) -> None:
        """An aborted rotation leaves the document as it was, for the next one."""
        before, new = {"password": a_value(LEAKED)}, a_value(NEW)
        place.seeded(**before)
        first, second = place.context(a_rotation()), place.context(a_rotation())
        place.store.stage(place.reference, secret_fields({"password": new}), first)
        place.store.discard(place.reference, first)
        place.store.discard(place.reference, first)
        assert place.seen() == before
        assert place.store.staged(place.reference, first) is None
        place.store.stage(place.reference, secret_fields({"password": a_value(OTHER)}), second)
        place.store.discard(place.reference, first)
        assert place.store.staged(place.reference, second) is not None

    def test_what_is_published_is_not_discarded(self, place: StorePlace) -> None:
        """A value that readers have is in use."""
        one, new = place.context(a_rotation()), a_value(NEW)
        place.store.stage(place.reference, secret_fields({"password": new}), one)
        place.store.publish(place.reference, one)
        place.store.discard(place.reference, one)
        assert place.seen() == {"password": new}

    def test_a_second_rotation_is_told_which_one_is_under_way(self, place: StorePlace) -> None:
        """Two responders: the second changes nothing, and learns whose turn it is."""
        before, new = {"password": a_value(LEAKED)}, a_value(NEW)
        place.seeded(**before)
        first, second = place.context(a_rotation()), place.context(a_rotation())
        place.store.stage(place.reference, secret_fields({"password": new}), first)
        late = secret_fields({"password": a_value(OTHER)})
        error = refusal(lambda: place.store.stage(place.reference, late, second))
        assert isinstance(error, Conflict)
        assert first.rotation in str(error) + error.hint
        refusal(lambda: place.store.publish(place.reference, second))
        assert place.store.staged(place.reference, second) is None
        assert plain(place.store.staged(place.reference, first)) == {"password": new}
        assert place.seen() == before

    def test_of_two_rotations_that_stage_at_once_one_gets_the_place(self, place: StorePlace) -> None:
        """Whoever is told that staging worked finds the own value there afterwards."""
        if not self.exclusive:
            return
        place.seeded(password=a_value(LEAKED))
        tries = {a_rotation(): a_value(NEW) for _ in range(4)}

        def stage(rotation: str) -> None:
            fields = secret_fields({"password": tries[rotation]})
            place.store.stage(place.reference, fields, place.context(rotation))

        failed = at_once(stage, tries)
        assert all(isinstance(error, Conflict) for error in failed.values()), failed
        kept = {one: plain(place.store.staged(place.reference, place.context(one))) for one in tries}
        assert kept == {one: None if one in failed else {"password": value} for one, value in tries.items()}
        assert len(failed) == len(tries) - 1

    def test_of_two_writers_at_once_none_loses_a_field(self, place: StorePlace) -> None:
        """A write that was accepted is there; one that was not was refused."""
        if not self.exclusive:
            return
        place.seeded(start="1")
        failed = at_once(lambda name: place.seeded(**{name: "x"}), [f"field{n}" for n in range(6)])
        assert all(isinstance(error, Conflict) for error in failed.values()), failed
        there = set(place.seen() or {})
        assert there == {"start", *(f"field{n}" for n in range(6))} - set(failed)

    def test_a_reader_in_the_middle_gets_the_old_pair_or_the_new_one(self, place: StorePlace) -> None:
        """Never a mixture, never nothing, and never the new one before it is published."""
        old = {"username": "app", "password": a_value(LEAKED)}
        new = {"username": "app_2", "password": a_value(NEW)}
        place.seeded(**old)
        publishing, done = threading.Event(), threading.Event()
        wrong: list[str] = []

        def look() -> None:
            while not done.is_set():
                early = not publishing.is_set()
                try:
                    seen = place.seen()
                except StoreError as error:
                    wrong.append(str(error))
                    continue
                if seen not in ((old,) if early and not publishing.is_set() else (old, new)):
                    wrong.append(f"early: {early}, fields: {sorted(seen or {})}")

        reader = threading.Thread(target=look)
        reader.start()
        one = place.context(a_rotation())
        try:
            place.store.stage(place.reference, secret_fields(new), one)
            place.store.stage(place.reference, secret_fields(new), one)
            publishing.set()
            place.store.publish(place.reference, one)
        finally:
            publishing.set()
            done.set()
            reader.join()
        assert wrong == []
        assert place.seen() == new

    def test_no_version_holds_the_leaked_value_afterwards(self, place: StorePlace) -> None:
        """Neither as a field of its own nor inside of a connection string; what does not hold it stays."""
        leaked, marker = a_value(LEAKED), a_value(OTHER)
        place.seeded(password=leaked)
        place.seeded(DATABASE_URL=f"postgresql://app:{leaked}@db/app", password="overwritten")  # noqa: S106
        one, new = place.context(a_rotation()), a_value(NEW)
        current = {"DATABASE_URL": f"postgresql://app:{new}@db/app", "password": new}
        place.store.stage(place.reference, secret_fields(current), one)
        place.store.publish(place.reference, one)
        place.seeded(note=marker)
        place.seeded(note="")
        assert place.holds(leaked)
        evidence = place.store.destroy_leaked(place.reference, Secret(leaked), one)
        assert evidence
        assert leaked not in "".join(evidence)
        if self.destroys_at_once:
            assert not place.holds(leaked)
        assert place.holds(marker)
        assert place.seen() == {**current, "note": ""}
        again = place.store.destroy_leaked(place.reference, Secret(leaked), one)
        assert leaked not in "".join(again)
        assert place.seen() == {**current, "note": ""}

    def test_the_current_version_is_never_destroyed(self, place: StorePlace) -> None:
        """Even if it still holds the leaked value: then the evidence says so."""
        leaked = a_value(LEAKED)
        place.seeded(password=leaked)
        evidence = place.store.destroy_leaked(place.reference, Secret(leaked), place.context(a_rotation()))
        assert place.seen() == {"password": leaked}
        assert evidence
        assert leaked not in "".join(evidence)

    def test_put_leaves_other_fields_and_a_pending_rotation_alone(self, place: StorePlace) -> None:
        """`secretguard store put` in the middle of a rotation disturbs nobody."""
        place.seeded(password=a_value(LEAKED), host="db-1")
        one, new = place.context(a_rotation()), a_value(NEW)
        place.store.stage(place.reference, secret_fields({"password": new}), one)
        place.seeded(host="db-2", port="5432")
        assert plain(place.store.staged(place.reference, one)) == {"password": new}
        place.store.publish(place.reference, one)
        assert place.seen() == {"password": new, "host": "db-2", "port": "5432"}

    def test_what_somebody_else_wrote_to_a_staged_field_is_not_replaced(self, place: StorePlace) -> None:
        """It is told, and goes on once the field holds again what it held."""
        leaked, new, theirs = a_value(LEAKED), a_value(NEW), a_value(OTHER)
        place.seeded(DATABASE_URL=leaked, host="db-1")
        one, wanted = place.context(a_rotation()), {"DATABASE_URL": new, "username": "app"}
        place.store.stage(place.reference, secret_fields(wanted), one)
        place.seeded(DATABASE_URL=theirs, host="db-2")
        error = refusal(lambda: place.store.publish(place.reference, one))
        assert isinstance(error, Conflict)
        assert "DATABASE_URL" in str(error)
        assert not any(value in str(error) + error.hint for value in (leaked, new, theirs))
        assert place.seen() == {"DATABASE_URL": theirs, "host": "db-2"}
        assert plain(place.store.staged(place.reference, one)) == wanted
        assert not place.store.published(place.reference, one)
        place.seeded(DATABASE_URL=leaked)
        place.store.publish(place.reference, one)
        assert place.seen() == {**wanted, "host": "db-2"}

    def test_versions_are_told_newest_first_without_values(self, place: StorePlace) -> None:
        """What `secretguard store versions` lists."""
        values = [a_value(OTHER) for _ in range(3)]
        for value in values:
            place.seeded(password=value)
        versions = place.store.versions(place.reference, place.context())
        assert len(versions) >= 2
        assert versions[0].state == "current"
        assert [version.state for version in versions].count("current") == 1
        assert len({version.version for version in versions}) == len(versions)
        created = [version.created for version in versions if version.created]
        assert created == sorted(created, reverse=True)
        assert not any(value in repr(versions) for value in values)

    def test_a_destroyed_version_is_gone_for_good(self, place: StorePlace) -> None:
        """`secretguard store destroy` of an old version; the others stay."""
        old, new = a_value(LEAKED), a_value(NEW)
        place.seeded(password=old)
        place.seeded(password=new)
        previous = place.store.versions(place.reference, place.context())[1].version
        place.store.destroy(place.reference, previous, place.context())
        if self.destroys_at_once:
            assert not place.holds(old)
        assert place.seen() == {"password": new}
        left = {v.version: v.state for v in place.store.versions(place.reference, place.context())}
        assert left.get(previous, "destroyed") in ("destroyed", "deleted")

    def test_a_listing_tells_the_documents_under_a_prefix(self, place: StorePlace) -> None:
        """Paths as they stand in references."""
        place.seeded(password=a_value(OTHER))
        path = place.reference.path
        assert path in place.store.listing(path, place.context())
        assert path in place.store.listing(path[:-1], place.context())
        assert path not in place.store.listing(path + "x", place.context())

    def test_no_value_stands_in_an_error(self, place: StorePlace) -> None:
        """Neither in its text nor in what a crash report would show: chained errors and locals of its frames."""
        leaked, new, other = a_value(LEAKED), a_value(NEW), a_value(OTHER)
        place.seeded(password=leaked)
        first, second = place.context(a_rotation()), place.context(a_rotation())
        staged, late = secret_fields({"password": new}), secret_fields({"password": other})
        place.store.stage(place.reference, staged, first)
        errors = [
            refusal(lambda: place.store.stage(place.reference, late, second)),
            refusal(lambda: place.store.publish(place.reference, second)),
            *self._without_the_service(place, late),
        ]
        assert [found for error in errors for found in exposure(error, leaked, new, other)] == []

    def _without_the_service(self, place: StorePlace, fields: Fields) -> Iterator[StoreError]:
        if place.unreachable is None:
            return
        store, reference = place.store, place.reference
        context = Context(environ=place.unreachable, rotation=a_rotation(), timeout=2.0)
        for call in (
            lambda: store.read(reference, context),
            lambda: store.stage(reference, fields, context),
            lambda: store.publish(reference, context),
            lambda: store.put(reference, fields, context),
            lambda: store.destroy_leaked(reference, fields["password"], context),
        ):
            yield refusal(call)
