"""Where the leaked value comes from: the repositories, again; else the operator. It is never kept."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secretguard.cli import console
from secretguard.cli.invocation import configure, scan_everything
from secretguard.errors import UsageError
from secretguard.git.repository import open_repository
from secretguard.model import Credential, Endpoint, Report
from secretguard.reference import parse_reference
from secretguard.resolve import resolve
from secretguard.rotate.records import Rotation
from secretguard.rotate.target import target_of
from secretguard.rotation import Context, Login, Target
from secretguard.scan.identity import Identity, credential_id
from secretguard.scan.run import ScanRequest, scan
from secretguard.secret import Secret


def search(chosen: Mapping[str, Any], repositories: Sequence[str], *, directories: bool = True) -> list[Report]:
    """Scan the whole history of each repository, and a directory that is none as it is; or leave that one out."""
    plain = {path for path in repositories if _is_plain_directory(path)}
    return [
        scan_everything(chosen, path, "tree" if path in plain else "history")
        for path in repositories
        if directories or path not in plain
    ]


def _is_plain_directory(path: str) -> bool:
    return Path(path).is_dir() and open_repository(Path(path), keep_environment=path == ".") is None


def in_reports(name: str, reports: Sequence[Report]) -> Credential | None:
    """Return one credential, with its places and servers in all the repositories; None if it is nowhere."""
    found = [one for report in reports for one in report.credentials if one.id == name]
    return together(found) if found else None


def together(found: Sequence[Credential]) -> Credential:
    """Return what was found of one credential in several places as one, with all its places and servers."""
    endpoints: dict[Endpoint, None] = dict.fromkeys(at for one in found for at in one.endpoints)
    occurrences = tuple(place for one in found for place in one.occurrences)
    return found[0]._replace(endpoints=tuple(endpoints), occurrences=occurrences)


def resolved(reference: str, context: Context) -> Secret | None:
    """Return the value at a reference, or nothing for none."""
    return resolve(parse_reference(reference), context) if reference else None


def from_operator(name: str, given: Secret | None, chosen: Mapping[str, Any]) -> Credential:
    """Return the credential in a text that the operator gives (`--old-from`, or typed); raises UsageError."""
    text = given or _typed(name)
    stdin = io.BytesIO(text.reveal().encode("utf-8", "surrogateescape"))
    config = configure(chosen, None)
    report = scan(ScanRequest(config, mode="stdin", stdin=stdin), _Unseen())
    for one in report.credentials:
        if one.id == name:
            return one
    raise UsageError(
        f"what was given does not hold {name}", hint="Give the whole line or connection string that leaked."
    )


def target_again(
    rotation: Rotation, chosen: Mapping[str, Any], given: Secret | None, admin: Secret | None, here: Sequence[str]
) -> Target:
    """Return the target of a rotation that goes on: its value from the repositories, `given`, or typed.

    Repositories may have moved, or be those of a colleague's machine: then those that are `here` are searched.
    """
    if given is None:
        begun = there_still(rotation)
        for places in (begun, [one for one in here if str(Path(one).resolve()) not in begun]):
            found = in_reports(rotation.credential, search(chosen, places, directories=places is begun))
            if found is not None:
                return target_of(found, admin)
    value = given or _typed(rotation.credential)
    if not _is(rotation, value):
        return target_of(from_operator(rotation.credential, value, chosen), admin)
    return Target(
        credential=rotation.credential,
        kind=rotation.kind,
        family=rotation.family,
        leaked=Login(rotation.user, value),
        endpoints=rotation.endpoints,
        admin=admin,
    )


def there_still(rotation: Rotation) -> list[str]:
    """Return the places where it leaked that are on this machine."""
    return [one for one in rotation.repositories if Path(one).exists()]


def _is(rotation: Rotation, value: Secret) -> bool:
    """Whether the value alone is the rotation's, by its id."""
    return any(
        credential_id(Identity(rotation.family, rotation.user, value, machine_made)) == rotation.credential
        for machine_made in (False, True)
    )


def _typed(name: str) -> Secret:
    if not console.is_somebody_there():
        raise UsageError(
            f"{name} is not in the repositories any more",
            hint="Run this where the repository is, or say where the value is with --old-from REF.",
        )
    import click

    return Secret(click.prompt(f"The leaked value of {name} (not shown)", hide_input=True, err=True))


class _Unseen:
    """Nobody watches."""

    def phase(self, name: str, total: int) -> None:
        """See `secretguard.scan.progress.Progress`."""

    def advance(self, amount: int, objects: int = 0) -> None:
        """See `secretguard.scan.progress.Progress`."""
