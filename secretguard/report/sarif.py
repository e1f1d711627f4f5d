"""SARIF 2.1.0 for code scanning: one result an occurrence, held together by the credential's id."""

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TextIO
from urllib.parse import quote

from secretguard import __version__
from secretguard.model import Credential, Ignored, Occurrence, Problem, Report, Rule, Severity
from secretguard.report.danger import by_danger, real_problems
from secretguard.report.json_report import encode, safe
from secretguard.report.masking import Mask, mask_for, without_login
from secretguard.report.places import count, describe, is_current
from secretguard.report.printable import printable, valid_unicode

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
_PRECISION = {"low": "low", "medium": "medium", "high": "very-high"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "secretguard:credential")
_MARKUP = re.compile(r"[\[\]\\]")
_IN_SOURCE = ("inline",)
"""Ignore reasons that stand in the scanned text itself; the others stand beside it."""


def write(report: Report, out: TextIO, *, show_secrets: bool) -> None:
    """Write `report` to `out`; values only with `show_secrets`."""
    mask = mask_for(report, show_secrets=show_secrets)
    credentials = by_danger(report.credentials)
    rules = _rules(credentials, report.ignored)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "secretguard", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"secretguard/{report.mode}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, mask)],
    }
    out.write(f'{{"$schema": {encode(SCHEMA)},\n "version": "2.1.0",\n "runs": [{{\n')
    for name, value in run.items():
        out.write(f"  {encode(name)}: {encode(value)},\n")
    out.write('  "results": [')
    separator = "\n    "
    found = (_results(one, mask, show_secrets=show_secrets) for one in credentials)
    for result in chain(chain.from_iterable(found), (_suppressed(one, mask) for one in report.ignored)):
        if result["ruleId"] in index:
            result["ruleIndex"] = index[result["ruleId"]]
        out.write(separator + encode(result))
        separator = ",\n    "
    out.write("]}]}\n")


def _rules(credentials: Sequence[Credential], ignored: Sequence[Ignored]) -> list[dict[str, Any]]:
    """Return the metadata of every rule that a result names."""
    by_id: dict[str, Rule | None] = {one.rule: None for one in ignored if one.rule}
    for credential in credentials:
        by_id |= {one.match.rule.id: one.match.rule for one in credential.occurrences}
        by_id[credential.rule.id] = credential.rule
    return [_rule(rule) if rule else {"id": rule_id} for rule_id, rule in sorted(by_id.items())]


def _rule(rule: Rule) -> dict[str, Any]:
    vendor = f" of {rule.vendor}" if rule.vendor and rule.vendor.lower() not in rule.title.lower() else ""
    advice = (
        "Whoever can read the repository can use it. Make a new one, switch to it and revoke this one; deleting the "
        "line does not help, for the history and every clone keep it."
    )
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"A credential{vendor}: {rule.title}."},
        "help": {"text": f"{rule.title}. {advice}", "markdown": f"**{rule.title}**\n\n{advice}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "kind": rule.kind,
            "security-severity": _SCORES[rule.severity],
            "tags": ["security", "secret", "external/cwe/cwe-798"],
        },
    }


def _invocation(report: Report, mask: Mask) -> dict[str, Any]:
    notifications = [_notification(problem, mask) for problem in report.problems]
    notifications += [{"level": "note", "message": _message(safe(mask, note) or "")} for note in report.notes]
    return {
        "executionSuccessful": not real_problems(report),
        "toolExecutionNotifications": notifications,
        "properties": {
            "objects": report.stats.objects,
            "bytes": report.stats.bytes,
            "skipped": report.stats.skipped,
            "rules": report.rules,
            "rulesDigest": report.rules_digest,
        },
    }


def _notification(problem: Problem, mask: Mask) -> dict[str, Any]:
    words = ": ".join(word for word in (problem.where, problem.what) if word)
    text = f"{words} ({problem.hint})" if problem.hint else words
    return {"level": "note" if problem.is_note else "error", "message": _message(safe(mask, without_login(text)) or "")}


def _results(credential: Credential, mask: Mask, *, show_secrets: bool) -> Iterator[dict[str, Any]]:
    """Yield one result an occurrence; what they share is worked out once, for there may be thousands."""
    clean = _cleaner(mask)
    spread = f"{credential.id}, {count(credential.files, 'file')}, {count(credential.commits, 'commit')}"
    guid = str(uuid.uuid5(_NAMESPACE, credential.id))
    shared: dict[str, Any] = {
        "credential": credential.id,
        "kind": credential.rule.kind,
        "severity": credential.severity.value,
        "precision": _PRECISION[credential.confidence],
        "verdict": credential.verdict.value,
        "inHead": credential.in_head,
    }
    if show_secrets:
        shared["secret"] = valid_unicode(credential.secret.reveal())
    ordinals: Counter[str] = Counter()
    for occurrence in sorted(credential.occurrences, key=_stable_order):
        rule, at = occurrence.match.rule, occurrence.location
        ordinals[at.path] += 1
        what = f"{rule.title}: {clean(credential.redacted)}"
        yield {
            "ruleId": rule.id,
            "level": _LEVELS[credential.severity],
            "message": _message(f"{what} at {describe(occurrence, clean)}. {spread}."),
            "locations": [_location(occurrence, mask)],
            "partialFingerprints": _fingerprints(credential.id, at.path, ordinals[at.path]),
            "correlationGuid": guid,
            "properties": {**shared, "source": at.source.value, "commit": at.commit, "date": at.date},
        }


def _location(occurrence: Occurrence, mask: Mask) -> dict[str, Any]:
    match, at = occurrence.match, occurrence.location
    if not at.path:
        name = describe(occurrence, _cleaner(mask))
        return {"logicalLocations": [{"fullyQualifiedName": name, "kind": at.source.value}]}
    line, column = max(match.line, 1), max(match.column, 1)
    end_line = max(match.end_line, line)
    end_column = max(match.end_column, 1) if end_line > line else max(match.end_column, column)
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {"physicalLocation": {"artifactLocation": _artifact(at.path, mask), "region": region}}


def _artifact(path: str, mask: Mask) -> dict[str, str]:
    data = valid_unicode(mask(path)).encode("utf-8")
    return {"uri": quote(data, safe="/"), "uriBaseId": "%SRCROOT%"}


def _suppressed(ignored: Ignored, mask: Mask) -> dict[str, Any]:
    path, _, line = ignored.where.rpartition(":")
    if not line.isdecimal():
        path, line = ignored.where, ""
    result: dict[str, Any] = {
        "ruleId": ignored.rule or "ignored",
        "level": "none",
        "message": _message(f"{ignored.id} is ignored: {_cleaner(mask)(ignored.reason)}"),
        "suppressions": [
            {
                "kind": "inSource" if ignored.reason in _IN_SOURCE else "external",
                "status": "underReview" if ignored.added_by_change else "accepted",
                "justification": " ".join(filter(None, (ignored.reason, safe(mask, ignored.note)))),
            }
        ],
        "partialFingerprints": _fingerprints(ignored.id, path, 1),
        "correlationGuid": str(uuid.uuid5(_NAMESPACE, ignored.id)),
        "properties": {"credential": ignored.id, "occurrences": ignored.occurrences},
    }
    if path:
        physical: dict[str, Any] = {"artifactLocation": _artifact(path, mask)}
        if line:
            physical["region"] = {"startLine": max(int(line), 1)}
        result["locations"] = [{"physicalLocation": physical}]
    return result


def _fingerprints(credential_id: str, path: str, ordinal: int) -> dict[str, str]:
    """Return what makes two results of two runs the same: never the line, which every edit above it moves."""
    data = f"{credential_id}\0{path}".encode("utf-8", "surrogatepass")
    place = f"{hashlib.sha256(data).hexdigest()[:16]}:{ordinal}"
    return {"secretguardCredential/v1": credential_id, "secretguardPlace/v1": place, "primaryLocationLineHash": place}


def _stable_order(occurrence: Occurrence) -> tuple[object, ...]:
    """Oldest last to change: current files by line, then commits by date, so that ordinals stay."""
    at = occurrence.location
    return (not is_current(at), at.path, at.date or "", at.commit or "", occurrence.match.line, occurrence.match.column)


def _message(text: str) -> dict[str, str]:
    """Return a message in which nothing that a repository says becomes a link or a placeholder."""
    return {"text": _MARKUP.sub(r"\\\g<0>", text).replace("{", "{{").replace("}", "}}")}


def _cleaner(mask: Mask) -> Mask:
    return lambda text: printable(mask(text))
