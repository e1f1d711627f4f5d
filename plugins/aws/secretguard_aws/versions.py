"""The versions of one secret and the labels on them: who is current, who is pending, and for which rotation.

A rotation has two kinds of version. Its *note* holds just the fields that it staged; its id is made from the rotation,
and it keeps the label `sg-<hex>` until the rotation is over. What readers will get are those fields merged into a
current version; its id is made from the rotation and the version it was copied from. So each request can be
repeated, and whose AWSPENDING that is can be told from its id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from secretguard.errors import Conflict, StoreError
from secretguard.reference import SecretReference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard_aws import documents
from secretguard_aws.calls import Refused, Service
from secretguard_aws.session import service

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
ABSENT = "ResourceNotFoundException"
_REFUSALS = ("InvalidParameterException", "InvalidRequestException")
_EXISTS = "ResourceExistsException"
_OURS = UUID("6f1d7a52-3c58-5b0e-9d0c-1f6f3a1c5b70")
"""The name space of our version ids."""
_LABEL = re.compile(r"sg-[0-9a-f]{16}")


def note_id(rotation: str) -> str:
    """Return the id (ClientRequestToken) of the version that notes what a rotation staged."""
    return str(uuid5(_OURS, rotation))


def merged_id(rotation: str, base: str) -> str:
    """Return the id of the version in which a rotation's fields were merged into version `base`; 61 characters."""
    return f"{note_id(rotation)}-{sha256(base.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class Labels:
    """What DescribeSecret says."""

    described: Mapping[str, Any] = field(repr=False)

    def holder(self, label: str) -> str:
        """Return the version that carries `label`; empty if none does."""
        found = (version for version, labels in self.all.items() if label in labels)
        return next(found, "")

    def of(self, version: str) -> tuple[str, ...]:
        """Return the labels of a version."""
        return tuple(self.all.get(version, ()))

    @property
    def all(self) -> Mapping[str, list[str]]:
        """Version -> its labels; versions without any are not in it."""
        return self.described.get("VersionIdsToStages") or {}

    def is_ours(self, version: str, context: Context) -> bool:
        """Whether this rotation made `version`."""
        return bool(context.rotation) and version.startswith(note_id(context.rotation))

    def in_the_way(self, context: Context) -> str:
        """Return the version on which somebody else's AWSPENDING is; empty if there is none.

        A rotation that ended may leave it on the current version, where it says nothing.
        """
        holder = self.holder(PENDING)
        free = not holder or holder == self.holder(CURRENT) or self.is_ours(holder, context)
        return "" if free else holder

    def rotation_of(self, version: str) -> str:
        """Return which rotation of ours made `version`; empty if none that still has its label."""
        for labels in self.all.values():
            for label in labels:
                rotation = "rot_" + label.removeprefix("sg-")
                if _LABEL.fullmatch(label) and version.startswith(note_id(rotation)):
                    return rotation
        return ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version, read."""

    id: str
    text: Secret
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One secret: each of its calls, and nothing of their order."""

    reference: SecretReference
    service: Service

    @property
    def name(self) -> str:
        """Return what AWS calls it."""
        return self.reference.path

    def labels(self) -> Labels | None:
        """Return the labels, None if there is no such secret."""
        try:
            return Labels(self.service.read("describe_secret", (ABSENT,), SecretId=self.name))
        except Refused:
            return None

    def current(self) -> Version | None:
        """Return what a reader gets; the label is named, for some imitations of AWS have no default."""
        return self._read(VersionStage=CURRENT)

    def version(self, version: str) -> Version | None:
        """Return a version by its id, deprecated ones too; None if there is none that holds a value."""
        return self._read(VersionId=version)

    def _read(self, **which: str) -> Version | None:
        try:
            found = self.service.read("get_secret_value", (ABSENT,), SecretId=self.name, **which)
        except Refused:
            return None
        return Version(found["VersionId"], found.get("SecretString", Secret("")), "SecretString" not in found)

    def list(self) -> list[Mapping[str, Any]]:
        """Return every version that holds a value, deprecated ones too, newest first."""
        found: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self.service.read("list_secret_version_ids", SecretId=self.name, IncludeDeprecated=True, **more)
            found += page.get("Versions", [])
            if not page.get("NextToken"):
                return sorted(found, key=lambda one: (str(one.get("CreatedDate", "")), CURRENT in labels_of(one)))[::-1]
            more = {"NextToken": page["NextToken"]}

    def create(self, text: Secret, token: str) -> None:
        """Create the secret; nothing if somebody did in the meantime."""
        try:
            self.service.change(
                "create_secret", (_EXISTS,), Name=self.name, SecretString=text, ClientRequestToken=token,
                Description="Kept by secretguard",
            )  # fmt: skip
        except Refused:
            return

    def put(self, text: Secret, token: str, label: str) -> None:
        """Add a version under `label`, never under AWS's default; raises StoreError if `token` has another value."""
        if documents.size_of(text) > _LONGEST:
            raise StoreError(f"{self.reference} would hold more than the {_LONGEST} bytes that AWS allows")
        try:
            self.service.change(
                "put_secret_value", (_EXISTS,), SecretId=self.name, SecretString=text, ClientRequestToken=token,
                VersionStages=[label],
            )  # fmt: skip
        except Refused:
            raise StoreError(f"version {token} of {self.reference} has another value already") from None

    def move(self, label: str, *, to: str = "", away_from: str = "") -> bool:
        """Move a label, or take it away; False if it is not where we thought: AWS compares and swaps in one step."""
        where = {"MoveToVersionId": to} if to else {}
        where |= {"RemoveFromVersionId": away_from} if away_from else {}
        try:
            self.service.change(
                "update_secret_version_stage", _REFUSALS, SecretId=self.name, VersionStage=label, **where
            )
        except Refused:
            return False
        return True

    def conflict(self, labels: Labels, context: Context) -> Conflict:
        """Return the error that names whose AWSPENDING is in the way."""
        version = labels.in_the_way(context)
        rotation = labels.rotation_of(version)
        whose = f"rotation {rotation}" if rotation else "somebody else"
        return Conflict(
            f"{whose} is at work on {self.reference}: AWSPENDING is on version {version}",
            hint="Let it end first. If nothing is at work there, take the label away: "
            f"aws secretsmanager update-secret-version-stage --secret-id {self.name} "
            f"--version-stage AWSPENDING --remove-from-version-id {version}",
        )


_LONGEST = 65536
"""Bytes of one value; botocore's model: `SecretStringType`, max."""


def place_of(reference: SecretReference, context: Context) -> Place:
    """Return the secret that a reference names."""
    return Place(reference, service("secretsmanager", context, StoreError))


def labels_of(listed: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of a version as ListSecretVersionIds lists it."""
    return tuple(listed.get("VersionStages") or ())


def managed_by(labels: Labels) -> str:
    """Return why nobody but AWS may write to this secret, in words; empty if we may."""
    about = labels.described
    if about.get("DeletedDate"):
        return "is scheduled for deletion"
    if about.get("OwningService"):
        return f"is managed by the AWS service {about['OwningService']}"
    if about.get("Type") or about.get("ExternalSecretRotationMetadata"):
        return f"is an external secret that AWS rotates itself with its partner {about.get('Type', '')}".rstrip()
    if about.get("RotationEnabled"):
        return "is rotated by AWS (RotationEnabled)"
    if about.get("CrossAccountPrimary"):
        return "is a replica of another account's secret"
    return ""


def note_of(place: Place, labels: Labels, context: Context) -> Version | None:
    """Return the version that notes what this rotation staged, while it has its label."""
    holder = labels.holder(context.name) if context.rotation else ""
    return place.version(holder) if holder else None


def fields_in(place: Place, version: Version) -> dict[str, Secret]:
    """Return the fields of a version; raises StoreError where there are none that `place` could mean."""
    if version.binary:
        raise StoreError(f"{place.reference} holds a binary value, which has no fields")
    fields = documents.fields_of(version.text)
    if fields is not None:
        return fields
    if place.reference.field:
        raise StoreError(
            f"{place.reference} holds one value and no JSON object, so it has no fields",
            hint="Leave `#/…` out to mean the whole value, or store a JSON object.",
        )
    return {documents.WHOLE: version.text}
