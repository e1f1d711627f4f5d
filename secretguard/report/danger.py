"""What is worst comes first: the order of every report, and what a finding means for the exit code."""

from collections.abc import Iterable

from secretguard.errors import ExitCode
from secretguard.model import Credential, Problem, Report, Severity, Verdict

LIVE = "live"


def by_danger(credentials: Iterable[Credential]) -> list[Credential]:
    """Sort by verdict, severity, confidence, whether it is still in use at HEAD, and how far it has spread."""
    return sorted(
        credentials,
        key=lambda one: (
            one.verdict is not Verdict.LIVE,
            -one.severity.rank,
            -one.confidence.rank,
            not one.in_head,
            -len(one.occurrences),
            one.id,
        ),
    )


def reaches(credential: Credential, fail_on: str) -> bool:
    """Whether `credential` is at or above the threshold: a severity, or `live`."""
    if fail_on == LIVE:
        return credential.verdict is Verdict.LIVE
    return credential.severity.rank >= Severity(fail_on).rank


def real_problems(report: Report) -> list[Problem]:
    """Return the problems that keep the result from being complete; declared limits are only notes."""
    return [problem for problem in report.problems if not problem.is_note]


def exit_code(report: Report, fail_on: str) -> ExitCode:
    """Return what the scan says to its caller: found goes before incomplete, incomplete before clean."""
    if any(reaches(credential, fail_on) for credential in report.credentials):
        return ExitCode.FOUND
    return ExitCode.INCOMPLETE if real_problems(report) else ExitCode.CLEAN
