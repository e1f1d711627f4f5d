"""What references resolved to, kept for some minutes so that a start does without the store: `run --cache SECONDS`.

    $XDG_CACHE_HOME/secretguard/resolved/<name>   a MAC, a line of when, and the document as an age file
    $XDG_CACHE_HOME/secretguard/emptied           when this machine last wrote to a store

Encrypted for the key of the embedded store. The name is a MAC over the reference and the part of the environment that
says where the store is and who asks; so what one server, namespace, region or login answered is never given to another.
Time is measured by two clocks: by the one on the wall, and by the one that counts since the machine was started, which
nobody sets. An entry counts only if both say so, and if the machine was not restarted. Who writes to a store removes
all entries: under which other references, logins or addresses the same document was read, nobody can tell.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from secretguard.errors import StoreError
from secretguard.reference import SecretReference
from secretguard.rotation import Context, Fields
from secretguard.stores import files, keys, sealing
from secretguard.stores.keys import Key
from secretguard.stores.sealing import Sealed

LONGEST = 3600
"""Seconds."""
_MAC = 32
_EMPTIED = "emptied"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Random, and another one after each start: https://man7.org/linux/man-pages/man4/random.4.html."""
_SURROUNDINGS = {
    "vault": ("VAULT_", "BAO_", "HOME"),
    "openbao": ("VAULT_", "BAO_", "HOME"),
    "awssecrets": ("AWS_", "HOME"),
}
"""Of which variables a store's answer depends, by how they begin; of a store that is not ours, on all."""
_AT_HAND = ("local", "env")
"""What is read at once anyway."""


class When(NamedTuple):
    """When a store was asked, by three clocks, and for how many seconds its answer counts."""

    boot: str
    since_boot: float
    on_the_wall: float
    seconds: float = 0.0

    def counts(self, at: "When", seconds: float) -> bool:
        """Whether it is not older than it may be, nor from the future."""
        limit = min(self.seconds, seconds)
        ages = (at.since_boot - self.since_boot, at.on_the_wall - self.on_the_wall)
        return bool(at.boot) and self.boot == at.boot and all(0 <= age < limit for age in ages)

    def is_after(self, other: "When") -> bool:
        """Whether it is certainly later."""
        return self.boot != other.boot or self.since_boot > other.since_boot


@dataclass(frozen=True, slots=True)
class Resolved:
    """The entries of one user, in one environment."""

    folder: Path
    """Made with the first entry, 0700."""
    context: Context
    seconds: float
    """How old an entry may be."""

    def read(self, reference: SecretReference) -> Fields | None:
        """Return the document if it was kept and still counts; raises StoreError if the key cannot be had."""
        if reference.backend in _AT_HAND or not self.folder.is_dir():
            return None
        key = keys.load(keys.home(self.context.environ))
        if key is None:
            return None
        path = self._path(reference, key)
        content = files.read(path) or b""
        mac, rest = content[:_MAC], content[_MAC:]
        if not hmac.compare_digest(mac, _mac(key, path.name.encode(), rest)):
            return None
        line, _, sealed = rest.partition(b"\n")
        if not When(*json.loads(line)).counts(now(), self.seconds):
            return None
        return sealing.unseal(sealed, key.identity, str(path)).fields

    def keep(self, reference: SecretReference, fields: Fields, asked: When) -> None:
        """Keep a document that the store was `asked` for; raises StoreError if there is no room, right or key for it.

        One that may be older than what was since written to a store is not kept.
        """
        if reference.backend in _AT_HAND:
            return
        when = asked._replace(seconds=self.seconds)
        if not when.boot:
            raise StoreError("nothing on this system says when it was started")
        key = _key(self.context)
        for folder in (self.folder.parent, self.folder):
            files.make_private(folder)
        path = self._path(reference, key)
        sealed = sealing.seal(Sealed(str(reference.with_field("")), fields), [key.identity.to_public()])
        rest = json.dumps(when).encode() + b"\n" + sealed
        with files.locked(self.folder.parent, self.context.timeout):
            if when.is_after(_emptied(self.folder)):
                files.write(path, _mac(key, path.name.encode(), rest) + rest)

    def remove_expired(self) -> None:
        """Remove what no longer counts, and what a writer that was killed left there; raises StoreError."""
        if not self.folder.is_dir():
            return
        when = now()
        with files.locked(self.folder.parent, self.context.timeout):
            for name in files.names(self.folder):
                if not _counts(files.read(self.folder / name) or b"", when):
                    files.remove(self.folder / name)
            files.sweep(self.folder)

    def _path(self, reference: SecretReference, key: Key) -> Path:
        environ = self.context.environ
        begins = _SURROUNDINGS.get(reference.backend, ("",))
        about = sorted((name, text) for name, text in environ.items() if name.startswith(begins))
        said = json.dumps([str(reference.with_field("")), about]).encode("utf-8", "surrogatepass")
        return self.folder / _mac(key, b"name", said).hex()


def empty(folder: Path, timeout: float) -> None:
    """Remove all entries, and see to it that no older answer becomes one; `timeout` in seconds. Raises StoreError."""
    if not folder.is_dir():
        return
    with files.locked(folder.parent, timeout):
        for name in files.names(folder):
            files.remove(folder / name)
        files.sweep(folder)
        files.write(folder.parent / _EMPTIED, json.dumps(now()).encode())


def _emptied(folder: Path) -> When:
    try:
        return When(*json.loads(files.read(folder.parent / _EMPTIED) or b""))
    except (ValueError, TypeError):
        return When("", 0.0, 0.0)


def _counts(content: bytes, at: When) -> bool:
    try:
        when = When(*json.loads(content[_MAC:].partition(b"\n")[0]))
        return when.counts(at, LONGEST)
    except (ValueError, TypeError):
        return False


def now() -> When:
    """Return what the clocks say; where nothing says when the machine was started, nothing is kept."""
    try:
        return When(_BOOT.read_text("ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time())
    except OSError:
        return When("", 0.0, 0.0)


def _key(context: Context) -> Key:
    """Return the key of the embedded store, which is made if this is the first that is encrypted."""
    home = keys.home(context.environ)
    if key := keys.load(home):
        return key
    for one in (home.data, home.store):
        files.make_private(one)
    with files.locked(home.store, context.timeout):
        return keys.load_or_make(home, context.environ)


def _mac(key: Key, *parts: bytes) -> bytes:
    secret = hashlib.sha256(b"secretguard/resolved/1" + str(key.identity).encode()).digest()
    made = hmac.new(secret, digestmod="sha256")
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.digest()
