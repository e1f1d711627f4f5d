"""Vault and OpenBao as a store: documents of a KV engine, version 2. See `secretguard.interfaces.StorePlugin`.

What is pending lies in the document itself, so that staging and publishing are one write each, which the server takes
only if nobody wrote in between.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from secretguard.errors import BadReference, Conflict, RemoteError, StoreError
from secretguard.reference import PREFIX, SecretReference, parse_reference
from secretguard.rotation import Context, Fields, Finding, Preflight, StoredVersion
from secretguard.secret import Secret
from secretguard_hashicorp.connection import Vault, vault, whole
from secretguard_hashicorp.documents import (
    OURS,
    PENDING,
    Document,
    Pending,
    Place,
    metadata,
    place,
    staged_earlier,
    update,
)
from secretguard_hashicorp.documents import destroy as destroy_versions
from secretguard_hashicorp.documents import read as read_document
from secretguard_hashicorp.leaked import destroy_leaked_versions
from secretguard_hashicorp.rights import missing_rights

_MOST_PATHS = 10_000
_SHORT = 600
"""Seconds that a token should still live when a rotation begins."""


def preflight(reference: SecretReference, context: Context) -> Preflight:
    """See `StorePlugin.preflight`."""
    if reference.field.startswith(OURS):
        return Preflight(findings=(Finding(_KEPT, "Choose another name.", stops=True),))
    try:
        where = place(reference, context)
        document = read_document(where)
        pending = document.pending
        mine = _pending(where, document, context)
        if mine and (changed := document.changed(mine)):
            raise _written_over(reference, document, changed)
    except StoreError as error:
        return Preflight(findings=(Finding(str(error), error.hint, stops=True),))
    lacking = (replace(one, grantable=one.stops) for one in missing_rights(where.server, _rights(where)))
    findings = [*lacking, *_short_life(where.server), *_expiring(where)]
    if pending and pending.rotation != context.rotation:
        findings.append(Finding(f"rotation {pending.rotation} is under way there", _HOW_TO_END, stops=True))
    at = f"{where.mount}/{where.path} at {where.server.host}"
    if where.server.settings.namespace:
        at += f", namespace {where.server.settings.namespace}"
    beside = f", beside its {len(document.visible)} fields" if document.visible else ", a new document"
    return Preflight(
        (
            f"the new value is kept in {at}{beside}, and published there when it was seen to work",
            f"it can be read by everyone whose policy allows to read {where.at('data')}",
            "old versions of the document that hold the leaked value are destroyed in the end",
        ),
        tuple(findings),
    )


_KEPT = f"fields that begin with {OURS} are kept for rotations"
_HOW_TO_END = "End it first: secretguard rotate resume, or abort, with that name."


def read(reference: SecretReference, context: Context) -> Fields | None:
    """See `StorePlugin.read`."""
    return read_document(place(reference, context)).fields or None


def stage(reference: SecretReference, fields: Fields, context: Context) -> None:
    """See `StorePlugin.stage`; raises Conflict that names the rotation which is under way there."""
    wanted, where = _storable(fields), place(reference, context)

    def change(document: Document) -> Document | None:
        if context.rotation in document.published or _is_mine(document, context):
            return None
        older = staged_earlier(where, document, context.rotation)
        return document.staging_again(older) if older else document.staging(context.rotation, wanted)

    update(where, change)


def staged(reference: SecretReference, context: Context) -> Fields | None:
    """See `StorePlugin.staged`; where somebody wrote over it, an older version says it."""
    where = place(reference, context)
    document = read_document(where)
    if names := document.published.get(context.rotation):
        return {name: one for name, one in document.fields.items() if name in names}
    pending = _pending(where, document, context)
    return pending.fields if pending else None


def _pending(where: Place, document: Document, context: Context) -> Pending | None:
    """Return what this rotation has pending in the newest version of a document, or in an older one."""
    if document.pending and document.pending.rotation == context.rotation:
        return document.pending
    older = staged_earlier(where, document, context.rotation) if context.rotation else None
    return older.pending if older else None


def publish(reference: SecretReference, context: Context) -> None:
    """See `StorePlugin.publish`: beside what others wrote meanwhile, but not over it."""
    where = place(reference, context)

    def on_top(document: Document) -> Document | None:
        if context.rotation in document.published or _is_mine(document, context):
            return None
        older = staged_earlier(where, document, context.rotation)
        return document.staging_again(older) if older else None

    def change(document: Document) -> Document | None:
        if context.rotation in document.published:
            return None
        pending = document.pending
        if pending is None or not _is_mine(document, context):
            raise StoreError(f"{reference.path} holds nothing that {context.rotation} staged")
        if changed := document.changed(pending):
            raise _written_over(reference, document, changed)
        return document.without_pending().having(pending.fields, context.rotation)

    update(where, on_top)
    update(where, change)


def _written_over(reference: SecretReference, document: Document, changed: list[str]) -> Conflict:
    beside = f", and the new value in {PENDING}" if PENDING in document.data else ""
    empty = " and ".join(f"`secretguard store put {reference.with_field(name)} --empty`" for name in changed)
    return Conflict(
        f"somebody wrote {', '.join(changed)} since the new value was staged",
        hint=f"Version {document.version} of {reference.path} has what they wrote{beside}. Keep theirs under another "
        f"name if it is needed, then {empty}, then `secretguard rotate resume`.",
    )


def published(reference: SecretReference, context: Context) -> bool:
    """See `StorePlugin.published`."""
    return context.rotation in read_document(place(reference, context)).published


def discard(reference: SecretReference, context: Context) -> None:
    """See `StorePlugin.discard`."""
    where = place(reference, context)

    def change(document: Document) -> Document | None:
        if context.rotation in document.published or document.gave_up(context.rotation):
            return None
        pending = document.pending
        mine = pending is not None and pending.rotation == context.rotation
        if not mine and staged_earlier(where, document, context.rotation) is None:
            return None
        return document.giving_up(context.rotation)

    update(where, change)


def destroy_leaked(reference: SecretReference, leaked: Secret, context: Context) -> tuple[str, ...]:
    """See `StorePlugin.destroy_leaked`."""
    return destroy_leaked_versions(place(reference, context), leaked)


def put(reference: SecretReference, fields: Fields, context: Context) -> None:
    """See `StorePlugin.put`."""
    wanted = _storable(fields)
    update(place(reference, context), lambda document: None if document.has(wanted) else document.having(wanted))


def versions(reference: SecretReference, context: Context) -> Sequence[StoredVersion]:
    """See `StorePlugin.versions`. The names of fields are told of the current version only."""
    where = place(reference, context)
    known = metadata(where)
    newest = whole(known.get("current_version"))
    told = []
    for number, one in sorted(_numbered(known), reverse=True):
        state = _state(one, current=number == newest)
        names = tuple(sorted(read_document(where).visible)) if state == "current" else ()
        told.append(StoredVersion(str(number), str(one.get("created_time", "")), state, names))
    return told


def destroy(reference: SecretReference, version: str, context: Context) -> None:
    """See `StorePlugin.destroy`; the current version too."""
    where = place(reference, context)
    if not version.isdecimal() or int(version) not in dict(_numbered(metadata(where))):
        raise StoreError(f"{reference.path} has no such version", hint="`secretguard store versions` lists them.")
    destroy_versions(where, [int(version)])


def listing(prefix: str, context: Context) -> Sequence[str]:
    """See `StorePlugin.listing`. Documents that no reference could name are left out."""
    server = vault(context, StoreError)
    mount, slash, rest = prefix.partition("/")
    mounts = [mount] if slash else [one for one in _kv_mounts(server) if one.startswith(mount)]
    found: list[str] = []
    for one in mounts:
        folder = rest.rpartition("/")[0]
        for path in _under(server, one, folder + "/" if folder else ""):
            if f"{one}/{path}".startswith(prefix):
                found.append(f"{one}/{path}")
            if len(found) > _MOST_PATHS:
                raise StoreError(f"more than {_MOST_PATHS} documents begin with that", hint="Name a longer prefix.")
    return sorted(found)


def _is_mine(document: Document, context: Context) -> bool:
    """Whether this rotation's fields are pending; raises Conflict if those of another one are."""
    pending = document.pending
    if pending and pending.rotation != context.rotation:
        raise Conflict(f"rotation {pending.rotation} is under way in that document", hint=_HOW_TO_END)
    return pending is not None


def _storable(fields: Fields) -> Fields:
    """Return `fields` if JSON can keep them as they are; raises StoreError."""
    for name, value in fields.items():
        if not name:
            raise StoreError("a document of Vault is made of fields", hint="Name one: ref+vault://MOUNT/PATH#/FIELD")
        if name.startswith(OURS):
            raise StoreError(_KEPT, hint="Choose another name.")
        try:
            value.reveal().encode()
        except UnicodeEncodeError:
            raise StoreError(f"the value for {name} is not UTF-8, and would not come back as it is") from None
    return fields


def _numbered(known: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, one in (known.get("versions") or {}).items():
        if number.isdecimal() and isinstance(one, Mapping):
            yield int(number), one


def _state(version: Mapping[str, Any], *, current: bool) -> str:
    if version.get("destroyed"):
        return "destroyed"
    if version.get("deletion_time"):
        return "deleted"
    return "current" if current else "previous"


def _rights(where: Place) -> dict[str, tuple[str, ...]]:
    return {
        where.at("data"): ("read", "create", "update"),
        where.at("metadata"): ("read",),
        where.at("destroy"): ("update",),
    }


def _short_life(server: Vault) -> Iterator[Finding]:
    with suppress(RemoteError):
        answer = server.look("get", "auth/token/lookup-self")
        seconds = whole(answer.data.get("ttl"))
        if 0 < seconds < _SHORT:
            yield Finding(f"the token lives for {seconds} more seconds", "Renew it, so that it outlives the rotation.")


def _expiring(where: Place) -> Iterator[Finding]:
    with suppress(StoreError):
        after = str(metadata(where).get("delete_version_after") or "0s")
        if after != "0s":
            yield Finding(
                f"versions of that document delete themselves after {after}, the new value too",
                f"vault kv metadata put -mount={where.mount} -delete-version-after=0s {where.path}",
            )


def _kv_mounts(server: Vault) -> list[str]:
    answer = server.look("get", "sys/internal/ui/mounts")
    mounts = answer.data.get("secret")
    if answer.status != 200 or not isinstance(mounts, Mapping):
        raise StoreError(f"{server.host} does not tell its engines", hint="Name one: MOUNT/")
    return [
        name.strip("/")
        for name, one in mounts.items()
        if one.get("type") == "kv" and str((one.get("options") or {}).get("version")) == "2"
    ]


def _under(server: Vault, mount: str, folder: str) -> Iterator[str]:
    """Yield the paths of documents in a folder (`""`, `team/`) and those below it."""
    answer = server.look("get", f"{mount}/metadata/{folder}".rstrip("/") + "?list=true")
    if answer.status == 403:
        raise server.denied("list documents", f"{mount}/metadata/{folder}*", "list")
    for name in answer.data.get("keys") or ():
        if not _nameable(f"{mount}/{folder}{name}"):
            continue
        if name.endswith("/"):
            yield from _under(server, mount, folder + name)
        else:
            yield folder + name


def _nameable(path: str) -> bool:
    with suppress(BadReference):
        return bool(parse_reference(f"{PREFIX}vault://{path.rstrip('/')}/x").path)
    return False
