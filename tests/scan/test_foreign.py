"""Files of other tools are honoured, cannot do harm, and what they hide is listed."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.config import Config
from secretguard.errors import ConfigError
from secretguard.model import Credential, Place
from secretguard.scan.content import on_disk
from secretguard.scan.foreign import FILES, Foreign, TimedSearch, foreign_keys, hidden_by, prefiltered, read_foreign
from secretguard.scan.ignore import Ignores, apply_ignores, load_ignores
from tests.scan.planted import RULES, id_of, key, scanned

ONE, TWO = key(1), key(2)
COMMIT = "ab" * 20


def foreign(**files: str) -> Foreign:
    """Read files named by their words: `gitleaks_toml` is `.gitleaks.toml`."""
    named = {"." + name.replace("_", "."): text.encode() for name, text in files.items()}
    return read_foreign(named.get)


def kept(found: Foreign, credentials: tuple[Credential, ...]) -> list[str]:
    return sorted(
        f"{o.location.path}" for c in apply_ignores(credentials, Ignores(foreign=found)).kept for o in c.occurrences
    )


FIXTURES = {"src/a.py": f"k = '{ONE}'\n", "tests/b.py": f"k = '{TWO}'\n", "vendor/x/y.go": f'k := "{ONE}"\n'}


@pytest.mark.parametrize(
    ("allowlist", "left"),
    [
        ("paths = ['^tests/', '(^|/)vendor/.*$']", ["src/a.py"]),
        (r"paths = ['''(?i)\.PY$''']", ["vendor/x/y.go"]),
        (f"regexes = ['''^{ONE[:9]}''']", ["tests/b.py"]),
        (f"stopwords = ['{TWO[8:20].upper()}']", ["src/a.py", "vendor/x/y.go"]),
        ("stopwords = ['']\npaths = ['']\nregexes = ['a*']", sorted(FIXTURES)),
        (f"condition = 'AND'\npaths = ['^src/']\nregexes = ['{ONE[:9]}']", ["tests/b.py", "vendor/x/y.go"]),
        (f"condition = 'AND'\npaths = ['^src/', '(a+)+$']\nregexes = ['{ONE[:9]}']", ["tests/b.py", "vendor/x/y.go"]),
        ("condition = 'AND'\npaths = ['(a+)+$']\nstopwords = ['acme']", sorted(FIXTURES)),
        ("regexTarget = 'line'\nregexes = ['k']", sorted(FIXTURES)),
        ("regexTarget = 'match'\nregexes = ['^acme_']", []),
        (f"commits = ['{COMMIT}']", sorted(FIXTURES)),
    ],
)
@pytest.mark.parametrize("heading", ["[allowlist]", "[[allowlists]]"])
def test_an_allowlist_hides_what_it_hides_there(heading: str, allowlist: str, left: list[str]) -> None:
    assert kept(foreign(gitleaks_toml=f"{heading}\n{allowlist}\n"), scanned(FIXTURES)) == left


def test_an_allowed_commit_hides_what_that_commit_added() -> None:
    found = foreign(gitleaks_toml=f"[allowlist]\ncommits = ['{COMMIT}']\n")
    assert kept(found, scanned(FIXTURES, Place.HISTORY, commit=COMMIT)) == []
    assert kept(found, scanned(FIXTURES, Place.HISTORY, commit="cd" * 20)) == sorted(FIXTURES)


def test_what_is_hidden_is_listed_with_the_tool_and_the_file() -> None:
    found = foreign(betterleaks_toml="[allowlist]\npaths = ['^tests/']\n")
    (row,) = apply_ignores(scanned(FIXTURES), Ignores(foreign=found)).ignored
    assert (row.reason, row.where, row.note) == ("betterleaks", ".betterleaks.toml", "found in tests/b.py:1")


def test_a_rule_of_the_file_finds_what_it_describes() -> None:
    found = foreign(
        gitleaks_toml="""
        [[rules]]
        id = "Corp_Token"
        description = "A corp token"
        regex = '''(?i)corp_token\\s*=\\s*["']?(ct-[a-z0-9]{20,})["']?'''
        entropy = 3
        [[rules.allowlists]]
        paths = ["^docs/"]
    """
    )
    (rule,) = found.rules
    assert (rule.id, rule.title, rule.plugin, rule.entropy) == (
        "gitleaks-corp-token",
        "A corp token",
        ".gitleaks.toml",
        3,
    )
    value = "ct-" + key("corp", "").lower()
    text = f"Corp_Token = '{value}'\n"
    (credential,) = scanned({"a.py": text}, rules=(*RULES, rule))
    assert credential.secret.reveal() == value
    assert kept(found, scanned({"docs/a.md": text, "src/a.py": text}, rules=(*RULES, rule))) == ["src/a.py"]
    assert kept(found, scanned({"docs/a.md": f"k = '{ONE}'\n"})) == ["docs/a.md"], "the allowlist is that rule's own"


def test_a_rule_that_the_prefilter_refuses_is_left_out_and_named() -> None:
    text = "".join(
        f"[[rules]]\nid = '{name}'\nregex = '{regex}'\n"
        for name, regex in (("good", "corp-[0-9]{12}"), ("bad", "abc(?:^|x)def"))
    )
    found = foreign(gitleaks_toml=text)
    assert [rule.id for rule in found.rules] == ["gitleaks-good", "gitleaks-bad"]
    rules, notes = prefiltered(found.rules)
    assert [rule.id for rule in rules] == ["gitleaks-good"]
    assert len(notes) == 1
    assert "gitleaks-bad" in notes[0]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("id = 'r'\nregex = '(a+)+b'", "backtrack"),
        ("id = 'r'\nregex = '.*.*.*x'", "very long"),
        ("id = 'r'\nregex = 'x(?=y)'", "not a regular expression"),
        ("id = 'r'\nregex = 'a*'", "empty"),
        ("id = 'r'\nregex = '[a'", "close a set"),
        ("id = 'r'\nregex = 'é'", "ASCII"),
        ("id = 'r'\nregex = 5", "wrong type"),
        ("id = 'r'\nregex = 'abc'\nsecretGroup = 3", "secretGroup"),
        ("id = 'r'\nregex = 'abc'\nentropy = 'much'", "wrong type"),
        ("id = '---'\nregex = 'abc'", "no id of its own"),
        ("id = 'r'\nregex = 'abc'\npath = 'x'", "limited to paths"),
        ("id = 'r'\npath = 'id_rsa$'", "file names"),
        ("id = 'r'\nregex = 'abc'\n[[rules.required]]\nid = 'x'", "composed"),
        ("id = 'generic-api-key'\n[[rules.allowlists]]\npaths = ['x']", "belongs to a rule that is not used"),
    ],
)
def test_a_rule_that_cannot_be_carried_over_is_named_with_the_reason(table: str, why: str) -> None:
    found = foreign(gitleaks_toml=f"[[rules]]\n{table}\n")
    assert found.rules == ()
    (note,) = found.notes
    assert note.startswith(".gitleaks.toml: ")
    assert why in note
    assert "rule " in note


def test_what_else_is_left_out_is_said() -> None:
    text = "filter = 'true'\n[extend]\nuseDefault = true\npath = '/etc/passwd'\ndisabledRules = ['x']\n"
    notes = "\n".join(foreign(betterleaks_toml=text).notes)
    for word in ("`filter`", "extend.path", "extend.disabledrules"):
        assert word in notes


def test_fingerprints_hide_their_place_and_one_with_a_commit_only_that_commit() -> None:
    found = foreign(gitleaksignore=f"# comment\n\ntests/b.py:generic:1\n{COMMIT}:src/a.py:generic:1\nnonsense\n")
    assert found.notes == (".gitleaksignore, line 5: not a fingerprint, so it is not used",)
    assert kept(found, scanned(FIXTURES)) == ["src/a.py", "vendor/x/y.go"]
    assert kept(found, scanned({"src/a.py": f"k = '{ONE}'\n"}, Place.HISTORY, commit=COMMIT)) == []
    (row,) = apply_ignores(scanned({"tests/b.py": f"k = '{TWO}'\n"}), Ignores(foreign=found)).ignored
    assert (row.reason, row.where) == ("gitleaks", ".gitleaksignore:3")


def test_a_hash_hides_its_value_in_its_file_and_nothing_else() -> None:
    entry = {"hashed_secret": hashlib.sha1(ONE.encode()).hexdigest(), "line_number": 99, "is_secret": True}
    found = foreign(secrets_baseline=json.dumps({"results": {"src/a.py": [entry]}}, indent=2))
    files = {"src/a.py": f"\n\nk = '{ONE}'\nj = '{TWO}'\n", "b.py": f"k = '{ONE}'\n"}
    assert kept(found, scanned(files)) == ["b.py", "src/a.py"]
    (row,) = apply_ignores(scanned(files), Ignores(foreign=found)).ignored
    assert (row.id, row.reason, row.where) == (id_of(ONE), "detect-secrets", ".secrets.baseline:5")
    assert row.note == "audited as a real secret; found in src/a.py:3"


@pytest.mark.parametrize(
    "files",
    [
        {"gitleaks_toml": "[[rules"},
        {"gitleaks_toml": "rules = 5\nallowlist = 'x'\nallowlists = [1]\nextend = []\n"},
        {"gitleaks_toml": "a = " + "[" * 5000},
        {"gitleaks_toml": "a.b" * 400_000},
        {"gitleaks_toml": "[[rules]]\nid = 5\nregex = []\nallowlists = [[1], 'x']\n"},
        {"secrets_baseline": "{"},
        {"secrets_baseline": '{"results": []}'},
        {"secrets_baseline": '{"results": {"a": [{"hashed_secret": 5}]}}'},
        {"secrets_baseline": '{"plugins_used": [{"name": "X", "path": "file://x.py"}], "results": {}}'},
        {"gitleaksignore": "\x00\n:::\n" + ":" * 10_000},
    ],
)
def test_a_broken_file_hides_nothing_and_stops_nothing(files: Mapping[str, str]) -> None:
    assert kept(foreign(**files), scanned(FIXTURES)) == sorted(FIXTURES)


def test_a_file_full_of_nonsense_does_not_bury_the_report() -> None:
    notes = foreign(gitleaksignore="nonsense\n" * 100_000).notes
    assert len(notes) < 40
    assert "99,970 more" in notes[-1]


@given(st.sampled_from(FILES), st.binary(max_size=200) | st.text("[]{}\"'=:#abr\n.*+\\", max_size=80).map(str.encode))
def test_any_bytes_are_read(file: str, data: bytes) -> None:
    found = read_foreign({file: data}.get)
    assert isinstance(foreign_keys(data, file), frozenset)
    assert len(found.rules) <= 500


def test_a_plugin_that_a_detect_secrets_baseline_names_is_not_run(tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(flag)!r}, 'w')\n")
    plugins = [{"name": "Evil", "path": f"file://{tmp_path}/evil.py"}]
    (tmp_path / ".secrets.baseline").write_text(json.dumps({"plugins_used": plugins, "results": {}}))
    load_ignores(Config(root=tmp_path), tmp_path)
    assert not flag.exists()


def test_a_link_in_place_of_a_file_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("[allowlist]\npaths = ['.']\n")
    (tmp_path / ".gitleaks.toml").symlink_to(tmp_path / "real")
    (tmp_path / ".gitleaksignore").mkdir()
    found = read_foreign(on_disk(tmp_path))
    assert found.allows == ()
    assert [note.split(" ", 1)[0] for note in found.notes] == [".gitleaks.toml", ".gitleaksignore"]
    with pytest.raises(ConfigError):
        on_disk(tmp_path)(".gitleaksignore")


def test_expressions_of_a_hostile_file_get_little_time() -> None:
    slow = ["^(?:a|aa){0,12}$", "[a-z]{0,100}[a-z]{0,100}x$", "(.*)(.*)%"]
    found = foreign(gitleaks_toml=f"[allowlist]\nregexes = {json.dumps(slow * 200)}\npaths = {json.dumps(slow)}\n")
    value = key("slow", "acme_")
    files = {f"{'a' * 200}/{'b' * 200}/{number}.py": f"k = '{value}'\n" for number in range(300)}
    credentials = scanned(files)
    began = time.perf_counter()
    result = apply_ignores(credentials, Ignores(foreign=found))
    assert time.perf_counter() - began < 6
    assert len(result.kept) == 1


def test_when_the_time_is_up_nothing_more_is_hidden_and_it_is_said() -> None:
    found = foreign(gitleaks_toml="[allowlist]\npaths = ['^src/', '^tests/']\n")
    (occurrence,) = scanned({"tests/b.py": f"k = '{TWO}'\n"})[0].occurrences
    search = TimedSearch(seconds=0)
    assert hidden_by(found, occurrence, search) is None
    assert search.gave_up


def test_a_path_too_long_for_expressions_is_never_hidden_by_one() -> None:
    found = foreign(gitleaks_toml="[allowlist]\npaths = ['^src/']\n")
    assert len(kept(found, scanned({"src/" + "d/" * 400 + "a.py": f"k = '{ONE}'\n"}))) == 1
