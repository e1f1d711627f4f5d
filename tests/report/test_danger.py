"""What a report says to its caller: found goes before incomplete, incomplete before clean."""

import pytest

from secretguard.errors import ExitCode
from secretguard.model import Problem, Severity, Verdict
from secretguard.report.danger import exit_code
from tests.report.build import credential, random_value, report

PROBLEM = Problem("objects/ab", "is corrupt")
NOTE = Problem("", "this clone is shallow", is_note=True)


def test_nothing_found_and_everything_read_is_clean() -> None:
    assert exit_code(report(), "low") is ExitCode.CLEAN
    assert exit_code(report(problems=(NOTE,)), "low") is ExitCode.CLEAN


def test_what_could_not_be_read_keeps_it_from_being_clean() -> None:
    assert exit_code(report(problems=(NOTE, PROBLEM)), "low") is ExitCode.INCOMPLETE


def test_found_goes_before_incomplete() -> None:
    assert exit_code(report(credential(random_value()), problems=(PROBLEM,)), "low") is ExitCode.FOUND


@pytest.mark.parametrize("threshold", Severity)
@pytest.mark.parametrize("severity", Severity)
def test_the_threshold_counts_what_is_at_it_or_above(severity: Severity, threshold: Severity) -> None:
    one = report(credential(random_value(), severity=severity))
    expected = ExitCode.FOUND if severity.rank >= threshold.rank else ExitCode.CLEAN
    assert exit_code(one, threshold.value) is expected


@pytest.mark.parametrize("verdict", Verdict)
def test_live_counts_only_what_the_issuer_called_live(verdict: Verdict) -> None:
    one = report(credential(random_value(), severity=Severity.CRITICAL, verdict=verdict))
    assert (exit_code(one, "live") is ExitCode.FOUND) is (verdict is Verdict.LIVE)


def test_below_the_threshold_a_problem_still_counts() -> None:
    one = report(credential(random_value(), severity=Severity.LOW), problems=(PROBLEM,))
    assert exit_code(one, "high") is ExitCode.INCOMPLETE
