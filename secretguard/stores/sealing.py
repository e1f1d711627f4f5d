"""A version of a document <-> an age file, which `age -d -i KEYFILE` opens too. Format: https://age-encryption.org/v1."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from secretguard.errors import StoreError
from secretguard.rotation import Fields
from secretguard.secret import Secret

_SCHEMA = 1
_WRONG_KEY = "No matching keys found"
"""What the library says, word for word, where an age file is whole and for somebody else."""


class Recipient(Protocol):
    """A public key, of the library's own kind."""


class Identity(Protocol):
    """A private key, of the library's own kind; printing it whole shows it, its `repr` does not."""

    def to_public(self) -> Recipient:
        """Return its public half; `str` of that is `age1…`."""
        ...


class Damaged(StoreError):  # noqa: N818
    """An age file is cut off, altered, or not of this store."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one version says."""

    document: str
    """The path of the reference, so that a file put in another's place is noticed."""
    fields: Fields
    rotation: str = ""
    """Who staged it, if anybody did."""
    staged: tuple[str, ...] = ()
    """The fields that this rotation brought; the others were there before."""
    created: str = ""
    """ISO 8601 in UTC."""
    upon: int | None = None
    """Of what is pending: the version that was the current one when it was staged, 0 for none."""


def now() -> str:
    """Return the time as a version carries it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def new_identity() -> Identity:
    """Return a new private key."""
    identity: Identity = _pyrage().x25519.Identity.generate()
    return identity


def parse_identity(text: Secret) -> Identity:
    """Return the private key in the text of an identity file; raises StoreError."""
    lines = [line.strip() for line in text.reveal().splitlines() if line.strip() and not line.startswith("#")]
    library = _pyrage()
    try:
        identity: Identity = library.x25519.Identity.from_str(lines[0])
    except (IndexError, library.IdentityError):
        lines.clear()
        raise StoreError(
            "what should be the key of the local store is none", hint="Restore it from a backup."
        ) from None
    return identity


def parse_recipients(text: str) -> list[Recipient]:
    """Return the public keys in `text`, separated by commas or spaces; raises StoreError."""
    library = _pyrage()
    try:
        return [library.x25519.Recipient.from_str(one) for one in text.replace(",", " ").split()]
    except library.RecipientError:
        raise StoreError(
            "SECRETGUARD_STORE_RECIPIENT holds something that is no age public key",
            hint="One looks like age1… and 58 characters; `age-keygen -y KEYFILE` prints it.",
        ) from None


def seal(version: Sealed, recipients: Sequence[Recipient]) -> bytes:
    """Return the age file of a version."""
    return bytes(_pyrage().encrypt(_encoded(version), list(recipients)))


def unseal(content: bytes, identity: Identity, name: str) -> Sealed:
    """Return what an age file says; raises Damaged, or StoreError if it is for another key. `name` is for the words."""
    return _decoded(_opened(content, identity, name), name)


def _opened(content: bytes, identity: Identity, name: str) -> bytearray:
    library = _pyrage()
    try:
        return bytearray(library.decrypt(content, [identity]))
    except library.DecryptError as error:
        if str(error) == _WRONG_KEY:
            raise StoreError(
                f"{name} is not for the key of this store", hint="Restore the key it was made with."
            ) from None
        raise Damaged(
            f"{name} is damaged", hint="The other versions are untouched; restore it from a backup."
        ) from None


def _encoded(version: Sealed) -> bytes:
    document = {
        "schema": _SCHEMA,
        "document": version.document,
        "created": version.created,
        "rotation": version.rotation,
        "staged": list(version.staged),
        "fields": {name: value.reveal() for name, value in version.fields.items()},
        **({} if version.upon is None else {"upon": version.upon}),
    }
    return json.dumps(document).encode("ascii")


def _decoded(plain: bytearray, name: str) -> Sealed:
    try:
        return _version(json.loads(plain))
    except (ValueError, TypeError, KeyError, AttributeError):
        plain.clear()
        raise Damaged(
            f"{name} does not hold a version that is known here",
            hint="Upgrade secretguard, or restore it from a backup.",
        ) from None


def _version(document: Any) -> Sealed:
    if document["schema"] != _SCHEMA:
        raise ValueError
    return Sealed(
        document=str(document["document"]),
        created=str(document["created"]),
        rotation=str(document["rotation"]),
        staged=tuple(map(str, document["staged"])),
        fields={str(field): Secret(str(value)) for field, value in document["fields"].items()},
        upon=int(document["upon"]) if "upon" in document else None,
    )


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise StoreError(
            "the local store needs the library pyrage", hint="Install it: pip install 'secretguard[rotate]'"
        ) from None
    return pyrage
