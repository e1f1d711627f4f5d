"""The audit file tells what happened, and tells on whoever changes it."""

import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from secretguard.errors import RotationError
from secretguard.rotate.audit import FILE, KEY, RESUMED, Standing, Trail, show, verify
from secretguard.rotate.journal_sql import SqlJournal
from secretguard.rotate.journal_sqlite import open_sqlite
from tests.rotate.journals import CREDENTIAL, Kind, Worker, a_rotation

ACTOR = "ada@here"
RECORDS = 6


@pytest.fixture
def journal(sqlite: Kind) -> SqlJournal:
    return sqlite.here()


@pytest.fixture
def trail(sqlite: Kind, journal: SqlJournal) -> Trail:
    return Trail(sqlite.state, journal, ACTOR)


def tell(trail: Trail, times: int = 1) -> None:
    for number in range(times):
        trail(a_rotation("rot_00000000000000aa"), "done", step="issue", evidence=[f"db.internal: works ({number})"])


def lines_of(trail: Trail) -> list[bytes]:
    return (trail.directory / FILE).read_bytes().splitlines(keepends=True)


def rewrite(trail: Trail, *lines: bytes) -> None:
    (trail.directory / FILE).write_bytes(b"".join(lines))


def test_a_record_says_who_what_when_and_how_it_ended(trail: Trail) -> None:
    trail(a_rotation("rot_00000000000000aa"), "failed", step="issue", evidence=["no answer", "\n\x1b[2Jé"])
    ((line, record),) = show(trail.directory)
    assert record
    assert (line, record.number, record.actor, record.rotation) == (1, 1, ACTOR, "rot_00000000000000aa")
    assert (record.credential, record.event, record.step) == (CREDENTIAL, "failed", "issue")
    assert record.evidence == ("no answer", "\n\x1b[2Jé")
    assert record.at.endswith("Z")
    content = (trail.directory / FILE).read_bytes()
    assert content.count(b"\n") == 1
    assert b"\x1b" not in content, "a terminal that shows the file is safe"


def test_key_and_file_are_nobody_elses(trail: Trail) -> None:
    tell(trail)
    for name in (FILE, KEY):
        assert stat.S_IMODE((trail.directory / name).stat().st_mode) == 0o600
    key = (trail.directory / KEY).read_bytes()
    assert len(key) == 32
    others = [path for path in trail.directory.iterdir() if path.name != KEY]
    assert not any(key in path.read_bytes() or key.hex().encode() in path.read_bytes() for path in others)


def test_what_is_shown_can_be_narrowed_to_one_rotation_or_credential(trail: Trail) -> None:
    tell(trail)
    trail(a_rotation("rot_00000000000000bb", "sg_ba9876543210"), "intended")
    for about, lines in (("", [1, 2]), ("rot_00000000000000bb", [2]), (CREDENTIAL, [1]), ("sg_000000000000", [])):
        assert [line for line, _ in show(trail.directory, about)] == lines
    rewrite(trail, b"{}\n", *lines_of(trail)[1:])
    assert [record is None for _, record in show(trail.directory)] == [True, False]


def test_what_nobody_touched_is_intact(trail: Trail) -> None:
    assert verify(trail.directory, trail.journal).standing is Standing.INTACT
    for count in range(1, 4):
        tell(trail)
        found = verify(trail.directory, trail.journal)
        assert (found.standing, found.records, found.anchored, found.line) == (Standing.INTACT, count, count, None)
        assert found.ok


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    """A trail that each example begins with; its journal is not written to."""
    state = tmp_path_factory.mktemp("state")
    trail = Trail(state, open_sqlite(state), ACTOR)
    tell(trail, RECORDS)
    shutil.copy(state / FILE, state / "kept")
    yield trail
    trail.journal.close()


def bad_line(trail: Trail, changed: bytes) -> int | None:
    (trail.directory / FILE).write_bytes(changed)
    found = verify(trail.directory, trail.journal)
    assert found.standing is Standing.TAMPERED
    assert not found.ok
    assert found.what
    assert found.hint
    return found.line


def kept(trail: Trail) -> list[bytes]:
    return (trail.directory / "kept").read_bytes().splitlines(keepends=True)


@settings(deadline=None)
@given(st.data())
def test_any_edit_of_one_line_is_found_and_named(written: Trail, data: st.DataObject) -> None:
    lines = kept(written)
    at = data.draw(st.integers(0, RECORDS - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    length = data.draw(st.integers(0, 3))
    instead = data.draw(st.binary(max_size=3))
    edited = lines[at][:place] + instead + lines[at][place + length :]
    if edited == lines[at]:
        edited += b" "
    changed = b"".join([*lines[:at], edited, *lines[at + 1 :]])
    assume(not changed.startswith(b"".join(lines)))  # something behind the last record: see the test of that
    line = bad_line(written, changed)
    # A line that lost its end, or got one in its middle, is bad there; what was put before its end may be the next.
    assert line in (at + 1, at + 2)


@settings(deadline=None)
@given(st.integers(0, RECORDS - 1), st.sampled_from(["step", "event", "actor", "at", "evidence", "number", "previous"]))
def test_a_changed_field_is_found_even_if_the_line_is_written_as_we_do(written: Trail, at: int, field: str) -> None:
    lines = kept(written)
    fields = json.loads(lines[at])
    fields[field] = ["other"] if field == "evidence" else "other"
    lines[at] = json.dumps(fields, separators=(",", ":")).encode() + b"\n"
    assert bad_line(written, b"".join(lines)) == at + 1


@settings(deadline=None)
@given(st.integers(0, RECORDS - 1))
def test_a_line_written_in_another_way_is_found(written: Trail, at: int) -> None:
    lines = kept(written)
    lines[at] = json.dumps(json.loads(lines[at])).encode() + b"\n"
    assert bad_line(written, b"".join(lines)) == at + 1


@settings(deadline=None)
@given(st.sets(st.integers(0, RECORDS - 1), min_size=1))
def test_any_removal_is_found(written: Trail, gone: set[int]) -> None:
    rest = [line for at, line in enumerate(kept(written)) if at not in gone]
    first = min(gone) + 1
    assert bad_line(written, b"".join(rest)) == first


@settings(deadline=None)
@given(st.permutations(range(RECORDS)).filter(lambda order: list(order) != list(range(RECORDS))))
def test_any_other_order_is_found(written: Trail, order: list[int]) -> None:
    lines = kept(written)
    first = next(at for at in range(RECORDS) if order[at] != at)
    assert bad_line(written, b"".join(lines[at] for at in order)) == first + 1


@settings(deadline=None)
@given(st.integers(0, RECORDS), st.integers(0, RECORDS - 1))
def test_a_record_that_stands_there_twice_is_found(written: Trail, at: int, which: int) -> None:
    lines = kept(written)
    lines.insert(at, lines[which])
    assert bad_line(written, b"".join(lines)) in (at + 1, at + 2)


@settings(deadline=None)
@given(st.data())
def test_any_end_that_was_cut_off_is_found(written: Trail, data: st.DataObject) -> None:
    content = b"".join(kept(written))
    length = data.draw(st.integers(0, len(content) - 1))
    assert bad_line(written, content[:length]) == content[:length].count(b"\n") + 1


def test_a_record_sealed_with_another_key_is_found(trail: Trail, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    foreign = Trail(tmp_path / "other", open_sqlite(tmp_path / "other"), ACTOR)
    tell(foreign, 2)
    tell(trail, 2)
    rewrite(trail, lines_of(trail)[0], lines_of(foreign)[1])
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.line) == (Standing.TAMPERED, 2)
    foreign.journal.close()


def test_an_older_copy_of_journal_is_told_from_the_file(sqlite: Kind, trail: Trail) -> None:
    tell(trail, 1)
    anchor = trail.journal.anchor()
    tell(trail, 2)
    trail.journal.set_anchor(*anchor)
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.records, found.anchored) == (Standing.TAMPERED, 3, 1)
    assert "older copy" in found.what


def test_a_process_that_ends_between_record_and_anchor_is_no_tampering(trail: Trail) -> None:
    tell(trail, 2)
    anchor = trail.journal.anchor()
    tell(trail)
    trail.journal.set_anchor(*anchor)
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.records, found.anchored, found.line) == (Standing.AHEAD, 3, 2, None)
    assert found.ok
    tell(trail)
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.records) == (Standing.INTACT, 4)


def test_a_record_that_was_cut_off_while_written_makes_room_for_the_next(trail: Trail) -> None:
    tell(trail, 2)
    lines = lines_of(trail)
    rewrite(trail, *lines, lines[1].replace(b'"number":2', b'"number":3')[:100])
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.records, found.line, found.ok) == (Standing.UNFINISHED, 2, 3, True)
    tell(trail)
    assert verify(trail.directory, trail.journal).standing is Standing.INTACT
    assert lines_of(trail)[:2] == lines


@pytest.mark.parametrize("behind", [b" ", b"{}", b'{"number":4,', b"\0\0 "])
def test_what_stands_behind_the_last_record_and_is_no_beginning_of_the_next_is_found(
    trail: Trail, behind: bytes
) -> None:
    tell(trail, 2)
    rewrite(trail, *lines_of(trail), behind)
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.line) == (Standing.TAMPERED, 3)
    with pytest.raises(RotationError):
        tell(trail)


@pytest.mark.parametrize("behind", [b"{", b'{"number":3,"at":"2026', b'{"number":3,"at"\0\0\0', b"\0" * 4096])
def test_what_a_loss_of_power_leaves_is_known_for_that(trail: Trail, behind: bytes) -> None:
    tell(trail, 2)
    rewrite(trail, *lines_of(trail), behind)
    assert verify(trail.directory, trail.journal).standing is Standing.UNFINISHED
    tell(trail)
    assert verify(trail.directory, trail.journal).standing is Standing.INTACT


def test_the_very_first_record_may_be_cut_off_too(trail: Trail) -> None:
    tell(trail)
    rewrite(trail, lines_of(trail)[0][:50])
    trail.journal.set_anchor(0, "")
    assert verify(trail.directory, trail.journal).standing is Standing.UNFINISHED
    tell(trail)
    assert verify(trail.directory, trail.journal).standing is Standing.INTACT


@pytest.mark.parametrize("end", [b"", b"{}\n", b"\n"])
def test_nothing_is_added_to_a_file_whose_end_was_changed(trail: Trail, end: bytes) -> None:
    tell(trail, 3)
    rewrite(trail, *lines_of(trail)[:-1], end)
    changed = (trail.directory / FILE).read_bytes()
    with pytest.raises(RotationError, match="does not end where the journal says") as caught:
        tell(trail)
    assert "rotate audit verify" in caught.value.hint
    assert (trail.directory / FILE).read_bytes() == changed


def test_after_the_file_was_moved_aside_a_new_one_follows_on_it(trail: Trail) -> None:
    tell(trail, 3)
    old = lines_of(trail)
    (trail.directory / FILE).rename(trail.directory / "audit-old.jsonl")
    found = verify(trail.directory, trail.journal)
    assert (found.standing, found.line) == (Standing.TAMPERED, 1)
    tell(trail)
    begun, told = (record for _, record in show(trail.directory))
    assert begun
    assert told
    assert (begun.event, begun.number, begun.previous) == (RESUMED, 4, json.loads(old[-1])["seal"])
    assert begun.evidence == (f"no {FILE} was there; the journal knows of 3 records",)
    assert told.number == 5
    assert verify(trail.directory, trail.journal).standing is Standing.INTACT
    rewrite(trail, lines_of(trail)[1])
    assert verify(trail.directory, trail.journal).line == 1


@pytest.mark.parametrize("key", [None, b"short"])
def test_without_its_key_the_file_is_not_continued(trail: Trail, key: bytes | None) -> None:
    tell(trail)
    (trail.directory / KEY).unlink()
    if key is None:
        assert verify(trail.directory, trail.journal).standing is Standing.TAMPERED
    else:
        (trail.directory / KEY).write_bytes(key)
    with pytest.raises(RotationError, match=KEY):
        tell(trail)
    assert len(lines_of(trail)) == 1


def test_processes_append_one_after_the_other(kind: Kind) -> None:
    workers = [Worker(kind, _TWENTY) for _ in range(3)]
    assert {worker.hears() for worker in workers} == {"ready"}
    for worker in workers:
        worker.go()
    assert [worker.rest() for worker in workers] == [["done"]] * 3
    assert Worker(kind, _VERIFY).rest() == ["intact 60 60 None"]


_TRAIL = """
from pathlib import Path
from secretguard.rotate.audit import Trail, verify
from secretguard.rotate.state_directory import state_directory
directory = state_directory(os.environ)
trail = Trail(directory, journal, "ada@here")
"""
_TWENTY = f"""{_TRAIL}
say("ready")
sys.stdin.readline()
for _ in range(20):
    trail(a_rotation(), "done", step="issue")
say("done")
"""
_VERIFY = f"""{_TRAIL}
found = verify(directory, journal)
say(found.standing, found.records, found.anchored, found.line)
"""
_ENDLESS = f"""{_TRAIL}
number = 0
while True:
    trail(a_rotation(), "done", step="issue", evidence=["x" * 5000])
    number += 1
    say(number)
"""


def test_a_kill_in_the_middle_of_writing_is_never_taken_for_tampering(kind: Kind) -> None:
    told = 0
    for _ in range(4):
        worker = Worker(kind, _ENDLESS)
        said = [worker.hears() for _ in range(10)] + worker.kill()
        told += len([word for word in said if word])
        standing, records, _, _ = Worker(kind, _VERIFY).rest()[0].split()
        assert standing in ("intact", "ahead", "unfinished")
        assert 0 <= int(records) - told <= 1, "every record that was acknowledged is there"
        told = int(records)


def test_a_disk_that_takes_only_part_of_a_record_keeps_none_of_it(sqlite: Kind) -> None:
    said = Worker(sqlite, _LIMITED).rest()
    assert said == ["RotationError", "4", "intact 5 5 None"]


_LIMITED = f"""{_TRAIL}
import resource
from secretguard.errors import RotationError
for _ in range(4):
    trail(a_rotation(), "done", evidence=["x" * 100_000])
size = (directory / "audit.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50_000, resource.RLIM_INFINITY))
try:
    trail(a_rotation(), "done", evidence=["x" * 100_000])
except RotationError as error:
    say(type(error).__name__)
say((directory / "audit.jsonl").read_bytes().count(b"\\n"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
trail(a_rotation(), "done")
found = verify(directory, journal)
say(found.standing, found.records, found.anchored, found.line)
"""
