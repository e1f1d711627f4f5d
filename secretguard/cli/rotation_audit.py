"""What `secretguard rotate audit` prints."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from secretguard.cli import console
from secretguard.errors import ExitCode, UsageError
from secretguard.report.printable import printable
from secretguard.rotate import audit
from secretguard.rotate.journal import open_journal
from secretguard.rotate.state_directory import state_directory


def show(environ: Mapping[str, str], about: str, *, as_json: bool) -> ExitCode:
    """Print every record of the audit file, of one rotation or credential if `about` names one.

    Raises UsageError if nothing is written down about that.
    """
    found = list(audit.show(state_directory(environ), about))
    if about and not any(record for _, record in found):
        raise UsageError(
            "nothing is written down about that", hint="`secretguard rotate audit show` prints all there is."
        )
    for line, record in found:
        if record is None:
            console.print_line(f"line {line} is no record; `secretguard rotate audit verify` says more")
        elif as_json:
            console.echo(json.dumps({"schema": "secretguard.audit/1", **asdict(record)}, ensure_ascii=True))
        else:
            what = " ".join(word for word in (record.event, record.step) if word)
            console.echo(printable(f"{record.at}  {record.actor}  {record.rotation}  {record.credential}  {what}"))
            for evidence in record.evidence:
                console.echo(printable(f"    {evidence}"))
    return ExitCode.CLEAN


def verify(journal_setting: str | None, environ: Mapping[str, str]) -> ExitCode:
    """Check the audit file, and say how it stands."""
    journal = open_journal(journal_setting, environ)
    try:
        found = audit.verify(state_directory(environ), journal)
    finally:
        journal.close()
    console.echo(printable(f"{found.standing}: {found.what}"))
    if found.hint:
        console.print_line(f"hint: {found.hint}")
    return ExitCode.CLEAN if found.ok else ExitCode.INCOMPLETE
