"""The journal over tables: what is looked at and written together, in one transaction, whatever the database."""

import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Protocol

from secretguard.errors import RotationError, Waiting
from secretguard.model import Endpoint
from secretguard.rotate.holder import LEASE_SECONDS, Held, Holder, from_text, to_text, uptime
from secretguard.rotate.records import Attempt, Lease, LeftOut, Outcome, Rotation, State
from secretguard.rotation import Mode

Row = tuple[object, ...]


class Transaction(Protocol):
    """What goes together."""

    @property
    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        ...

    def run(self, statement: str, *values: object) -> list[Row]:
        """Carry out one statement, values at its question marks, and return its rows; RotationError."""
        ...


class Database(Protocol):
    """Where the tables are. Each method raises RotationError."""

    def transaction(self, scope: str | None) -> AbstractContextManager[Transaction]:
        """Begin one, durable when left and undone by an exception; None: it only reads.

        Two that change the same scope never run side by side.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqlJournal:
    """`secretguard.rotate.records.Journal` in a database; usable from several threads."""

    def __init__(self, database: Database, me: Holder, trail: str = "local") -> None:
        self._database, self._me, self._trail = database, me, trail
        self._one_at_a_time = threading.RLock()

    def acquire(self, credential: str) -> Lease:
        """Take the lease; raises Waiting that tells who holds it and since when."""
        with self._changing(credential) as transaction:
            other = _lease(transaction, credential)
            if other is not None and other[1].by_now(self._me, transaction.now):
                raise _held_by(*other)
            token, since = secrets.token_hex(16), _iso(transaction.now)
            transaction.run("DELETE FROM leases WHERE credential = ?", credential)
            transaction.run(
                "INSERT INTO leases (credential, token, process, since, expires, uptime) VALUES (?, ?, ?, ?, ?, ?)",
                credential, token, to_text(self._me), since, *self._end(transaction),
            )  # fmt: skip
            expires = _iso(transaction.now + LEASE_SECONDS)
            return Lease(credential, self._me.label, since, expires, token)

    def renew(self, lease: Lease) -> Lease:
        """Push its end back; raises RotationError if it is lost."""
        with self._fenced(lease) as transaction:
            transaction.run(
                "UPDATE leases SET expires = ?, uptime = ? WHERE credential = ?",
                *self._end(transaction), lease.credential,
            )  # fmt: skip
            return replace(lease, expires=_iso(transaction.now + LEASE_SECONDS))

    def release(self, lease: Lease) -> None:
        """Give it back; nothing if it was lost."""
        with self._changing(lease.credential) as transaction:
            transaction.run("DELETE FROM leases WHERE credential = ? AND token = ?", lease.credential, lease.token)

    def begin(self, rotation: Rotation, lease: Lease) -> None:
        """Write down a new rotation; raises RotationError if the credential has one that is open or waits."""
        with self._fenced(lease) as transaction:
            _same_credential(rotation, lease)
            for (name,) in transaction.run(
                "SELECT id FROM rotations WHERE credential = ? AND state IN ('open', 'waiting')", lease.credential
            ):
                raise RotationError(
                    f"{lease.credential} is being rotated already, by {name}", hint="Resume that one, or abort it."
                )
            transaction.run(
                "INSERT INTO rotations (id, credential, state, record) VALUES (?, ?, ?, ?)",
                rotation.id, rotation.credential, str(rotation.state), _to_text(rotation),
            )  # fmt: skip

    def amend(self, rotation: Rotation, lease: Lease) -> None:
        """Replace what is known about a rotation."""
        with self._fenced(lease) as transaction:
            _same_credential(rotation, lease)
            _known(transaction, rotation.id, lease)
            transaction.run(
                "UPDATE rotations SET state = ?, record = ? WHERE id = ?",
                str(rotation.state), _to_text(rotation), rotation.id,
            )  # fmt: skip

    def intend(self, rotation: str, step: str, lease: Lease) -> int:
        """Write down that `step` is about to be tried, and return the number of the attempt."""
        with self._fenced(lease) as transaction:
            _known(transaction, rotation, lease)
            rows = transaction.run("SELECT COALESCE(MAX(number), 0) + 1 FROM attempts WHERE rotation = ?", rotation)
            number = int(str(rows[0][0]))
            transaction.run(
                "INSERT INTO attempts (rotation, number, step, actor, began) VALUES (?, ?, ?, ?, ?)",
                rotation, number, str(step), self._me.who, _iso(transaction.now),
            )  # fmt: skip
            return number

    def settle(
        self,
        rotation: str,
        number: int,
        outcome: Outcome,
        evidence: Sequence[str],
        lease: Lease,
        *,
        refused: bool = False,
    ) -> None:
        """Write down how the attempt ended; the same once more is nothing new, another end a RotationError."""
        words = json.dumps(list(evidence))
        with self._fenced(lease) as transaction:
            _known(transaction, rotation, lease)
            rows = transaction.run(
                "SELECT outcome, evidence FROM attempts WHERE rotation = ? AND number = ?", rotation, number
            )
            if rows == [(str(outcome), words)]:
                return
            if not rows or rows[0][0] is not None:
                raise RotationError(f"attempt {number} of {rotation} is not one that can be settled")
            transaction.run(
                "UPDATE attempts SET ended = ?, outcome = ?, evidence = ?, refused = ?"
                " WHERE rotation = ? AND number = ?",
                _iso(transaction.now), str(outcome), words, int(refused), rotation, number,
            )  # fmt: skip

    def rotation(self, name: str) -> Rotation | None:
        """Return one rotation."""
        with self._reading() as transaction:
            rows = transaction.run("SELECT record FROM rotations WHERE id = ?", name)
        return _from_text(rows[0][0]) if rows else None

    def rotations(self, credential: str = "") -> list[Rotation]:
        """Return all, or those of one credential, newest first."""
        with self._reading() as transaction:
            rows = transaction.run(
                "SELECT record FROM rotations WHERE ? IN ('', credential) ORDER BY position DESC", credential
            )
        return [_from_text(record) for (record,) in rows]

    def attempts(self, rotation: str) -> list[Attempt]:
        """Return the attempts of a rotation, oldest first."""
        with self._reading() as transaction:
            rows = transaction.run(
                "SELECT rotation, number, step, actor, began, ended, outcome, evidence, refused"
                " FROM attempts WHERE rotation = ? ORDER BY number",
                rotation,
            )
        return [_attempt(row) for row in rows]

    def leases(self) -> list[Lease]:
        """Return the leases that are held and have not run out."""
        with self._reading() as transaction:
            rows = transaction.run(_LEASES, "")
            every = [_lease_of(row) for row in rows]
            return [lease for lease, held in every if held.by_now(self._me, transaction.now)]

    def anchor(self) -> tuple[int, str]:
        """Return how many audit records there were when one was last written, and the last one's seal."""
        with self._reading() as transaction:
            rows = transaction.run("SELECT count, seal FROM anchors WHERE trail = ?", self._trail)
        return (int(str(rows[0][0])), str(rows[0][1])) if rows else (0, "")

    def set_anchor(self, count: int, seal: str) -> None:
        """Keep that."""
        with self._changing(f"anchor {self._trail}") as transaction:
            transaction.run(
                "INSERT INTO anchors (trail, count, seal, keeper) VALUES (?, ?, ?, ?) ON CONFLICT (trail)"
                " DO UPDATE SET count = excluded.count, seal = excluded.seal, keeper = excluded.keeper",
                self._trail, count, seal, self._me.who,
            )  # fmt: skip

    def close(self) -> None:
        """Let go of the file or connection."""
        with self._one_at_a_time:
            self._database.close()

    @contextmanager
    def _changing(self, scope: str) -> Iterator[Transaction]:
        with self._one_at_a_time, self._database.transaction(scope) as transaction:
            yield transaction

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        with self._one_at_a_time, self._database.transaction(None) as transaction:
            yield transaction

    @contextmanager
    def _fenced(self, lease: Lease) -> Iterator[Transaction]:
        """Change what only the holder may; that he holds it is looked at in the same transaction."""
        with self._changing(lease.credential) as transaction:
            current = _lease(transaction, lease.credential)
            if current is None or current[0].token != lease.token:
                raise _lost(lease, current and current[0])
            yield transaction

    def _end(self, transaction: Transaction) -> tuple[float, float]:
        return transaction.now + LEASE_SECONDS, uptime() + LEASE_SECONDS


_LEASES = """SELECT credential, token, process, since, expires, uptime FROM leases
    WHERE ? IN ('', credential) ORDER BY credential"""


def _lease(transaction: Transaction, credential: str) -> tuple[Lease, Held] | None:
    rows = transaction.run(_LEASES, credential)
    return _lease_of(rows[0]) if rows else None


def _lease_of(row: Row) -> tuple[Lease, Held]:
    credential, token, process, since, expires, at_uptime = row
    try:
        held = Held(from_text(str(process)), float(str(expires)), float(str(at_uptime)))
        lease = Lease(str(credential), held.holder.label, str(since), _iso(held.expires), str(token))
    except (ValueError, TypeError, OverflowError):
        raise _unreadable(f"the lease of {credential}") from None
    return lease, held


def _held_by(lease: Lease, held: Held) -> Waiting:
    return Waiting(
        f"{lease.credential} is in the hands of {lease.holder}, since {lease.since}",
        hint=f"Wait until that is done, or end process {held.holder.pid} there: a lease whose process is gone is free "
        f"at once on its own host, and elsewhere {LEASE_SECONDS:.0f} seconds after it was last renewed.",
    )


def _lost(lease: Lease, current: Lease | None) -> RotationError:
    now_with = f"{current.holder} has it since {current.since}" if current else "nobody has it now"
    return RotationError(
        f"the lease of {lease.credential} was lost: {now_with}",
        hint="Nothing more was written. Look with `secretguard rotate status`, then resume if nobody else does.",
    )


def _known(transaction: Transaction, rotation: str, lease: Lease) -> None:
    if transaction.run("SELECT credential FROM rotations WHERE id = ?", rotation) != [(lease.credential,)]:
        raise RotationError(f"{rotation} is no rotation of {lease.credential}")


def _same_credential(rotation: Rotation, lease: Lease) -> None:
    if rotation.credential != lease.credential:
        raise RotationError(f"{rotation.id} is no rotation of {lease.credential}")


def _to_text(rotation: Rotation) -> str:
    return json.dumps(asdict(rotation))


def _from_text(record: object) -> Rotation:
    try:
        fields = json.loads(str(record))
        for name in ("endpoints", "alive"):
            fields[name] = tuple(Endpoint(*endpoint) for endpoint in fields[name])
        left = fields.get("left_out", ())  # there since version 3
        fields["left_out"] = tuple(LeftOut(**one | {"endpoint": Endpoint(*one["endpoint"])}) for one in left)
        fields |= {"mode": Mode(fields["mode"]), "state": State(fields["state"])}
        return Rotation(**fields | {"repositories": tuple(fields["repositories"])})
    except (ValueError, TypeError, KeyError):
        raise _unreadable("a rotation") from None


def _attempt(row: Row) -> Attempt:
    rotation, number, step, actor, began, ended, outcome, evidence, refused = row
    try:
        return Attempt(
            str(rotation), int(str(number)), str(step), str(actor), str(began), str(ended),
            None if outcome is None else Outcome(str(outcome)), tuple(json.loads(str(evidence))),
            refused == 1,
        )  # fmt: skip
    except (ValueError, TypeError):
        raise _unreadable(f"an attempt of {rotation}") from None


def _unreadable(what: str) -> RotationError:
    return RotationError(
        f"the journal holds {what} that cannot be read", hint="Put back a copy of the journal; see docs/journal.md."
    )


def _iso(seconds: float) -> str:
    """Return a time as the journal writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
