"""The baselines and reports of other tools become ours by finding their values again; the values go nowhere."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import pytest
from detect_secrets import SecretsCollection
from detect_secrets.core import baseline as theirs
from detect_secrets.settings import transient_settings
from hypothesis import given
from hypothesis import strategies as st

from secretguard.errors import ConfigError
from secretguard.model import Place
from secretguard.scan.baseline import format_baseline
from secretguard.scan.baseline_import import import_baseline
from secretguard.scan.credentials import group
from tests.scan.planted import id_of, key, occurrences, scanned

ONE, TWO, GONE = key(1), key(2), key("gone")
FILES = {"a.py": f"x = 1\nk = '{ONE}'\n", "b/c.env": f"K={TWO}\n"}
COMMIT = "ab" * 20


def sha1(value: str) -> str:
    return hashlib.sha1(value.encode()).hexdigest()


def report(*findings: dict[str, object]) -> bytes:
    return json.dumps(
        [{"RuleID": "generic", "File": "a.py", "StartLine": 2, "Commit": ""} | f for f in findings]
    ).encode()


def test_a_real_detect_secrets_baseline_maps_by_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(f"secret = '{ONE}'\n")
    with transient_settings({"plugins_used": [{"name": "KeywordDetector"}], "filters_used": []}):
        collection = SecretsCollection()
        collection.scan_file("a.py")
        data = json.dumps(theirs.format_for_output(collection)).encode()
    assert sha1(ONE).encode() in data
    imported = import_baseline(data, ".secrets.baseline", scanned({"moved/b.py": f"\n\ntoken = '{ONE}'\n"}))
    assert [entry.id for entry in imported.entries] == [id_of(ONE)]
    assert imported.unmapped == ()


def test_what_an_audit_said_becomes_the_status() -> None:
    entries = [
        {"hashed_secret": sha1(ONE), "line_number": 2, "is_secret": True, "type": "t", "filename": "a.py"},
        {"hashed_secret": sha1(TWO), "line_number": 1, "is_secret": False},
        {"hashed_secret": sha1(GONE)},
    ]
    data = json.dumps({"version": "1.5.0", "results": {"a.py": entries}}, indent=1).encode()
    imported = import_baseline(data, "old.baseline", scanned(FILES))
    assert {(entry.id, entry.status) for entry in imported.entries} == {
        (id_of(ONE), "to-rotate"),
        (id_of(TWO), "false-positive"),
    }
    (sentence,) = imported.unmapped
    assert sentence.startswith("old.baseline:")
    assert "a.py was not found" in sentence


def test_a_gitleaks_report_maps_by_value_and_its_values_are_not_kept() -> None:
    data = report(
        {"Secret": ONE, "Match": f"k = '{ONE}'"},
        {"Secret": f"K={TWO}", "File": "b/c.env"},
        {"Secret": GONE, "File": "old.py", "StartLine": 9},
    )
    imported = import_baseline(data, "report.json", scanned(FILES))
    assert {entry.id for entry in imported.entries} == {id_of(ONE), id_of(TWO)}
    assert imported.mapped == 2
    assert imported.unmapped == ("report.json, finding 3: the value in old.py:9 was not found by this scan",)
    told = format_baseline(imported.entries) + repr(imported)
    assert not [value for value in (ONE, TWO, GONE) if value in told or value[-10:] in told]


def test_a_value_inside_another_file_s_longer_value_is_not_taken_for_it() -> None:
    imported = import_baseline(report({"Secret": f"K={TWO}", "File": "elsewhere"}), "r.json", scanned(FILES))
    assert imported.entries == ()


def test_a_redacted_report_maps_by_place() -> None:
    found = [*occurrences(FILES), *occurrences({"a.py": f"\nk = '{TWO}'\n"}, Place.HISTORY, commit=COMMIT)]
    credentials = group(found)
    imported = import_baseline(report({"Secret": "REDACTED", "Commit": COMMIT}), "r.json", credentials)
    assert [entry.id for entry in imported.entries] == [id_of(TWO)]
    assert import_baseline(report({"Secret": "REDACTED"}), "r.json", credentials).entries == (), "two fit, so none does"


def test_fingerprints_map_by_place_and_follow_the_value_from_then_on() -> None:
    found = [*occurrences(FILES), *occurrences({"a.py": f"\nk = '{TWO}'\n"}, Place.HISTORY, commit=COMMIT)]
    data = f"# known\n{COMMIT}:a.py:generic-api-key:2\nb/c.env:generic-api-key:1\nb/c.env:x:7\nnonsense\n".encode()
    imported = import_baseline(data, ".gitleaksignore", group(found))
    assert {entry.id for entry in imported.entries} == {id_of(TWO)}
    assert imported.mapped == 2
    assert imported.unmapped == (
        ".gitleaksignore, line 5: not a fingerprint, so it is not used",
        ".gitleaksignore:4: nothing was found at b/c.env:7",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "old, line 1: not JSON"),
        (b"{}", "`results` is not an object"),
        (b'{"results": {"a": 5}}', "not a list"),
        (b'{"results": {"a": [{}]}}', "`hashed_secret`"),
        (b'[{"File": "a"}]', "old, finding 1: there is no `Secret`"),
        (b'[{"Secret": "x"}]', "old, finding 1: there is no `File`"),
        (b"[1]", "finding 1"),
        (b"[" * 100_000, "not JSON"),
        (b"just some words\n", "of no kind that is known"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_place(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        import_baseline(data, "old", ())


@given(st.binary(max_size=200) | st.text('[]{}":,a1 \n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_a_clear_error(data: bytes) -> None:
    with suppress(ConfigError):
        assert import_baseline(data, "old", ()).entries == ()
