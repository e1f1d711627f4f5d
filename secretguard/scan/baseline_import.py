"""Baselines and reports of other scanners -> entries of ours, by finding their values again in a fresh scan.

A gitleaks report holds the values in the clear. They are compared with what our own scan found and go nowhere else:
an entry that we do not find again cannot be mapped, and is named by its place.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secretguard.errors import ConfigError
from secretguard.model import Credential
from secretguard.scan.baseline import Entry, entry_for
from secretguard.scan.foreign import Fingerprint, read_fingerprints, read_hashes, sha1s

_SHORTEST = 6
"""Shortest value that is recognised inside a longer one."""
_REDACTED = re.compile(r"^REDACTED$|\.\.\.$")
_HINT = "Give a .secrets.baseline, a gitleaks or betterleaks JSON report, or a .gitleaksignore."


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    entries: tuple[Entry, ...]
    mapped: int
    """How many entries of the file were found again; several may be one credential."""
    unmapped: tuple[str, ...]
    """A sentence for each entry that was not, naming its place."""


Places = Mapping[tuple[str, int], Sequence[tuple[str | None, Credential]]]
"""Commit and credential by path and line."""


def import_baseline(data: bytes, where: str, credentials: Sequence[Credential]) -> Imported:
    """Map the file of another tool onto `credentials`, a fresh scan; raises ConfigError for a malformed one."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{":
        return _from_hashes(data, where, credentials)
    if start == b"[":
        return _from_report(data, where, credentials)
    return _from_fingerprints(data, where, credentials)


def _from_hashes(data: bytes, where: str, credentials: Sequence[Credential]) -> Imported:
    by_hash = {
        sha1: credential for credential in credentials for o in credential.occurrences for sha1 in sha1s(o.match)
    }
    found: list[Entry] = []
    missed: list[str] = []
    for entry in read_hashes(data, where):
        credential = by_hash.get(entry.sha1)
        if credential is None:
            missed.append(f"{entry.where}: a value in {entry.path} was not found by this scan")
            continue
        status = {None: "accepted", True: "to-rotate", False: "false-positive"}[entry.is_secret]
        found.append(entry_for(credential, status))
    return _imported(found, missed)


def _from_report(data: bytes, where: str, credentials: Sequence[Credential]) -> Imported:
    by_value = {value: credential for credential in credentials for value in _values(credential)}
    places = _places(credentials)
    found: list[Entry] = []
    missed: list[str] = []
    for number, finding in enumerate(_findings(data, where), 1):
        path, line, commit = _place(finding, f"{where}, finding {number}")
        credential = _by_value(finding, path, by_value) or _at(places, path, line, commit, finding.get("Secret"))
        if credential is None:
            missed.append(f"{where}, finding {number}: the value in {path}:{line} was not found by this scan")
        else:
            found.append(entry_for(credential))
    return _imported(found, missed)


def _from_fingerprints(data: bytes, where: str, credentials: Sequence[Credential]) -> Imported:
    places = _places(credentials)
    complaints: list[str] = []
    found: list[Sequence[Entry]] = []
    missed: list[str] = []
    for fingerprint in read_fingerprints(data, where, complaints.append):
        here = _named(places, fingerprint)
        if here:
            found.append([entry_for(credential) for credential in here])
        else:
            missed.append(f"{fingerprint.where}: nothing was found at {fingerprint.path}:{fingerprint.line}")
    if complaints and not found and not missed:
        raise ConfigError(f"{where} is of no kind that is known here", hint=_HINT)
    return replace(_imported([entry for some in found for entry in some], [*complaints, *missed]), mapped=len(found))


def _named(places: Places, fingerprint: Fingerprint) -> list[Credential]:
    """Return what a fingerprint means: what its commit added there, or without one what stands there today.

    What only history has in that place counts if it is one credential: an older one may have been a real leak.
    """
    here = places.get((fingerprint.path, fingerprint.line), ())
    today = {one.id: one for commit, one in here if commit == fingerprint.commit}
    ever = {one.id: one for _, one in here}
    if today or fingerprint.commit or len(ever) != 1:
        return list(today.values())
    return list(ever.values())


def _imported(found: Sequence[Entry], missed: Sequence[str]) -> Imported:
    # Where the file says different things about one credential, the one that asks for most counts.
    rank = {"false-positive": 0, "accepted": 1, "to-rotate": 2}
    entries: dict[str, Entry] = {}
    for entry in sorted(found, key=lambda entry: rank[entry.status]):
        entries[entry.id] = entry
    return Imported(tuple(entries.values()), len(found), tuple(missed))


def _findings(data: bytes, where: str) -> Sequence[Mapping[str, Any]]:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}, line {error.lineno}: not JSON", hint=_HINT) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{where} is not JSON", hint=_HINT) from None
    for number, finding in enumerate(document, 1):
        if not isinstance(finding, dict) or not isinstance(finding.get("Secret"), str):
            raise ConfigError(f"{where}, finding {number}: there is no `Secret`", hint=_HINT)
    return list(document)


def _place(finding: Mapping[str, Any], where: str) -> tuple[str, int, str | None]:
    path, line, commit = finding.get("File"), finding.get("StartLine"), finding.get("Commit")
    if not isinstance(path, str) or type(line) is not int:
        raise ConfigError(f"{where}: there is no `File` or `StartLine`", hint=_HINT)
    return path.replace("\\", "/"), line, commit if isinstance(commit, str) and commit else None


def _by_value(finding: Mapping[str, Any], path: str, by_value: Mapping[str, Credential]) -> Credential | None:
    secret = str(finding["Secret"])
    if secret in by_value:
        return by_value[secret]
    # The other tool's value may be the whole connection string, or ours may be; in one file, lest a weak password
    # that stands in some longer word be taken for it.
    inside = {
        credential.id: credential
        for value, credential in by_value.items()
        if min(len(value), len(secret)) >= _SHORTEST
        and (value in secret or secret in value)
        and any(one.location.path == path for one in credential.occurrences)
    }
    return next(iter(inside.values())) if len(inside) == 1 else None


def _at(places: Places, path: str, line: int, commit: str | None, secret: object) -> Credential | None:
    """Return the one credential in a place, for a report whose values were redacted when it was written."""
    if not _REDACTED.search(str(secret)):
        return None
    here = {one.id: one for at, one in places.get((path, line), ()) if commit in (None, at)}
    return next(iter(here.values())) if len(here) == 1 else None


def _values(credential: Credential) -> set[str]:
    matches = {id(o.match): o.match for o in credential.occurrences}.values()
    return {value.reveal() for match in matches for value in (match.secret, match.text)}


def _places(credentials: Iterable[Credential]) -> Places:
    places: dict[tuple[str, int], list[tuple[str | None, Credential]]] = defaultdict(list)
    for credential in credentials:
        for at, match in ((o.location, o.match) for o in credential.occurrences):
            places[at.path, match.line].append((at.commit, credential))
    return places
