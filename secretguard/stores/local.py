"""The embedded store, `ref+local://NAME#/FIELD`: age files under the user's data directory.

See `secretguard.interfaces.StorePlugin` for what each function promises. Readers take no lock; writers hold one for
the whole store, and write each file beside its place before they move it there.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote_plus

from secretguard.errors import Conflict, StoreError
from secretguard.reference import SecretReference
from secretguard.rotation import Context, Fields, Finding, Preflight, StoredVersion
from secretguard.secret import Secret
from secretguard.spelling import holds, in_bytes
from secretguard.stores import documents, files, keys, sealing
from secretguard.stores.documents import PENDING, Document, Pointer
from secretguard.stores.keys import Home, Key
from secretguard.stores.sealing import Recipient, Sealed

_ROOM = 1 << 20
"""Bytes that should be free; a version takes some hundred."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """What a writer has who holds the lock."""

    document: Document
    key: Key
    context: Context

    def published(self) -> Sealed | None:
        return documents.current(self.document, self.key)

    def pending(self) -> Sealed | None:
        return documents.opened(self.document, PENDING, self.key)

    def sealed_for(self) -> list[Recipient]:
        others = sealing.parse_recipients(self.context.environ.get("SECRETGUARD_STORE_RECIPIENT", ""))
        return [self.key.identity.to_public(), *others]


def preflight(reference: SecretReference, context: Context) -> Preflight:
    """Look whether a version could be written, and say who will be able to read it."""
    home = keys.home(context.environ)
    where = f"the local store {home.store}"
    try:
        others = len(sealing.parse_recipients(context.environ.get("SECRETGUARD_STORE_RECIPIENT", "")))
        document = documents.document_at(home.store, reference.path)
        key, why = keys.planned(home, context.environ)
        if held := keys.load(home):
            now, pending = documents.current(document, held), documents.opened(document, PENDING, held)
            _free_for(pending, context)
            if pending and pending.rotation == context.rotation:
                _refuse_changed(document, held, pending, now, reference)
    except StoreError as error:
        return Preflight(findings=(Finding(str(error), error.hint, stops=True),))
    effects = [f"write a new version of {reference.path!r} to {where}", f"encrypt it for the key in {key}"]
    if others:
        effects.append(f"encrypt it for {others} more: SECRETGUARD_STORE_RECIPIENT")
    return Preflight(tuple(effects), (*_obstacles(home), *_reach(why, alone=not others)))


def read(reference: SecretReference, context: Context) -> Fields | None:
    """Return what is published."""
    found = _reading(reference, context)
    version = documents.current(*found) if found else None
    return version.fields if version else None


def stage(reference: SecretReference, fields: Fields, context: Context) -> None:
    """Write `fields` beside the published version, for this rotation alone."""
    if not context.rotation:
        raise StoreError("nothing is staged outside of a rotation")
    with _writing(reference, context) as writing:
        pending = writing.pending()
        _free_for(pending, context)
        if pending or _staged_fields(writing.document, writing.key, context) is not None:
            return
        upon = documents.pointer(writing.document).current
        version = Sealed(reference.path, fields, context.rotation, tuple(fields), sealing.now(), upon)
        _check(fields)
        files.make_private(writing.document.folder)
        files.write(writing.document.file(PENDING), sealing.seal(version, writing.sealed_for()))


def staged(reference: SecretReference, context: Context) -> Fields | None:
    """Return what this rotation staged, pending or published."""
    found = _reading(reference, context)
    return _staged_fields(*found, context) if found else None


def publish(reference: SecretReference, context: Context) -> None:
    """Write published and staged fields together as a new version, point at it, forget the pending one."""
    with _writing(reference, context) as writing:
        pending, now = writing.pending(), writing.published()
        if pending is None or pending.rotation != context.rotation:
            if _staged_fields(writing.document, writing.key, context) is not None:
                return
            raise StoreError(f"this rotation has nothing to publish at {reference.path!r}")
        if now is None or now.rotation != context.rotation or not _same(pending.fields, now.fields):
            _refuse_changed(writing.document, writing.key, pending, now, reference)
            fields = {**(now.fields if now else {}), **pending.fields}
            _check(fields)
            version = Sealed(reference.path, fields, context.rotation, pending.staged, sealing.now())
            documents.add(writing.document, version, writing.sealed_for())
        files.remove(writing.document.file(PENDING))


def published(reference: SecretReference, context: Context) -> bool:
    """Whether what this rotation staged is what a reader gets."""
    found = _reading(reference, context)
    if found is None:
        return False
    mine, now = _staged_fields(*found, context), documents.current(*found)
    return mine is not None and now is not None and _same(mine, now.fields)


def discard(reference: SecretReference, context: Context) -> None:
    """Forget this rotation's pending version."""
    with _changing(reference, context) as writing:
        pending = writing.pending() if writing else None
        if writing and pending and pending.rotation == context.rotation:
            files.remove(writing.document.file(PENDING))


def destroy_leaked(reference: SecretReference, leaked: Secret, context: Context) -> tuple[str, ...]:
    """Destroy the versions that hold `leaked`, as it is or as a URL spells it, but never the current one."""
    evidence: list[str] = []
    with _changing(reference, context) as writing:
        if writing is None:
            return ("the local store holds no version",)
        kept = str(documents.pointer(writing.document).current)
        for name in (*map(str, documents.numbers(writing.document)), PENDING):
            try:
                version = documents.opened(writing.document, name, writing.key)
            except StoreError as error:
                evidence.append(f"version {name} was left: {error}")
                continue
            if version is None or not _holds(version, leaked):
                continue
            if name in (kept, PENDING):
                evidence.append(f"version {name} still holds the leaked value, and is in use")
                continue
            files.remove(writing.document.file(name))
            evidence.append(f"version {name} destroyed")
    return tuple(evidence) or ("no version holds the leaked value",)


def put(reference: SecretReference, fields: Fields, context: Context) -> None:
    """Publish `fields` beside the others."""
    with _writing(reference, context) as writing:
        now = writing.published()
        merged = {**(now.fields if now else {}), **fields}
        _check(merged)
        keeps = now is not None and not set(now.staged) & set(fields)
        rotation, names = (now.rotation, now.staged) if now and keeps else ("", ())
        version = Sealed(reference.path, merged, rotation, names, sealing.now())
        documents.add(writing.document, version, writing.sealed_for())


def versions(reference: SecretReference, context: Context) -> Sequence[StoredVersion]:
    """List them, newest first; one that cannot be opened is `damaged`, one that was never pointed at `unpublished`."""
    found = _reading(reference, context)
    if found is None:
        return []
    document, key = found
    pointer = documents.pointer(document)
    there = documents.numbers(document)
    names = [str(number) for number in range(max([pointer.last, *there]), 0, -1)]
    listed = [_described(document, key, name, pointer, there) for name in (PENDING, *names)]
    return [one for one in listed if one is not None]


def destroy(reference: SecretReference, version: str, context: Context) -> None:
    """Remove one version, the current one too: then a reader gets nothing."""
    with _changing(reference, context) as writing:
        known = {PENDING, *(one.version for one in versions(reference, context))}
        if writing is None or version not in known:
            raise StoreError(
                f"{reference.path!r} has no such version",
                hint=f"secretguard store versions ref+local://{reference.path}",
            )
        pointer = documents.pointer(writing.document)
        if version == str(pointer.current):
            documents.point(writing.document, Pointer(0, pointer.last))
        files.remove(writing.document.file(version))


def listing(prefix: str, context: Context) -> Sequence[str]:
    """List the documents that hold a version."""
    return [path for path in documents.stored_paths(keys.home(context.environ).store) if path.startswith(prefix)]


def _reading(reference: SecretReference, context: Context) -> tuple[Document, Key] | None:
    """Return the document and what opens it; None if there is no store yet."""
    home = keys.home(context.environ)
    key = keys.load(home)
    return (documents.document_at(home.store, reference.path), key) if key else None


@contextmanager
def _writing(reference: SecretReference, context: Context) -> Iterator[_Writing]:
    """Yield what a writer needs, with the lock held; make the store if there is none."""
    home = keys.home(context.environ)
    document = documents.document_at(home.store, reference.path)
    for folder in (home.data, home.store, home.store / "documents"):
        files.make_private(folder)
    with files.locked(home.store, context.timeout):
        key = keys.load_or_make(home, context.environ)
        for folder in (home.data, home.store, document.folder):
            files.sweep(folder)
        yield _Writing(document, key, context)


@contextmanager
def _changing(reference: SecretReference, context: Context) -> Iterator[_Writing | None]:
    """Yield what a writer needs if there is such a document; what only takes away makes no store."""
    found = _reading(reference, context)
    if found is None or not files.names(found[0].folder):
        yield None
        return
    with _writing(reference, context) as writing:
        yield writing


def _staged_fields(document: Document, key: Key, context: Context) -> Fields | None:
    """Return what a rotation staged: it is pending, or the newest version that carries its name holds it."""
    if not context.rotation:
        return None
    version = documents.opened(document, PENDING, key)
    if version is None or version.rotation != context.rotation:
        version = _newest_of(document, key, context.rotation)  # listed now: it may just have been published
    return {field: version.fields[field] for field in version.staged} if version else None


def _newest_of(document: Document, key: Key, rotation: str) -> Sealed | None:
    for number in reversed(documents.numbers(document)):
        with suppress(sealing.Damaged):
            version = documents.opened(document, str(number), key)
            if version and version.rotation == rotation:
                return version
    return None


def _described(document: Document, key: Key, name: str, pointer: Pointer, there: list[int]) -> StoredVersion | None:
    number = 0 if name == PENDING else int(name)
    if number and number not in there:
        return StoredVersion(name, state="destroyed")
    try:
        version = documents.opened(document, name, key)
    except StoreError:
        return StoredVersion(name, state="damaged")
    if version is None:
        return None
    state = "pending" if not number else "unpublished" if number > pointer.last else "previous"
    if number and number == pointer.current:
        state = "current"
    return StoredVersion(name, version.created, state, tuple(version.fields))


def _free_for(pending: Sealed | None, context: Context) -> None:
    """Raise Conflict if another rotation than this one has staged something."""
    if pending and context.rotation and pending.rotation != context.rotation:
        raise Conflict(
            f"{pending.rotation} has staged a value for {pending.document!r}",
            hint=f"Resume it or abort it first: secretguard rotate status {pending.rotation}",
        )


def _refuse_changed(
    document: Document, key: Key, pending: Sealed, now: Sealed | None, reference: SecretReference
) -> None:
    """Raise Conflict if somebody wrote to a staged field since it was staged; one that holds nothing may be filled."""
    number = documents.pointer(document).current
    if now is None or pending.upon in (None, number):
        return
    base = documents.opened(document, str(pending.upon), key) if pending.upon else None
    before = base.fields if base else {}
    changed = [
        name
        for name, value in now.fields.items()
        if name in pending.fields
        and value.reveal()
        and not value.same_as(pending.fields[name])
        and not (name in before and value.same_as(before[name]))
    ]
    if changed:
        empty = " and ".join(f"`secretguard store put {reference.with_field(name)} --empty`" for name in changed)
        raise Conflict(
            f"somebody wrote {', '.join(changed) or 'the value'} since the new value was staged",
            hint=f"Version {number} of {reference.path} has what they wrote. Keep it under another name if it is "
            f"needed, then {empty}, then `secretguard rotate resume`.",
        )


def _same(some: Fields, all_: Fields) -> bool:
    return all(name in all_ and value.same_as(all_[name]) for name, value in some.items())


def _holds(version: Sealed, leaked: Secret) -> bool:
    plus = quote_plus(in_bytes(leaked.reveal()))
    return any(holds(one, leaked) or plus in one for one in (value.reveal() for value in version.fields.values()))


def _check(fields: Fields) -> None:
    if "" in fields and len(fields) > 1:
        raise StoreError(
            "a document holds one whole value or fields, and not both", hint="Name another document, or a field of it."
        )


def _obstacles(home: Home) -> Iterator[Finding]:
    """Yield what keeps us from writing."""
    there = next(folder for folder in (home.store, *home.store.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding(f"{there} cannot be written", "Check its rights, or set XDG_DATA_HOME.", stops=True)
    with files.told("looked at", there):
        room = os.statvfs(there)
    if room.f_bavail * room.f_frsize < _ROOM:
        yield Finding(f"the disk of {there} is full", "Free some space.", stops=True)


def _reach(why: str, *, alone: bool) -> Iterator[Finding]:
    """Yield who can read the value, and who cannot."""
    who = f"{os.environ.get('USER') or os.geteuid()}@{os.uname().nodename}"
    yield Finding(
        f"only {who} will be able to read it: no other machine, no other user, no CI",
        "`secretguard store export --to REF` moves a value on to a store that others read.",
    )
    if alone:
        yield Finding(
            "this store is the only copy of the value, and its key the only one that opens it",
            "Back both up, or set SECRETGUARD_STORE_RECIPIENT to a second age public key.",
        )
    if why:
        yield Finding(f"the key is not in a keyring: {why}", "Whoever can read your files can read the store.")
