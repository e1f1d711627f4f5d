"""The report as one JSON document, `secretguard.report/1`; every other tool is written against it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from secretguard import __version__
from secretguard.model import Credential, Ignored, Occurrence, Problem, Report
from secretguard.report.danger import by_danger
from secretguard.report.masking import Mask, mask_for, user_shown, without_login
from secretguard.report.printable import valid_unicode

SCHEMA = "secretguard.report/1"


def write(report: Report, out: TextIO, *, show_secrets: bool) -> None:
    """Write `report` to `out`, one credential a line; values only with `show_secrets`."""
    mask = mask_for(report, show_secrets=show_secrets)
    out.write("{")
    for name, value in _head(report, mask).items():
        out.write(f"{encode(name)}: {encode(value)},\n ")
    credentials = (credential_json(one, mask, show_secrets=show_secrets) for one in by_danger(report.credentials))
    _write_list(out, "credentials", credentials, ",\n ")
    _write_list(out, "ignored", (_ignored(one, mask) for one in report.ignored), ",\n ")
    _write_list(out, "problems", (_problem(one, mask) for one in report.problems), ",\n ")
    _write_list(out, "notes", ({"what": safe(mask, note)} for note in report.notes), "}\n")


def credential_json(credential: Credential, mask: Mask, *, show_secrets: bool) -> dict[str, Any]:
    """Return one credential as JSON-ready data, keys in the order of the contract."""
    found = {
        "id": credential.id,
        "kind": credential.rule.kind,
        "rule": credential.rule.id,
        "title": credential.rule.title,
        "vendor": credential.rule.vendor,
        "severity": credential.severity.value,
        "confidence": credential.confidence.value,
        "verdict": credential.verdict.value,
        "parts": {"user": valid_unicode(user_shown(credential, mask, show_secrets=show_secrets))}
        if credential.user
        else {},
        "endpoints": [
            {"host": safe(mask, end.host), "port": end.port, "database": safe(mask, end.database)}
            for end in credential.endpoints
        ],
        "redacted": safe(mask, credential.redacted),
    }
    if show_secrets:
        found["secret"] = valid_unicode(credential.secret.reveal())
        found["match"] = valid_unicode(credential.text.reveal())
    first = credential.introduced_by
    return {
        **found,
        "files": credential.files,
        "commits": credential.commits,
        "first_seen": credential.first_seen,
        "last_seen": credential.last_seen,
        "introduced_by": {"commit": first.commit, "author": safe(mask, first.author)} if first else None,
        "in_head": credential.in_head,
        "occurrences": [_occurrence(one, mask) for one in credential.occurrences],
    }


def encode(value: object) -> str:
    """Return ASCII JSON: a terminal that shows it is as safe as a parser that reads it."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def safe(mask: Mask, value: str | None) -> str | None:
    """Return `value` masked and valid."""
    return valid_unicode(mask(value)) if value else value


def _head(report: Report, mask: Mask) -> dict[str, Any]:
    stats = report.stats
    return {
        "schema": SCHEMA,
        "tool": {
            "name": "secretguard",
            "version": __version__,
            "rules": report.rules,
            "rules_digest": report.rules_digest,
        },
        "target": {"path": safe(mask, without_login(report.path)), "head": report.head, "mode": report.mode},
        "stats": {
            "objects": stats.objects,
            "blobs": stats.blobs,
            "bytes": stats.bytes,
            "bytes_matched": stats.bytes_matched,
            "skipped": stats.skipped,
            "seconds": round(stats.seconds, 3),
        },
    }


def _occurrence(occurrence: Occurrence, mask: Mask) -> dict[str, Any]:
    match, at = occurrence.match, occurrence.location
    return {
        "path": safe(mask, at.path),
        "line": match.line,
        "column": match.column,
        "end_line": match.end_line,
        "end_column": match.end_column,
        "rule": match.rule.id,
        "source": at.source.value,
        "commit": at.commit,
        "inner": safe(mask, match.inner),
        "author": safe(mask, at.author),
        "date": at.date,
        "blob": at.blob,
        "encoding": list(match.encoding),
        "form": match.form,
        "ref": safe(mask, at.ref),
        "at_head": at.at_head,
    }


def _ignored(ignored: Ignored, mask: Mask) -> dict[str, Any]:
    return {
        "id": ignored.id,
        "reason": ignored.reason,
        "where": safe(mask, ignored.where),
        "rule": ignored.rule,
        "occurrences": ignored.occurrences,
        "note": safe(mask, ignored.note),
        "added_by_change": ignored.added_by_change,
    }


def _problem(problem: Problem, mask: Mask) -> dict[str, Any]:
    return {
        "where": safe(mask, without_login(problem.where)),
        "what": safe(mask, without_login(problem.what)),
        "hint": safe(mask, problem.hint),
        "is_note": problem.is_note,
    }


def _write_list(out: TextIO, name: str, items: Iterable[Mapping[str, Any]], end: str) -> None:
    """Write the items one a line, each as soon as it is made: a report can be larger than memory is."""
    out.write(f"{encode(name)}: [")
    separator = "\n  "
    for item in items:
        out.write(separator + encode(item))
        separator = ",\n  "
    out.write(f"]{end}")
