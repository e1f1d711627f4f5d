"""Secrets Manager as a store: AWSPENDING is claimed, AWSCURRENT is moved by compare-and-swap, nothing is overwritten.

The names of the labels and what moves them: the API's own model, as botocore brings it along.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from secretguard.errors import Conflict, StoreError
from secretguard.reference import SecretReference
from secretguard.rotation import Context, Fields, Preflight, StoredVersion
from secretguard.secret import Secret
from secretguard_aws import documents, store_preflight
from secretguard_aws.session import service
from secretguard_aws.versions import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Labels,
    Place,
    Version,
    fields_in,
    labels_of,
    managed_by,
    merged_id,
    note_id,
    note_of,
    place_of,
)


def preflight(reference: SecretReference, context: Context) -> Preflight:
    """Look whether `reference` can be written; see `StorePlugin`."""
    return store_preflight.look(place_of(reference, context), context)


def read(reference: SecretReference, context: Context) -> Fields | None:
    """Return the version labelled AWSCURRENT; a value without fields goes by the name it was staged under, or none."""
    place = place_of(reference, context)
    current = place.current()
    if current is None or current.text.same_as(documents.EMPTY):
        return None
    fields = fields_in(place, current)
    if list(fields) == [documents.WHOLE] and context.rotation:
        labels = place.labels()
        note = note_of(place, labels, context) if labels else None
        if note and documents.says(current.text, named := documents.fields_of(note.text) or {}):
            return named
    return fields


def stage(reference: SecretReference, fields: Fields, context: Context) -> None:
    """Note `fields` under the rotation's own label, claim AWSPENDING, and prepare the version that is to be current."""
    place = place_of(reference, context)
    labels = _existing(place, context)
    if _published(place, labels, context):
        return
    if labels.in_the_way(context):
        raise place.conflict(labels, context)
    current = _current(place)
    _note(place, labels, current, fields, context)
    if not _claimed(place, labels, note_id(context.rotation), context):
        place.move(context.name, away_from=note_id(context.rotation))
        raise place.conflict(place.labels() or labels, context)
    _prepared(place, current, context)


def staged(reference: SecretReference, context: Context) -> Fields | None:
    """Return what was noted: while the note has its label, and after that while it is what readers get."""
    place = place_of(reference, context)
    labels = place.labels()
    if labels is None:
        return None
    note = note_of(place, labels, context) or _published(place, labels, context)
    return documents.fields_of(note.text) if note else None


def publish(reference: SecretReference, context: Context) -> None:
    """Move AWSCURRENT from the version that was copied to the copy with the staged fields, then take AWSPENDING off."""
    place = place_of(reference, context)
    labels = place.labels()
    if labels is not None and _published(place, labels, context):
        _drop_pending(place, context)
        return
    note = note_of(place, labels, context) if labels else None
    if labels is None or note is None:
        raise StoreError(f"{context.rotation} staged nothing at {reference}")
    if not _claimed(place, labels, note.id, context):
        raise place.conflict(place.labels() or labels, context)
    current = _current(place)
    _refuse_changed(place, labels, current, note, context)
    new = _prepared(place, current, context)
    if not place.move(CURRENT, to=new, away_from=current.id):
        raise Conflict(
            f"somebody published another version of {reference} in the same moment",
            hint="Run the command again: the staged fields are then merged into that version.",
        )
    _drop_pending(place, context)


def published(reference: SecretReference, context: Context) -> bool:
    """Whether readers get this rotation's fields."""
    place = place_of(reference, context)
    labels = place.labels()
    return labels is not None and _published(place, labels, context) is not None


def discard(reference: SecretReference, context: Context) -> None:
    """Take our labels away; what was published stays."""
    place = place_of(reference, context)
    labels = place.labels()
    if labels is None or _published(place, labels, context):
        return
    _drop_pending(place, context)
    if holder := labels.holder(context.name):
        place.move(context.name, away_from=holder)


def destroy_leaked(reference: SecretReference, leaked: Secret, context: Context) -> tuple[str, ...]:
    """Take every label off the old versions that hold `leaked`, and say what that is worth: AWS deletes, not we."""
    place = place_of(reference, context)
    labels = place.labels()
    if labels is None:
        return (f"{reference} does not exist",)
    evidence = []
    for listed in place.list():
        version = place.version(listed["VersionId"])
        if version and version.binary:
            evidence.append(f"version {version.id} holds a binary value, which was not looked into")
        elif version and documents.holds(version.text, leaked):
            evidence.append(_told_of_old(place, labels, version, context))
    if published(reference, context):
        _drop_pending(place, context)
        if holder := labels.holder(context.name):
            place.move(context.name, away_from=holder)
    return tuple(evidence) or (f"no version of {reference} holds the leaked value",)


def put(reference: SecretReference, fields: Fields, context: Context) -> None:
    """Publish `fields` beside the others, by compare-and-swap too."""
    place = place_of(reference, context)
    token = str(uuid4())
    if place.labels() is None:
        place.create(documents.document(fields), token)
    if _existing(place, context).holder(CURRENT) == token:
        return
    current = _current(place)
    label = f"sg-put-{token[:8]}"
    place.put(_with(place, current, fields), token, label)
    moved = _moved_for_sure(place, token, current)
    place.move(label, away_from=token)
    if not moved:
        raise Conflict(f"somebody published another version of {reference} in the same moment", hint="Try again.")


def versions(reference: SecretReference, context: Context) -> Sequence[StoredVersion]:
    """List the versions, deprecated ones too; the names of fields of those that have a label."""
    place = place_of(reference, context)
    if place.labels() is None:
        return ()
    return [_listed(place, one) for one in place.list()]


def destroy(reference: SecretReference, version: str, context: Context) -> None:
    """Take every label off a version: more AWS does not offer; raises StoreError for the current one."""
    place = place_of(reference, context)
    labels = place.labels()
    if labels is None or (not labels.of(version) and place.version(version) is None):
        raise StoreError(f"{reference} has no version {version}")
    if CURRENT in labels.of(version):
        raise StoreError(f"version {version} of {reference} is the current one", hint="Publish another one first.")
    for label in labels.of(version):
        place.move(label, away_from=version)


def listing(prefix: str, context: Context) -> Sequence[str]:
    """List the names that begin with `prefix`."""
    asked = service("secretsmanager", context, StoreError)
    names: list[str] = []
    more: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [prefix]}]} if prefix else {}
    while True:
        page = asked.read("list_secrets", **more)
        names += [one["Name"] for one in page.get("SecretList", [])]
        if not page.get("NextToken"):
            return sorted(name for name in names if name.startswith(prefix))
        more["NextToken"] = page["NextToken"]


def _existing(place: Place, context: Context) -> Labels:
    """Return the labels of a secret that may be written to and has a current version, made empty if there was none.

    AWS labels the first version AWSCURRENT whatever it is asked for; an empty one gives no reader a value that is not
    in force yet.
    """
    labels = place.labels()
    token = note_id(f"{context.rotation or uuid4()}/empty")
    if labels is None:
        place.create(documents.EMPTY, token)
        labels = place.labels()
    if labels is None:
        raise StoreError(f"{place.reference} was created and is not there", transient=True)
    if reason := managed_by(labels):
        raise StoreError(f"{place.reference} {reason}", hint="Let AWS rotate it: `aws secretsmanager rotate-secret`.")
    if not labels.holder(CURRENT):
        place.put(documents.EMPTY, token, CURRENT)
        labels = place.labels() or labels
    return labels


def _current(place: Place) -> Version:
    current = place.current()
    if current is None:
        raise StoreError(f"{place.reference} has no current version")
    return current


def _with(place: Place, current: Version, fields: Fields) -> Secret:
    """Return the current document with `fields` in it; a value without fields is replaced by one value."""
    if documents.WHOLE not in fields_in(place, current) and documents.WHOLE not in fields:
        return documents.merged(current.text, fields)
    if len(fields) == 1 and not place.reference.field:
        return next(iter(fields.values()))
    raise StoreError(
        f"{place.reference} holds one value and no JSON object, so it cannot take {len(fields)} fields",
        hint="Name another secret, or make it a JSON object first.",
    )


def _published(place: Place, labels: Labels, context: Context) -> Version | None:
    """Return the rotation's note if its fields are what readers get."""
    if not context.rotation:
        return None
    note, current = place.version(labels.holder(context.name) or note_id(context.rotation)), place.current()
    fields = documents.fields_of(note.text) if note else None
    if not fields or current is None or current.binary:
        return None
    return note if documents.says(current.text, fields) else None


def _note(place: Place, labels: Labels, current: Version, fields: Fields, context: Context) -> None:
    """Keep the staged fields in a version of their own; what was noted first stays."""
    if labels.holder(context.name):
        return
    _with(place, current, fields)  # raises if they do not fit, before anything is written
    token, text = note_id(context.rotation), documents.document(fields)
    there = place.version(token)
    if there is None:
        place.put(text, token, context.name)
    elif not there.text.same_as(text) or not place.move(context.name, to=token):
        raise StoreError(
            f"{context.rotation} staged another value at {place.reference} once and gave it up",
            hint="`secretguard rotate abort`, then begin a new rotation.",
        )


def _claimed(place: Place, labels: Labels, version: str, context: Context) -> bool:
    """Put AWSPENDING on `version` unless we have it; False if somebody else was quicker.

    Without RemoveFromVersionId AWS refuses to move a label that is on another version: of two claims one wins.
    """
    holder = labels.holder(PENDING)
    if holder and labels.is_ours(holder, context):
        return True
    if labels.in_the_way(context):
        return False
    return place.move(PENDING, to=version, away_from=holder)


def _prepared(place: Place, current: Version, context: Context) -> str:
    """Return the id of the version that holds the current document with the staged fields, AWSPENDING on it."""
    labels = place.labels()
    note = note_of(place, labels, context) if labels else None
    fields = documents.fields_of(note.text) if note else None
    if labels is None or not fields:
        raise StoreError(f"what {context.rotation} staged at {place.reference} is gone")
    version = merged_id(context.rotation, current.id)
    if labels.holder(PENDING) == version:
        return version
    if place.version(version) is None:
        place.put(_with(place, current, fields), version, PENDING)
    elif not place.move(PENDING, to=version, away_from=labels.holder(PENDING)):
        raise place.conflict(place.labels() or labels, context)
    return version


def _refuse_changed(place: Place, labels: Labels, current: Version, note: Version, context: Context) -> None:
    """Raise Conflict if somebody changed one of the staged fields since they were staged."""
    pending = labels.holder(PENDING)
    if pending in ("", note.id, merged_id(context.rotation, current.id)):
        return
    bases = (one["VersionId"] for one in place.list() if merged_id(context.rotation, one["VersionId"]) == pending)
    base = place.version(next(bases, ""))
    if base is None:
        return
    before, now = documents.fields_of(base.text) or {}, documents.fields_of(current.text) or {}
    changed = [name for name in documents.fields_of(note.text) or {} if _differs(before.get(name), now.get(name))]
    if changed or not now:
        raise Conflict(
            f"somebody changed {', '.join(changed) or 'the value'} of {place.reference} since it was staged",
            hint=f"The staged fields are in version {pending} (AWSPENDING); make it current by hand if it is right.",
        )


def _differs(one: Secret | None, other: Secret | None) -> bool:
    if one is None or other is None:
        return one is not other
    return not one.same_as(other)


def _moved_for_sure(place: Place, token: str, current: Version) -> bool:
    """Move AWSCURRENT; where the answer is lost, look."""
    try:
        return place.move(CURRENT, to=token, away_from=current.id)
    except StoreError as error:
        labels = place.labels() if error.unsure else None
        if labels is None or labels.holder(CURRENT) != token:
            raise
        return True


def _drop_pending(place: Place, context: Context) -> None:
    labels = place.labels()
    holder = labels.holder(PENDING) if labels else ""
    if labels and holder and labels.is_ours(holder, context):
        place.move(PENDING, away_from=holder)


def _told_of_old(place: Place, labels: Labels, version: Version, context: Context) -> str:
    """Take the labels off one version that holds the leaked value, and say what became of it."""
    if CURRENT in labels.of(version.id):
        return f"version {version.id} still holds the leaked value, and is the current one"
    kept = [one for one in labels.of(version.id) if one == PENDING and labels.in_the_way(context) == version.id]
    if kept:
        return f"version {version.id} holds the leaked value, and AWSPENDING of somebody else's rotation is on it"
    taken = [one for one in labels.of(version.id) if place.move(one, away_from=version.id)]
    said = f"{', '.join(taken)} taken off version {version.id}" if taken else f"version {version.id} has no label"
    return f"{said}: AWS deletes it in the background; until then who knows its id can read the leaked value there"


def _listed(place: Place, listed: Any) -> StoredVersion:
    labels, created = labels_of(listed), listed.get("CreatedDate")
    states = {CURRENT: "current", PENDING: "pending", PREVIOUS: "previous"}
    state = next((states[one] for one in states if one in labels), "previous" if labels else "deleted")
    version = place.version(listed["VersionId"]) if labels else None
    fields = documents.fields_of(version.text) if version and not version.binary else None
    return StoredVersion(
        listed["VersionId"],
        created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if isinstance(created, datetime)
        else "",
        state,
        tuple(fields or ()),
    )
