"""A rotation in a process of its own, which is killed where the test wants: before or after one of its effects."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from secretguard.errors import SecretguardError
from secretguard.model import Endpoint
from secretguard.reference import parse_reference
from secretguard.resolve import store
from secretguard.rotate.acts import Means, now
from secretguard.rotate.audit import Trail
from secretguard.rotate.choose import rotator_for
from secretguard.rotate.drive import Books, drive, leased
from secretguard.rotate.holder import this_process
from secretguard.rotate.journal import open_journal
from secretguard.rotate.records import Rotation
from secretguard.rotate.state_directory import state_directory
from secretguard.rotation import Context, Login, Mode, Spelling, Target
from secretguard.secret import Secret
from tests.servers.leaked_logins import Server

CREDENTIAL = "sg_0123456789ab"
HERE = "ref+local://app#/DATABASE_URL"
EFFECTS = {
    "store": ("stage", "publish", "discard", "destroy_leaked"),
    "rotator": ("issue", "disable", "destroy", "withdraw"),
    "journal": ("begin", "intend", "settle", "amend"),
}
"""What changes something, by who does it."""
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "tests.crashes.rotating", "secretguard.stores.local", "secretguard_mysql.rotator", "secretguard_postgres.rotator",
        "secretguard_rabbitmq.rotator", "secretguard_redis.rotator", "amqp", "boto3", "hvac",
        "keyring.backends.SecretService", "psycopg", "pybreaker", "pymysql._auth", "pyrage", "redis", "stamina",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """What is rotated, to where, in whose environment. Of plain values, for it goes to another process."""

    rotator: str
    family: str
    kind: str
    user: str
    old: str = field(repr=False)
    reference: str
    environ: Mapping[str, str]
    endpoints: tuple[Endpoint, ...] = ()
    admin: str | None = field(default=None, repr=False)
    mode: str = "breach"
    rotation: str = "rot_0123456789abcdef"
    credential: str = CREDENTIAL
    timeout: float = 10.0
    uri: str = field(default="", repr=False)


@dataclass(frozen=True)
class Death:
    """At which effect of a run it is killed, counted from 1; and whether before it or after."""

    number: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} effect {self.number}"


def of_login(
    server: Server, login: tuple[str, str], environ: Mapping[str, str], reference: str = HERE, **more: Any
) -> Spec:
    """A user and password of one of our servers that leaked in a URI; `more` goes into the Spec."""
    user, old = login
    return Spec(
        rotator=server.rotator, family=server.family, kind=server.kind, user=user, old=old, reference=reference,
        environ=environ, uri=server.dsn(user, old),
        **{"endpoints": (Endpoint(server.host, server.port, server.database(user)),)} | more,
    )  # fmt: skip


def home(folder: Path) -> dict[str, str]:
    """An environment with nothing but directories of its own."""
    return {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_STATE_HOME": str(folder / "state")}


def rotate(spec: Spec, death: Death | None = None) -> list[str]:
    """Rotate, or go on, in a child; return the names of its effects. A child that was killed as asked returns them too."""
    receiving, sending = _FORKS.Pipe(duplex=False)
    child = _FORKS.Process(target=_child, args=(spec, death, sending))
    child.start()
    sending.close()
    effects: list[str] = []
    said: object = None
    while True:
        try:
            said = receiving.recv()
        except EOFError:
            break
        if isinstance(said, str):
            effects.append(said)
    child.join(60)
    if death is not None and child.exitcode == -signal.SIGKILL:
        return effects
    assert child.exitcode == 0, f"{effects} {said!r}"
    return effects


def rotate_here(spec: Spec) -> None:
    """Rotate, or go on, in this process and thread."""
    _rotate(spec, lambda name, after: None)


def rotate_with(spec: Spec, watch: Callable[[str, bool], None]) -> None:
    """Rotate in this process; `watch` is called before and after each effect."""
    _rotate(spec, watch)


class Mortal:
    """One of those who act, in a process that may be killed at any of its effects."""

    def __init__(self, name: str, inner: Any, count: Callable[[str, bool], None]) -> None:
        self._name, self._inner, self._count = name, inner, count

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._inner, attribute)
        if attribute not in EFFECTS[self._name]:
            return found

        def called(*values: Any, **named: Any) -> Any:
            self._count(f"{self._name}.{attribute}", False)
            result = found(*values, **named)
            self._count(f"{self._name}.{attribute}", True)
            return result

        return called


def _child(spec: Spec, death: Death | None, sending: Connection) -> None:
    number = 0

    def count(name: str, after: bool) -> None:
        nonlocal number
        if not after:
            number += 1
            sending.send(name)
        if death is not None and (number, after) == (death.number, death.after):
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        _rotate(spec, count)
    except SecretguardError as error:
        sending.send((type(error).__name__, str(error), error.hint))
        raise


def _rotate(spec: Spec, count: Callable[[str, bool], None]) -> None:
    journal = open_journal(None, spec.environ)
    mortal = Mortal("journal", journal, count)
    reference = parse_reference(spec.reference)
    target = Target(
        spec.credential, spec.kind, spec.family, Login(spec.user, Secret(spec.old)), spec.endpoints,
        (Spelling("uri", Secret(spec.uri), spec.endpoints),) if spec.uri else (),
        Secret(spec.admin) if spec.admin else None,
    )  # fmt: skip
    with closing(journal), leased(journal, spec.credential) as lease:
        known = journal.rotations(spec.credential)
        rotation = known[0] if known else _begun(spec)
        if not known:
            mortal.begin(rotation, lease)
        context = Context(
            spec.environ, rotation.id, Mode(spec.mode), rotated_at=rotation.rotated_at or None, timeout=spec.timeout
        )
        _, rotator = rotator_for(target, spec.rotator)
        means = Means(
            Mortal("rotator", rotator, count), Mortal("store", store(reference.backend), count), reference, target,
            context, spec.endpoints,
        )  # fmt: skip
        trail = Trail(state_directory(spec.environ), journal, this_process().who)
        drive(rotation, means, Books(mortal, trail, lambda told: None, lambda step: None), lease)


def _begun(spec: Spec) -> Rotation:
    return Rotation(
        id=spec.rotation, credential=spec.credential, title="made up", family=spec.family, kind=spec.kind, user=spec.user,
        endpoints=spec.endpoints, alive=spec.endpoints, rotator=spec.rotator, reference=spec.reference,
        mode=Mode(spec.mode), repositories=(), actor="tester@host", began=now(),
    )  # fmt: skip
