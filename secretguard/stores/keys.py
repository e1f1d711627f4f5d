"""The key of the embedded store: in the keyring of the operating system, or in a file outside the store's folder.

A keyring that forgets, or keeps keys as readable text, is refused by name. Which of the two it is stands in the
store, and is decided once, when the key is made: by SECRETGUARD_STORE_KEY, else the keyring where there is one.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secretguard.deadline import within
from secretguard.errors import StoreError
from secretguard.home import home_of
from secretguard.secret import Secret
from secretguard.stores import files, sealing
from secretguard.stores.sealing import Identity

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "secretguard local store"
"""The name of the entry in the keyring; its user name is the public key."""
_ABOUT = "about.json"
_REFUSED = ("keyring.backends.fail.", "keyring.backends.null.", "keyrings.alt.")
_PATIENCE = 60.0
"""Seconds for the keyring: it may ask a person to unlock it."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the embedded store lives."""

    data: Path
    """`$XDG_DATA_HOME/secretguard`"""

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return self.data / "store"

    @property
    def key_file(self) -> Path:
        """Where the key is if it is in no keyring; outside the store, so that a copy of the store is no leak."""
        return self.data / "local-store.key"


@dataclass(frozen=True, slots=True)
class Key:
    """What opens the store."""

    identity: Identity = field(repr=False)
    recipient: str
    """Its public half."""
    where: str
    """In words."""


def home(environ: Mapping[str, str]) -> Home:
    """Return where the store of this environment lives."""
    given = environ.get("XDG_DATA_HOME", "")
    usual = home_of(environ) / ".local" / "share"
    return Home((Path(given) if given.startswith("/") else usual) / "secretguard")


def load(place: Home) -> Key | None:
    """Return the key, None if none was made yet; raises StoreError if it is lost, refused or another store's."""
    about = _about(place)
    if about is None:
        if not files.names(place.store / "documents"):
            return None
        about = _about(place)  # a first writer was at work: it writes this before any document
        if about is None:
            raise StoreError(
                f"{place.store / _ABOUT} is missing, which says where the key is",
                hint=f"Restore it from a backup; the values are still there. A key is in {place.key_file} or in the "
                f"keyring, as {SERVICE!r}.",
            )
    in_keyring, recipient = about
    key = _from_keyring(place, recipient) if in_keyring else _from_file(place)
    if key is None:
        raise StoreError(
            f"the key of the local store is gone: {_words(place, in_keyring=in_keyring)} does not hold it",
            hint="Restore it from a backup; nothing else opens the store.",
        )
    if key.recipient != recipient:
        raise StoreError(
            f"{key.where} holds another key than that of the store {place.store}", hint="Restore the right one."
        )
    return key


def load_or_make(place: Home, environ: Mapping[str, str]) -> Key:
    """Return the key; make it durable first if there is none. Call it with the store's lock held."""
    if key := load(place):
        return key
    backend, _ = _chosen(environ)
    key = _from_file(place) if backend is None else None  # of a run that was killed before it used it
    if key is None:
        identity = sealing.new_identity()
        if backend is None:
            files.write(place.key_file, _identity_file(identity))
        else:
            _keep(backend, identity)
        key = Key(identity, str(identity.to_public()), _words(place, in_keyring=backend is not None))
    about = {"schema": 1, "key": "file" if backend is None else "keyring", "recipient": key.recipient}
    files.write(place.store / _ABOUT, json.dumps(about).encode() + b"\n")
    return key


def planned(place: Home, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return where the key is or will be, in words, and why not in the keyring (else empty). No effects."""
    about = _about(place)
    if about is not None:
        return _words(place, in_keyring=about[0]), ""
    backend, why = _chosen(environ)
    return _words(place, in_keyring=backend is not None), why


def _words(place: Home, *, in_keyring: bool) -> str:
    return "the keyring of the operating system" if in_keyring else f"the file {place.key_file}"


def _about(place: Home) -> tuple[bool, str] | None:
    """Return whether the key is in the keyring, and its public half; None before there is a key."""
    path = place.store / _ABOUT
    content = files.read(path)
    if content is None:
        return None
    try:
        document: Any = json.loads(content)
        return {"keyring": True, "file": False}[document["key"]], str(document["recipient"])
    except (ValueError, TypeError, KeyError):
        raise StoreError(
            f"{path} is damaged, which says where the key is",
            hint="Restore it from a backup; the values are still there.",
        ) from None


def _identity_file(identity: Identity) -> bytes:
    """Return the key in the form that age's own tools read."""
    return f"# created: {sealing.now()}\n# public key: {identity.to_public()}\n{identity}\n".encode()


def _from_file(place: Home) -> Key | None:
    if files.read(place.key_file) is None:
        return None
    if not files.is_private(place.key_file):
        raise StoreError(f"{place.key_file} can be read by others", hint=f"chmod 600 {place.key_file}")
    text = Secret((files.read(place.key_file) or b"").decode("utf-8", "replace"))
    return _key(text, _words(place, in_keyring=False))


def _from_keyring(place: Home, recipient: str) -> Key | None:
    if text := _quickly(recipient):
        return _key(text, _words(place, in_keyring=True))
    backend, why = _backend()
    if backend is None:
        raise StoreError(f"the key of the local store is in a keyring that cannot be used now: {why}", hint=_UNLOCK)
    text = _in_keyring(backend, recipient)
    return _key(text, _words(place, in_keyring=True)) if text else None


def _quickly(recipient: str) -> Secret | None:
    """Return the key from where keyring keeps it on most desktops: to load keyring takes longer than all the rest."""
    if sys.platform != "linux" or os.environ.get("PYTHON_KEYRING_BACKEND"):
        return None

    def ask() -> Secret | None:
        from secretguard.stores import secret_service

        return secret_service.look_up(SERVICE, recipient)

    with suppress(StoreError):  # then keyring is asked, and says what is wrong
        found: Secret | None = _asked(ask)
        return found
    return None


def _in_keyring(backend: "KeyringBackend", recipient: str) -> Secret | None:
    def ask() -> Secret | None:
        text = backend.get_password(SERVICE, recipient)
        return None if text is None else Secret(text)

    found: Secret | None = _asked(ask)
    return found


def _key(text: Secret, where: str) -> Key:
    identity = sealing.parse_identity(text)
    return Key(identity, str(identity.to_public()), where)


_UNLOCK = "Unlock the keyring, or run secretguard in the session where it is available."


def _keep(backend: "KeyringBackend", identity: Identity) -> None:
    """Put the key into the keyring and look whether it is there."""
    name = str(identity.to_public())
    _asked(lambda: backend.set_password(SERVICE, name, str(identity)))
    kept = _in_keyring(backend, name)
    if kept is None or not kept.same_as(Secret(str(identity))):
        raise StoreError(
            "the keyring forgets what it is given", hint="Set SECRETGUARD_STORE_KEY=file to keep the key in a file."
        )


def _asked(call: Any) -> Any:
    try:
        return within("the keyring", call, _PATIENCE, StoreError)
    except StoreError:
        raise
    except Exception as error:  # each backend has its own
        raise StoreError(f"the keyring refuses ({type(error).__name__})", hint=_UNLOCK) from None


def _chosen(environ: Mapping[str, str]) -> "tuple[KeyringBackend | None, str]":
    """Return the keyring that a new key goes to, or None and why."""
    wish = environ.get("SECRETGUARD_STORE_KEY") or "auto"
    if wish == "file":
        return None, "SECRETGUARD_STORE_KEY says so"
    if wish not in ("auto", "keyring"):
        raise StoreError("SECRETGUARD_STORE_KEY is one of auto, keyring, file")
    backend, why = _backend()
    if backend is None and wish == "keyring":
        raise StoreError(
            f"SECRETGUARD_STORE_KEY asks for the keyring, and {why}",
            hint="Set it to file to keep the key in a file that only you can read.",
        )
    return backend, why


def _backend() -> "tuple[KeyringBackend | None, str]":
    """Return the first keyring that really keeps a secret, or None and why there is none."""
    try:
        import keyring
    except ImportError:
        return None, "the library keyring is not installed"
    try:
        first = keyring.get_keyring()
        backends = list(getattr(first, "backends", [first]))  # of the chainer, which asks one after the other
    except Exception as error:  # a backend that is configured and does not load
        return None, f"the keyring does not load ({type(error).__name__})"
    refused = []
    for backend in backends:
        lineage = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(backend).__mro__]
        if not any(name.startswith(_REFUSED) or "plaintext" in name.lower() for name in lineage):
            return backend, ""
        refused.append(lineage[0])
    names = [name for name in refused if not name.startswith("keyring.backends.fail.")]
    return None, f"{', '.join(names)} keeps no secret" if names else "there is no keyring here"
