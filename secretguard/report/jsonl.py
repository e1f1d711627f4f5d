"""One credential a line, for pipes and log collectors; the keys are those of the JSON report."""

from typing import TextIO

from secretguard.model import Report
from secretguard.report.danger import by_danger
from secretguard.report.json_report import credential_json, encode
from secretguard.report.masking import mask_for


def write(report: Report, out: TextIO, *, show_secrets: bool) -> None:
    """Write the credentials of `report` to `out`; values only with `show_secrets`."""
    mask = mask_for(report, show_secrets=show_secrets)
    for credential in by_danger(report.credentials):
        out.write(encode(credential_json(credential, mask, show_secrets=show_secrets)) + "\n")
