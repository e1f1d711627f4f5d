"""What stands in the way of storing something in Secrets Manager, and what will be done there. No effects."""

import re
from collections.abc import Iterator

from secretguard.rotation import Context, Finding, Preflight
from secretguard_aws import documents
from secretguard_aws.versions import Labels, Place, Version, labels_of, managed_by

_MANY = 90
"""Versions; AWS keeps the 100 most recent and all of the last 24 hours, and refuses more."""


def look(place: Place, context: Context) -> Preflight:
    """Return what will happen to a secret, and whether it may."""
    labels = place.labels()
    if labels is None:
        findings = (*_odd_name(place), _readers(""))
        return Preflight(effects=(_created(place), *_effects(place)), findings=findings)
    stops = list(_obstacles(place, labels, context))
    if stops:
        return Preflight(findings=tuple(stops))
    current = place.current()
    return Preflight(
        effects=_effects(place),
        findings=(*_shape(place, current), _readers(str(labels.described.get("KmsKeyId", ""))), *_crowd(place)),
    )


def _created(place: Place) -> str:
    return (
        f"create the secret {place.name} as an empty JSON object; AWS labels a first version AWSCURRENT whatever it "
        "is asked for, so that the new value comes second"
    )


def _odd_name(place: Place) -> Iterator[Finding]:
    """Warn of what looks like the end of an ARN, which AWS itself advises against."""
    if re.search(r"-[A-Za-z0-9]{6}\Z", place.name):
        yield Finding(
            f"{place.name} ends as ARNs do, in a hyphen and six characters: AWS may take it for another secret"
        )


def _effects(place: Place) -> tuple[str, ...]:
    return (
        f"write the new value to {place.name} as versions labelled AWSPENDING, the other fields copied from AWSCURRENT",
        "after the proof move AWSCURRENT to it, if it is still on the version that was copied",
        "at the end take all labels off the versions that hold the leaked value; AWS then deletes them in the "
        "background, and until then they can be read by their id",
    )


def _obstacles(place: Place, labels: Labels, context: Context) -> Iterator[Finding]:
    if reason := managed_by(labels):
        deleted = "deletion" in reason
        yield Finding(
            f"{place.reference} {reason}",
            hint=f"Restore it first: `aws secretsmanager restore-secret --secret-id {place.name}`."
            if deleted
            else "A version of ours would be in AWS's way. Let AWS do it: `aws secretsmanager rotate-secret "
            f"--secret-id {place.name}`, or name another secret.",
            stops=True,
        )
    primary = labels.described.get("PrimaryRegion")
    if primary and primary != place.service.client.meta.region_name:
        yield Finding(
            f"{place.reference} is a replica here; it is written in {primary}",
            hint=f"Set AWS_REGION={primary}.",
            stops=True,
        )
    if labels.in_the_way(context):
        conflict = place.conflict(labels, context)
        yield Finding(str(conflict), hint=conflict.hint, stops=True)


def _shape(place: Place, current: Version | None) -> Iterator[Finding]:
    """Say whether the current value can take fields."""
    if current is None or (not current.binary and documents.fields_of(current.text) is not None):
        return
    if current.binary:
        yield Finding(
            f"{place.reference} holds a binary value, which has no fields", "Name another secret.", stops=True
        )
    elif place.reference.field:
        yield Finding(
            f"{place.reference} holds one value and no JSON object, so it has no fields",
            hint="Leave `#/…` out to replace the whole value, or name another secret.",
            stops=True,
        )
    else:
        yield Finding(f"{place.reference} holds one value and no JSON object: it can take a key, not a login of parts")


def _readers(key: str) -> Finding:
    decrypt = f", and kms:Decrypt with {key}" if key else ""
    return Finding(f"it can be read by whoever is allowed secretsmanager:GetSecretValue on it{decrypt}")


def _crowd(place: Place) -> Iterator[Finding]:
    found = place.list()
    if len(found) >= _MANY:
        bare = sum(not labels_of(one) for one in found)
        yield Finding(
            f"it has {len(found)} versions, {bare} of them without a label; AWS keeps 100 and all of the last 24 hours",
            hint="If writing fails for that, wait a day: AWS deletes the oldest without a label.",
        )
