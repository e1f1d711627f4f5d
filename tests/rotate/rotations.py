"""One rotation of a made-up credential, on the real journal, audit and embedded store."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from secretguard.interfaces import StorePlugin
from secretguard.model import Endpoint
from secretguard.reference import parse_reference
from secretguard.rotate.acts import Lacks, Means, now
from secretguard.rotate.audit import Trail
from secretguard.rotate.drive import Books, Told, abort, drive, leased
from secretguard.rotate.holder import this_process
from secretguard.rotate.journal import open_journal
from secretguard.rotate.records import Attempt, LeftOut, Rotation
from secretguard.rotate.state_directory import state_directory
from secretguard.rotation import Context, Login, Mode, Spelling, Target
from secretguard.secret import Secret
from secretguard.stores import local
from tests.rotate.issuers import Issuer, Keys, Passwords

CREDENTIAL = "sg_0123456789ab"
DB = Endpoint("db.test", 5432, "orders")


@dataclass
class Bench:
    """A credential, its issuer, and what a rotation of it leaves behind."""

    folder: Path
    issuer: Issuer
    old: str
    mode: Mode = Mode.BREACH
    kill_first: bool = False
    rotation: Rotation | None = None
    told: list[Told] = field(default_factory=list)
    deliver: Callable[[], tuple[str, ...]] | None = None
    code_lacks: Lacks | None = None
    options: str | None = ""
    """What stands behind the leaked URL; None: the URL is not known, only the value."""
    used_no_more: bool = False
    watched: float = 0.0
    endpoints: tuple[Endpoint, ...] = (DB,)
    """Of the rotation, as it was confirmed."""
    elsewhere: tuple[Endpoint, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    store: StorePlugin = local

    @property
    def environ(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder)}

    @property
    def means(self) -> Means:
        assert self.rotation is not None
        target = Target(
            CREDENTIAL, "postgres-uri", "postgres", Login("app", Secret(self.old)), (DB,),
            self._spellings(),
        )  # fmt: skip
        context = Context(self.environ, self.rotation.id, self.mode, rotated_at=self.rotation.rotated_at or None)
        reference = parse_reference("ref+local://app#/DATABASE_URL")
        return Means(
            self.issuer, self.store, reference, target, context, (DB,), self.deliver, self.kill_first,
            elsewhere=self.elsewhere, left_out=self.left_out, used_no_more=self.used_no_more,
            code_lacks=self.code_lacks, watched=self.watched,
        )  # fmt: skip

    def _spellings(self) -> tuple[Spelling, ...]:
        if self.options is None:
            return ()
        return (Spelling("uri", Secret(f"postgresql://app:{self.old}@db.test:5432/orders{self.options}"), (DB,)),)

    def run(self) -> Rotation:
        """Begin, or go on; raises what the rotation raises."""
        journal = open_journal(None, self.environ)
        try:
            with leased(journal, CREDENTIAL) as lease:
                books = self.books(journal)
                known = journal.rotations(CREDENTIAL)
                if known:
                    self.rotation = known[0]
                else:
                    self.rotation = self._new()
                    journal.begin(self.rotation, lease)
                return drive(self.rotation, self.means, books, lease)
        finally:
            self.rotation = journal.rotations(CREDENTIAL)[0]
            journal.close()

    def abort(self) -> Rotation:
        journal = open_journal(None, self.environ)
        try:
            with leased(journal, CREDENTIAL) as lease:
                self.rotation = journal.rotations(CREDENTIAL)[0]
                return abort(self.rotation, self.means, self.books(journal), lease)
        finally:
            journal.close()

    def books(self, journal: object) -> Books:
        trail = Trail(state_directory(self.environ), journal, this_process().who)  # type: ignore[arg-type]
        return Books(journal, trail, self.told.append, lambda step: None)  # type: ignore[arg-type]

    def attempts(self) -> list[Attempt]:
        journal = open_journal(None, self.environ)
        try:
            return journal.attempts(journal.rotations(CREDENTIAL)[0].id)
        finally:
            journal.close()

    def stored(self) -> dict[str, str]:
        """What a reader of the store gets."""
        fields = local.read(parse_reference("ref+local://app"), Context(self.environ))
        return {name: value.reveal() for name, value in (fields or {}).items()}

    def written(self) -> bytes:
        """Everything on disk but the issuer's own file."""
        files = [one for one in self.folder.rglob("*") if one.is_file() and one != self.issuer.file]
        return b"".join(one.read_bytes() for one in files)

    def _new(self) -> Rotation:
        return Rotation(
            id="rot_" + secrets.token_hex(8), credential=CREDENTIAL, title="PostgreSQL connection", family="postgres",
            kind="postgres-uri", user="app", endpoints=self.endpoints, alive=(DB,), rotator="test",
            reference="ref+local://app#/DATABASE_URL", mode=self.mode, repositories=(), actor="tester@host", began=now(),
            kill_first=self.kill_first,
        )  # fmt: skip


def passwords(folder: Path) -> Bench:
    """A login with one password."""
    issuer, old = Passwords(folder), "old-" + secrets.token_urlsafe(16)
    issuer.state = {"password": old}
    return Bench(folder, issuer, old)


def keys(folder: Path) -> Bench:
    """A key among others, made by its issuer."""
    issuer, old = Keys(folder), "old-" + secrets.token_urlsafe(16)
    issuer.state = {
        "keys": [{"name": "ci", "value": old, "live": True}, {"name": "x", "value": "others", "live": True}]
    }
    return Bench(folder, issuer, old)


def graceful(bench: Bench) -> Bench:
    return replace(bench, mode=Mode.GRACEFUL)
