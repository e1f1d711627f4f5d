"""A document of KV v2: read with its version, written only if that is still the newest, looked at again when unsure.

What a rotation keeps there stands in two fields of ours, beside the application's own:

- `sg_pending`: JSON `{"rotation": …, "fields": {…}, "over": {field: digest}}`, what is staged and not yet published,
  and what stood in those fields then;
- `sg_rotation`: JSON `{rotation: [field, …]}`, whose fields are the ones that a reader gets now; no field: it gave up.

Whoever writes a whole document anew, as Terraform does, takes them out of it; they are then read in an older version.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from secretguard.errors import Conflict, StoreError
from secretguard.reference import SecretReference
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret
from secretguard_hashicorp.connection import Answer, Hidden, Vault, vault, whole, written

PENDING, PUBLISHED = "sg_pending", "sg_rotation"
OURS = "sg_"
_TRIES = 8
"""Times that a write is tried whose place somebody else took; each time it is made anew from what is there."""
_EARLIER = 20
"""Versions in which a pending value is looked for that somebody wrote over; an engine keeps ten by itself."""
_STALE = "check-and-set parameter did not match"


class Pending(NamedTuple):
    """What one rotation staged."""

    rotation: str
    fields: Fields
    over: Mapping[str, str] | None = None
    """A digest of what each of these fields held, if it held anything; None: an older release staged it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document; version 0 is none at all."""

    version: int
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def visible(self) -> dict[str, Any]:
        """The application's own fields."""
        return {name: value for name, value in self.data.items() if not name.startswith(OURS)}

    @property
    def fields(self) -> Fields:
        """The application's own fields as secrets; what is no text is given as JSON."""
        return {name: Secret(one if isinstance(one, str) else written(one)) for name, one in self.visible.items()}

    @property
    def pending(self) -> Pending | None:
        """What is staged; raises Conflict if that cannot be understood."""
        if PENDING not in self.data:
            return None
        found = _understood(self.data[PENDING])
        if found is None:
            raise Conflict(f"the document has a field {PENDING} that is not of secretguard's making", hint="Remove it.")
        return found

    @property
    def published(self) -> dict[str, list[str]]:
        """Rotations whose fields stand here, and which these are."""
        return {rotation: names for rotation, names in self._said.items() if names}

    def gave_up(self, rotation: str) -> bool:
        """Whether a rotation took back what it staged."""
        return self._said.get(rotation) == []

    @property
    def _said(self) -> dict[str, list[str]]:
        try:
            said = json.loads(self.data.get(PUBLISHED, "{}"))
            return {str(rotation): [str(one) for one in names] for rotation, names in said.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def staging(self, rotation: str, fields: Fields) -> "Document":
        """Return it with `fields` as pending."""
        said = {
            "rotation": rotation,
            "fields": {name: value.reveal() for name, value in fields.items()},
            "over": {name: _digest(rotation, one) for name, one in self.visible.items() if name in fields},
        }
        return replace(self, data={**self.data, PENDING: json.dumps(said)})

    def staging_again(self, older: "Document") -> "Document":
        """Return it with what is pending in an older version."""
        return replace(self, data={**self.data, PENDING: older.data[PENDING]})

    def changed(self, pending: Pending) -> list[str]:
        """Return the staged fields that hold something else than they did then, and not nothing."""
        over = pending.over
        return [
            name
            for name, value in pending.fields.items()
            if over is not None
            and self.visible.get(name, "") not in ("", None)
            and not self.has({name: value})
            and _digest(pending.rotation, self.visible[name]) != over.get(name)
        ]

    def giving_up(self, rotation: str) -> "Document":
        """Return it with nothing of a rotation pending, nor to be read in an older version."""
        said = {PUBLISHED: json.dumps({**self._said, rotation: []})}
        mine = self.pending is not None and self.pending.rotation == rotation
        return replace(self, data={**(self.without_pending() if mine else self).data, **said})

    def without_pending(self) -> "Document":
        """Return it with nothing pending."""
        return replace(self, data={name: one for name, one in self.data.items() if name != PENDING})

    def having(self, fields: Fields, rotation: str = "") -> "Document":
        """Return it with `fields` published, perhaps by `rotation`; an earlier one that loses a field is forgotten."""
        said = {one: names for one, names in self.published.items() if not set(names) & set(fields)}
        if rotation:
            said[rotation] = sorted(fields)
        data = {name: one for name, one in self.data.items() if name != PUBLISHED}
        data |= {name: value.reveal() for name, value in fields.items()}
        return replace(self, data={**data, PUBLISHED: json.dumps(said)} if said else data)

    def has(self, fields: Fields) -> bool:
        """Whether it has these fields with these values."""
        return all(
            isinstance(self.data.get(name), str) and value.same_as(Secret(self.data[name]))
            for name, value in fields.items()
        )


def _understood(pending: object) -> Pending | None:
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        said = json.loads(pending)  # type: ignore[arg-type]
        fields = {str(name): Secret(str(one)) for name, one in said["fields"].items()}
        over = {str(name): str(one) for name, one in said["over"].items()} if "over" in said else None
        return Pending(str(said["rotation"]), fields, over)
    return None


def _digest(rotation: str, value: object) -> str:
    """Return what tells a value from another one; whoever can read it can read the value beside it."""
    return hashlib.sha256(f"{rotation} {written(value)}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """A document's address: its server, the engine it lies in, its path there."""

    server: Vault
    mount: str
    path: str

    def at(self, operation: str) -> str:
        """Return the API path of `data`, `metadata`, `destroy` … of this document."""
        return f"{self.mount}/{operation}/{self.path}"


def place(reference: SecretReference, context: Context) -> Place:
    """Return where `reference` leads; raises StoreError if that is no KV engine of version 2."""
    server = vault(context, StoreError, "BAO" if reference.backend == "openbao" else "VAULT")
    answer = server.look("get", f"sys/internal/ui/mounts/{reference.path}")
    where = f"at {reference.path} of {server.host}"
    if answer.status != 200:
        if unknown := server.unknown_token():
            raise unknown
        raise StoreError(
            f"nothing {where} is open to us",
            hint=_namespaced("Is that engine mounted, and does the token's policy name a path in it?", server),
        )
    mount = str(answer.data.get("path", "")).strip("/")
    options = answer.data.get("options")
    version = options.get("version") if isinstance(options, Mapping) else None
    if answer.data.get("type") != "kv" or str(version) != "2":
        raise StoreError(
            f"what is mounted {where} keeps no versions",
            hint="A rotation needs a KV engine of version 2: vault secrets enable -version=2 -path=MOUNT kv",
        )
    if not reference.path.startswith(mount + "/"):
        raise StoreError(f"the reference names no document {where}")
    return Place(server, mount, reference.path.removeprefix(mount + "/"))


def _namespaced(hint: str, server: Vault) -> str:
    here = server.settings.namespace
    return f"{hint} The namespace is {here}." if here else f"{hint} No namespace is set (VAULT_NAMESPACE)."


def read(where: Place, version: int | None = None) -> Document:
    """Return the newest version, or one; with no data where there is none, or it was deleted. Raises StoreError."""
    answer = look(where, version)
    if answer.status == 200:
        metadata, data = answer.data.get("metadata"), answer.data.get("data")
        number = whole(metadata.get("version")) if isinstance(metadata, Mapping) else 0
        if number and isinstance(data, Mapping):
            return Document(number, data)
    if answer.status == 404:
        metadata = answer.data.get("metadata")
        return Document(whole(metadata.get("version")) if isinstance(metadata, Mapping) else 0)
    raise StoreError(f"{where.server.host} gave an answer that is not understood (status {answer.status})")


def staged_earlier(where: Place, newest: Document, rotation: str) -> Document | None:
    """Return the version that holds what `rotation` staged, where somebody wrote over it since; None if there is none.

    Raises StoreError.
    """
    document = newest
    for number in range(newest.version - 1, max(0, newest.version - 1 - _EARLIER), -1):
        if document.gave_up(rotation) or not document.version:  # one that the engine dropped has no number
            return None
        document = read(where, number)
        with suppress(Conflict):
            if document.pending and document.pending.rotation == rotation:
                return document
    return None


def look(where: Place, version: int | None = None) -> Answer:
    """Return the answer to a request for a version."""
    query = "" if version is None else f"?version={version}"
    answer = where.server.look("get", where.at("data") + query)
    if answer.status == 403:
        raise where.server.denied("read that document", where.at("data"), "read")
    return answer


def update(where: Place, change: Callable[[Document], Document | None]) -> None:
    """Write what `change` makes of the document; None means that all is as it should be.

    Nobody's write is lost: each is made from the version before, and refused if another one came. A write whose answer
    was lost is not sent again; `change` tells from what is there whether it arrived. Raises StoreError, and Conflict
    where others do not stop writing.
    """
    for _ in range(_TRIES):
        before = read(where)
        after = change(before)
        if after is None:
            return
        try:
            if _write(where, after):
                return
        except StoreError as failed:
            if not failed.unsure or change(read(where)) is not None:
                raise
            return
    raise Conflict(f"others keep writing to {where.mount}/{where.path}", hint="Run the command again.")


def _write(where: Place, document: Document) -> bool:
    """Write a version on top of the one it was made from; False if that is no longer the newest."""
    body = Hidden({"options": {"cas": document.version}, "data": document.data})
    answer = where.server.change("post", where.at("data"), body)
    if answer.status < 300:
        return True
    if answer.status == 400 and answer.says(_STALE):
        return False
    if answer.status == 403:
        raise where.server.denied("write that document", where.at("data"), "create", "update")
    raise StoreError(
        f"{where.server.host} does not take the document (status {answer.status})",
        hint="It may be too large for the server, or hold a field that a policy forbids.",
    )


def metadata(where: Place) -> Mapping[str, Any]:
    """Return what is known about the versions; empty if there is no document. Raises StoreError."""
    answer = where.server.look("get", where.at("metadata"))
    if answer.status == 403:
        raise where.server.denied("see the versions of that document", where.at("metadata"), "read")
    if answer.status not in (200, 404):
        raise StoreError(f"{where.server.host} does not tell the versions (status {answer.status})")
    return answer.data


def destroy(where: Place, numbers: list[int]) -> None:
    """Destroy versions for good, and see that they are; raises StoreError."""
    body = Hidden({"versions": numbers})
    answer = where.server.change("put", where.at("destroy"), body)
    if answer.status == 403:
        raise where.server.denied("destroy versions", where.at("destroy"), "update")
    versions = metadata(where).get("versions") or {}
    left = [number for number in numbers if not (versions.get(str(number)) or {}).get("destroyed", True)]
    if answer.status >= 300 or left:
        raise StoreError(f"{where.server.host} did not destroy all versions: {numbers}", transient=True)
