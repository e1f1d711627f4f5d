"""The audit file: who did what when and how it ended, one JSON line each, chained by seals so that no change hides.

A seal is an HMAC-SHA-256 over all of its line before it, and each line repeats the seal of the one before. The journal
keeps the count and the last seal, so that an end that was cut off is missed too. No value is ever in it.
"""

import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from io import FileIO
from pathlib import Path

from secretguard.errors import RotationError
from secretguard.rotate.records import Journal, Rotation
from secretguard.rotate.state_directory import locked, private_file, sync_directory, unusable

FILE = "audit.jsonl"
KEY = "audit.key"
RESUMED = "file-begun-anew"
"""Event of the first record of a file whose predecessor was moved aside."""
_LINE = re.compile(rb'(\{.*),"seal":"([0-9a-f]{64})"\}\n')
_LONGEST_LINE = 1 << 20
"""Bytes that are read to find the last line."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the audit file."""

    number: int
    at: str
    """ISO 8601 in UTC."""
    actor: str
    rotation: str
    credential: str
    event: str
    step: str
    evidence: tuple[str, ...]
    previous: str
    """Seal of the record before; empty for the first."""
    seal: str = ""


class Standing(StrEnum):
    """What `verify` sees."""

    INTACT = "intact"
    AHEAD = "ahead"
    """One more record than the journal knows of: a process ended between the two. The next record sets it right."""
    UNFINISHED = "unfinished"
    """Behind the last record the journal knows of stands part of a line: a process ended while it wrote it."""
    TAMPERED = "tampered"
    """A record was edited, removed, inserted or moved, or the journal is another one."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How the audit file stands."""

    standing: Standing
    records: int
    """Good ones, from the first line on."""
    anchored: int
    """Number of the last record that the journal knows of."""
    line: int | None
    """The first bad line, from 1; None if there is none."""
    what: str
    """In words."""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing that was acknowledged is missing or changed."""
        return self.standing is not Standing.TAMPERED


@dataclass(frozen=True, slots=True)
class Trail:
    """Appends to the audit file of one state directory; it is what `secretguard.rotate.drive.Books.audit` asks for."""

    directory: Path
    journal: Journal
    actor: str
    """user@host of who acts now."""

    def __call__(self, rotation: Rotation, event: str, *, step: str = "", evidence: Sequence[str] = ()) -> None:
        """Append one record, on the disk when this returns; raises RotationError, with nothing half written."""
        key = _key(self.directory)
        with locked(self.directory / KEY):
            count, seal = _taken_up(self.directory, self.journal, key, self.actor)
            record = Record(
                count + 1, _now(), self.actor, rotation.id, rotation.credential, event, str(step), tuple(evidence), seal
            )
            _append(self.directory, self.journal, key, record)


def show(directory: Path, about: str = "") -> Iterator[tuple[int, Record | None]]:
    """Yield line number and record, of one rotation or credential if `about` names one; None for a line that is none.

    Nothing is verified. Raises RotationError.
    """
    for number, line in enumerate(_lines(directory / FILE), 1):
        record = _record(line)
        if record is None or about in ("", record.rotation, record.credential):
            yield number, record


def verify(directory: Path, journal: Journal) -> Verification:
    """Hold every line against its seal, its neighbour and the journal; raises RotationError if one cannot look."""
    if not (directory / KEY).exists():
        count, _ = journal.anchor()
        if not count and not (directory / FILE).exists():
            return Verification(Standing.INTACT, 0, 0, None, "nothing was written yet")
        return Verification(
            Standing.TAMPERED, 0, count, 1, f"{KEY} is gone, without which no seal can be checked", _ASIDE
        )
    with locked(directory / KEY, shared=True):
        return _judged(_walk(_lines(directory / FILE), _key(directory)), *journal.anchor())


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far the lines are good."""

    good: int
    number: int
    """Of the last good record."""
    previous: str
    seal: str
    wrong: str = ""
    """What is wrong with the line behind it; empty if there is none."""
    cut_off: bool = False
    """Whether that line is the beginning of the record that was to come."""


_ASIDE = (
    f"Keep {FILE} for whoever looks into it, under another name; the next record begins a new file, and says so with "
    "the number and seal it follows."
)


def _walk(lines: Iterator[bytes], key: bytes) -> _Walk:
    walk = _Walk(0, 0, "", "")
    for line in lines:
        record = _record(line)
        wrong = _what_is_wrong(line, record, key, walk)
        if record is None or wrong:
            return replace(walk, wrong=wrong, cut_off=_is_beginning(line, walk.number + 1))
        walk = _Walk(walk.good + 1, record.number, record.previous, record.seal)
    return walk


def _what_is_wrong(line: bytes, record: Record | None, key: bytes, before: _Walk) -> str:
    """Return what is wrong with one line, empty if nothing is."""
    if record is None or not line.endswith(b"\n"):
        return "is no whole record"
    if not _is_sealed(line, key):
        return "was edited: its seal is not of what it says"
    if not before.good and record.event == RESUMED:
        return ""
    if (record.number, record.previous) != (before.number + 1, before.seal):
        return f"does not follow what stands before it: it is record {record.number}, where {before.number + 1} belongs"
    return ""


def _is_beginning(line: bytes, number: int) -> bool:
    """Whether a process that ended, or a loss of power, may have left this of record `number`."""
    part = line.rstrip(b"\0")  # some file systems lengthen a file before its content is there
    start = b'{"number":%d,"at":"' % number
    return not line.endswith(b"\n") and (part.startswith(start) or start.startswith(part))


def _judged(walk: _Walk, count: int, seal: str) -> Verification:
    """Compare what the file says with what the journal knows."""
    at = walk.good + 1
    known = (walk.number, walk.seal) == (count, seal)
    if walk.wrong and known and walk.cut_off:
        what = f"line {at} is cut off: a process ended while it wrote it; nothing before it is missing"
        return Verification(Standing.UNFINISHED, walk.good, count, at, what, "The next record takes its place.")
    if walk.wrong:
        return Verification(Standing.TAMPERED, walk.good, count, at, f"line {at} {walk.wrong}", _ASIDE)
    if known:
        return Verification(Standing.INTACT, walk.good, count, None, f"{walk.good} records, each as it was written")
    if (walk.number, walk.previous) == (count + 1, seal):
        what = f"record {walk.number} is whole, and the journal does not know of it yet: a process ended in between"
        return Verification(Standing.AHEAD, walk.good, count, None, what, "The next record sets it right.")
    if walk.number < count:
        what = f"records {walk.number + 1} to {count} are missing at the end"
        return Verification(Standing.TAMPERED, walk.good, count, at, what, _ASIDE)
    what = f"the journal knows of {count} records, with another end: one of the two is an older copy, or not its own"
    return Verification(Standing.TAMPERED, walk.good, count, walk.good, what, _ASIDE)


def _taken_up(directory: Path, journal: Journal, key: bytes, actor: str) -> tuple[int, str]:
    """Bring file and journal to the same end, where a process ended in between, and return it.

    Raises RotationError if they differ in any other way.
    """
    path = directory / FILE
    count, seal = journal.anchor()
    if not path.exists():
        if not count:
            return 0, ""
        words = (f"no {FILE} was there; the journal knows of {count} records",)
        return _append(directory, journal, key, Record(count + 1, _now(), actor, "", "", RESUMED, "", words, seal))
    line, behind = _tail(path)
    record = _record(line) if _is_sealed(line, key) else None
    number, previous, end = (record.number, record.previous, record.seal) if record else (0, "", "")
    if (line and record is None) or (behind and not _is_beginning(behind, number + 1)):
        raise _does_not_continue(path)
    if (number, end) == (count, seal):
        if behind:
            _cut(path, behind)
        return count, seal
    if (number, previous) == (count + 1, seal) and not behind:
        journal.set_anchor(number, end)
        return number, end
    raise _does_not_continue(path)


def _does_not_continue(path: Path) -> RotationError:
    return RotationError(
        f"{path} does not end where the journal says it does", hint=f"Look with `rotate audit verify`. {_ASIDE}"
    )


def _append(directory: Path, journal: Journal, key: bytes, record: Record) -> tuple[int, str]:
    """Write one line and see it on the disk, or take back what was written of it; then tell the journal.

    Returns its number and seal.
    """
    fields = asdict(record)
    del fields["seal"]
    body = json.dumps(fields, separators=(",", ":")).encode().removesuffix(b"}")
    seal = _seal(key, body)
    path = directory / FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            size = os.fstat(descriptor).st_size
            try:
                _write(file, body + b',"seal":"' + seal.encode() + b'"}\n')
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
            if not size:
                sync_directory(directory)
    except OSError as error:
        raise unusable(path, error) from None
    journal.set_anchor(record.number, seal)
    return record.number, seal


def _write(file: FileIO, line: bytes) -> None:
    rest = memoryview(line)
    while rest:  # a nearly full disk takes a part, and refuses the next
        rest = rest[file.write(rest) :]


def _cut(path: Path, behind: bytes) -> None:
    """Remove the beginning of a record that was never acknowledged."""
    try:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - len(behind))
            os.fsync(file.fileno())
    except OSError as error:
        raise unusable(path, error) from None


def _tail(path: Path) -> tuple[bytes, bytes]:
    """Return the last whole line, empty if there is none, and the bytes behind it."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LONGEST_LINE))
            end = file.read()
            if end.count(b"\n") < 2:
                file.seek(0)
                end = file.read()
    except OSError as error:
        raise unusable(path, error) from None
    whole, newline, behind = end.rpartition(b"\n")
    return whole.rpartition(b"\n")[2] + newline, behind


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines with their ends; none if there is no file."""
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(path, error) from None


def _record(line: bytes) -> Record | None:
    """Return what a line says, whether true or not; None if it says nothing."""
    try:
        fields = json.loads(line)
        return Record(**fields | {"evidence": tuple(fields["evidence"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _is_sealed(line: bytes, key: bytes) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and hmac.compare_digest(_seal(key, match[1]).encode(), match[2])


def _seal(key: bytes, body: bytes) -> str:
    return hmac.new(key, body, "sha256").hexdigest()


def _key(directory: Path) -> bytes:
    """Return the key of the seals, made with the first record; raises RotationError if it is gone, or is none."""
    path, file = directory / KEY, directory / FILE
    if file.exists() and file.stat().st_size and not path.exists():  # in this order: the key is made first
        raise RotationError(f"{path} is gone, without which {file} cannot be continued", hint=_ASIDE)
    try:
        key = private_file(path, secrets.token_bytes(32)).read_bytes()
    except OSError as error:
        raise unusable(path, error) from None
    if len(key) != 32:
        raise RotationError(f"{path} is no key of ours", hint=f"Put back a copy, or remove it. {_ASIDE}")
    return key


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
