"""`--format json` is a contract: these keys, in this order."""

import io
import json
from typing import Any

from secretguard import __version__
from secretguard.model import Ignored, Place, Problem, Report, Severity
from secretguard.report import json_report, jsonl
from tests.report.build import commit, credential, database_login, location, random_value, report


def parsed(of: Report, *, show_secrets: bool = False) -> dict[str, Any]:
    out = io.StringIO()
    json_report.write(of, out, show_secrets=show_secrets)
    data: dict[str, Any] = json.loads(out.getvalue())
    return data


def test_the_head_says_what_was_looked_at_by_what() -> None:
    data = parsed(report())
    assert list(data) == ["schema", "tool", "target", "stats", "credentials", "ignored", "problems", "notes"]
    assert data["schema"] == "secretguard.report/1"
    assert data["tool"] == {"name": "secretguard", "version": __version__, "rules": 312, "rules_digest": "d1e2"}
    assert data["target"] == {"path": "/srv/app", "head": "cd" * 20, "mode": "history"}
    assert data["stats"] == {
        "objects": 95123, "blobs": 60000, "bytes": 2_200_000_000, "bytes_matched": 4096, "skipped": 2, "seconds": 4.123,
    }  # fmt: skip


def test_a_credential_has_the_keys_of_the_contract_in_order() -> None:
    one = database_login(random_value(), location("a.py"), commit("a.py", 2), commit("b.py", 1))
    found = parsed(report(one))["credentials"][0]
    assert list(found) == [
        "id", "kind", "rule", "title", "vendor", "severity", "confidence", "verdict", "parts", "endpoints", "redacted",
        "files", "commits", "first_seen", "last_seen", "introduced_by", "in_head", "occurrences",
    ]  # fmt: skip
    assert found["id"] == one.id
    assert found["parts"] == {"user": "capture"}
    assert found["endpoints"] == [{"host": "db.example.com", "port": 5432, "database": "raw"}]
    assert (found["files"], found["commits"], found["in_head"]) == (1, 2, True)
    assert (found["first_seen"], found["last_seen"]) == ("2025-06-01T10:00:00Z", "2025-06-02T10:00:00Z")
    assert found["introduced_by"] == {"commit": f"{1:040x}", "author": "Ada <ada@example.com>"}


def test_an_occurrence_has_the_keys_of_the_contract_first() -> None:
    found = parsed(report(credential(random_value(), commit("a/b.py", 3))))["credentials"][0]["occurrences"][0]
    assert list(found)[:14] == [
        "path", "line", "column", "end_line", "end_column", "rule", "source", "commit", "inner", "author", "date",
        "blob", "encoding", "form",
    ]  # fmt: skip
    assert (found["path"], found["source"], found["line"], found["column"]) == ("a/b.py", "history", 7, 5)


def test_values_appear_after_the_redacted_form_when_asked_for() -> None:
    value = random_value()
    found = parsed(report(credential(value)), show_secrets=True)["credentials"][0]
    keys = list(found)
    assert keys[keys.index("redacted") + 1 :][:2] == ["secret", "match"]
    assert (found["secret"], found["match"]) == (value, f"key={value}")


def test_a_credential_without_dates_or_user_says_so() -> None:
    found = parsed(report(credential(random_value(), location(source=Place.STDIN))))["credentials"][0]
    assert found["parts"] == {}
    assert found["introduced_by"] is None
    assert found["first_seen"] is None


def test_what_is_ignored_and_what_went_wrong_is_reported() -> None:
    data = parsed(
        report(
            ignored=(Ignored("sg_000000000000", "inline", "a.py:3", rule="acme-key"),),
            problems=(Problem("objects/ab", "is corrupt", "run git fsck"),),
            notes=("the clone is shallow",),
        )
    )
    assert list(data["ignored"][0])[:3] == ["id", "reason", "where"]
    assert list(data["problems"][0])[:3] == ["where", "what", "hint"]
    assert data["notes"] == [{"what": "the clone is shallow"}]


def test_names_that_are_not_unicode_stay_valid_and_tell_apart() -> None:
    data = parsed(report(credential(random_value(), location("caf\udce9.txt"), location("caf\udcea.txt"))))
    paths = [one["path"] for one in data["credentials"][0]["occurrences"]]
    assert paths == ["caf\\xe9.txt", "caf\\xea.txt"]


def test_the_document_is_ascii_so_that_a_terminal_obeys_nothing_in_it() -> None:
    out = io.StringIO()
    json_report.write(report(credential(random_value(), location("\x1b[2J\u202e\x9b31m"))), out, show_secrets=False)
    assert all(char == "\n" or " " <= char <= "~" for char in out.getvalue())


def test_the_most_dangerous_credential_comes_first() -> None:
    low = credential(random_value(), severity=Severity.LOW)
    old = credential(random_value(), commit(), severity=Severity.CRITICAL)
    current = credential(random_value(), location(), severity=Severity.CRITICAL)
    spread = credential(random_value(), location(), location("b"), severity=Severity.CRITICAL)
    data = parsed(report(low, old, current, spread))
    assert [one["id"] for one in data["credentials"]] == [one.id for one in (spread, current, old, low)]


def test_json_lines_hold_the_same_credentials_one_a_line() -> None:
    whole = report(credential(random_value()), database_login(random_value()))
    out = io.StringIO()
    jsonl.write(whole, out, show_secrets=False)
    lines = out.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == parsed(whole)["credentials"]


def test_a_report_is_written_piece_by_piece() -> None:
    sizes: list[int] = []

    class Pieces(io.StringIO):
        def write(self, piece: str) -> int:
            sizes.append(len(piece))
            return super().write(piece)

    whole = report(*(credential(random_value(), *(commit(number=n + 1) for n in range(20))) for _ in range(50)))
    json_report.write(whole, Pieces(), show_secrets=False)
    assert max(sizes) < sum(sizes) / 40
