"""What is hidden is hidden by value, is listed with its reason, and never takes another credential with it."""

from pathlib import Path

import pytest

from secretguard.config import Config, load_config
from secretguard.errors import ConfigError
from secretguard.model import Place
from secretguard.scan.baseline import DEFAULT_FILE, entry_for, write_baseline
from secretguard.scan.credentials import group
from secretguard.scan.ignore import Outcome, apply_ignores, load_ignores
from tests.scan.planted import id_of, key, occurrences, scanned

OLD, NEW = key("old"), key("new")


def config(root: Path, **text: str) -> Config:
    for name, body in text.items():
        (root / {"yaml": ".secretguard.yaml", "toml": "pyproject.toml"}[name]).write_text(body)
    return load_config(root, environ={"HOME": str(root / "nowhere")})


def outcome(root: Path, files: dict[str, str], **text: str) -> Outcome:
    return apply_ignores(scanned(files), load_ignores(config(root, **text), root))


def ids(result: Outcome) -> list[str]:
    return sorted(credential.id for credential in result.kept)


def reasons(result: Outcome) -> list[tuple[str, str, str, int]]:
    return [(row.id, row.reason, row.where, row.occurrences) for row in result.ignored]


def test_without_ignores_everything_is_reported(tmp_path: Path) -> None:
    result = outcome(tmp_path, {"a.py": f"k = '{OLD}'\n", "b.py": f"k = '{NEW}'\n"})
    assert ids(result) == sorted([id_of(OLD), id_of(NEW)])
    assert result.ignored == ()
    assert result.notes == ()


def test_an_inline_mark_hides_its_credential_and_says_where(tmp_path: Path) -> None:
    result = outcome(tmp_path, {"a.py": f"x = 1\nk = '{OLD}'  # secretguard:allow {id_of(OLD)} a fixture\n"})
    assert ids(result) == []
    assert reasons(result) == [(id_of(OLD), "inline", "a.py:2", 1)]


def test_a_new_secret_on_a_marked_line_still_alarms(tmp_path: Path) -> None:
    result = outcome(tmp_path, {"a.py": f"k = '{NEW}'  # secretguard:allow {id_of(OLD)} a fixture\n"})
    assert ids(result) == [id_of(NEW)]


def test_a_second_secret_beside_a_marked_one_still_alarms(tmp_path: Path) -> None:
    result = outcome(tmp_path, {"a.py": f"k = ['{OLD}', '{NEW}']  # secretguard:allow {id_of(OLD)}\n"})
    assert ids(result) == [id_of(NEW)]


def test_a_present_mark_hides_the_old_versions_of_its_line(tmp_path: Path) -> None:
    before = occurrences({"a.py": f"k = '{OLD}'\n"}, Place.HISTORY, commit="1" * 40)
    today = occurrences({"b.py": f"k = '{OLD}'  # secretguard:allow {id_of(OLD)}\n"})
    result = apply_ignores(group([*before, *today]), load_ignores(config(tmp_path), tmp_path))
    assert ids(result) == []
    assert reasons(result) == [(id_of(OLD), "inline", "b.py:1", 2)]


def test_a_mark_that_stands_only_in_history_hides_only_its_own_place(tmp_path: Path) -> None:
    marked = occurrences({"a.py": f"k = '{OLD}'  # secretguard:allow {id_of(OLD)}\n"}, Place.HISTORY, commit="1" * 40)
    today = occurrences({"a.py": f"k = '{OLD}'\n"})
    result = apply_ignores(group([*marked, *today]), load_ignores(config(tmp_path), tmp_path))
    (kept,) = result.kept
    assert [o.location.source for o in kept.occurrences] == [Place.WORKTREE]


def test_our_bare_mark_hides_nothing_and_says_what_to_write(tmp_path: Path) -> None:
    result = outcome(tmp_path, {"a.py": f"k = '{OLD}'  # secretguard:allow\n"})
    assert ids(result) == [id_of(OLD)]
    assert (
        f"a.py:1: `secretguard:allow` names no credential, so it hides nothing; write `secretguard:allow {id_of(OLD)}`"
        in result.notes
    )


@pytest.mark.parametrize("mark", ["gitleaks:allow", "pragma: allowlist secret", "trufflehog:ignore"])
def test_the_bare_mark_of_another_tool_hides_its_line_only(tmp_path: Path, mark: str) -> None:
    result = outcome(tmp_path, {"a.py": f"k = '{OLD}'  # {mark}\n", "b.py": f"\nk = '{OLD}'\n"})
    (kept,) = result.kept
    assert [o.location.path for o in kept.occurrences] == ["b.py"]
    assert reasons(result) == [(id_of(OLD), "inline", "a.py:1", 1)]


def test_a_path_glob_hides_places_and_the_others_stay(tmp_path: Path) -> None:
    files = {"tests/fixtures/a.env": f"K={OLD}\n", "tests/fixtures/b.env": f"K={OLD}\n", "app/prod.env": f"K={OLD}\n"}
    result = outcome(tmp_path, files, yaml="ignore:\n  paths: ['tests/**']\n")
    (kept,) = result.kept
    assert [o.location.path for o in kept.occurrences] == ["app/prod.env"]
    assert reasons(result) == [(id_of(OLD), "path", "tests/fixtures/a.env:1", 2)]
    assert "tests/**" in result.ignored[0].note
    assert ".secretguard.yaml" in result.ignored[0].note


def test_the_configuration_hides_credentials_and_rules_with_their_reason(tmp_path: Path) -> None:
    other = key("x", "corp_")
    files = {"a.py": f"k = '{OLD}'\n", "b.py": f"k = '{other}'\n", "c.py": f"k = '{NEW}'\n"}
    text = f"ignore:\n  credentials:\n    - {{id: {id_of(OLD)}, reason: dead since May}}\n  rules: [corp-key]\n"
    result = outcome(tmp_path, files, yaml=text)
    assert ids(result) == [id_of(NEW)]
    assert {(row.id, row.reason, row.where, row.note) for row in result.ignored} == {
        (id_of(OLD), "config", ".secretguard.yaml", "dead since May; found in a.py:1"),
        (id_of(other), "config", ".secretguard.yaml", "rule corp-key; found in b.py:1"),
    }


def test_a_glob_that_cannot_be_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.secretguard\.yaml: `ignore\.paths`: a path glob cannot be negated"):
        load_ignores(config(tmp_path, yaml="ignore:\n  paths: ['!keep']\n"), tmp_path)


def test_the_baseline_of_the_repository_counts_and_the_entry_is_named(tmp_path: Path) -> None:
    credentials = scanned({"a.py": f"k = '{OLD}'\n"})
    write_baseline(tmp_path / DEFAULT_FILE, [entry_for(c, "to-rotate", "asked Ada") for c in credentials])
    result = outcome(tmp_path, {"moved/elsewhere.txt": f"\n\n\nsomething = {OLD}\n", "b.py": f"k = '{NEW}'\n"})
    assert ids(result) == [id_of(NEW)]
    assert reasons(result) == [(id_of(OLD), "baseline", f"{DEFAULT_FILE}:2", 1)]
    assert result.ignored[0].note == "to-rotate; asked Ada; found in moved/elsewhere.txt:4"


def test_another_baseline_can_be_named_and_must_then_exist(tmp_path: Path) -> None:
    elsewhere = tmp_path / "out" / "known.json"
    elsewhere.parent.mkdir()
    write_baseline(elsewhere, map(entry_for, scanned({"a": OLD})))
    repository = tmp_path / "repo"
    repository.mkdir()
    result = apply_ignores(scanned({"a": OLD}), load_ignores(config(repository), repository, elsewhere))
    assert [row.where for row in result.ignored] == [f"{elsewhere}:2"]
    with pytest.raises(ConfigError, match="there is no baseline"):
        load_ignores(config(repository), repository, elsewhere.with_name("no.json"))


def test_without_the_repository_configuration_its_files_do_not_count(tmp_path: Path) -> None:
    write_baseline(tmp_path / DEFAULT_FILE, map(entry_for, scanned({"a": OLD})))
    (tmp_path / ".gitleaksignore").write_text("a:acme:1\n")
    bare = config(tmp_path)._replace(root=None)
    assert ids(apply_ignores(scanned({"a": OLD}), load_ignores(bare, tmp_path))) == [id_of(OLD)]


def test_a_baseline_that_is_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    write_baseline(outside, [])
    repository = tmp_path / "repo"
    repository.mkdir()
    (repository / DEFAULT_FILE).symlink_to(outside)
    with pytest.raises(ConfigError, match="symbolic link"):
        load_ignores(config(repository), repository)


def test_a_placeholder_is_listed_and_not_reported(tmp_path: Path) -> None:
    (credential,) = scanned({"README.md": f"k = '{OLD}'\n"})
    example = credential._replace(
        occurrences=tuple(
            o._replace(match=o.match._replace(placeholder="a documented example")) for o in credential.occurrences
        ),
    )
    result = apply_ignores([example], load_ignores(config(tmp_path), tmp_path))
    assert result.kept == ()
    assert [(row.reason, row.where, row.note) for row in result.ignored] == [
        ("placeholder", "README.md:1", "a documented example")
    ]


def test_a_credential_with_one_real_place_stays_whole(tmp_path: Path) -> None:
    (credential,) = scanned({"README.md": f"k = '{OLD}'\n", "prod.env": f"K={OLD}\n"})
    example, real = sorted(credential.occurrences, key=lambda o: o.location.path)
    mixed = credential._replace(occurrences=(example._replace(match=example.match._replace(placeholder="x")), real))
    result = apply_ignores([mixed], load_ignores(config(tmp_path), tmp_path))
    assert [len(one.occurrences) for one in result.kept] == [2]
    hiding = config(tmp_path, yaml=f"ignore: {{paths: [{real.location.path}]}}\n")
    hidden = apply_ignores([mixed], load_ignores(hiding, tmp_path))
    assert hidden.kept == ()
    assert {(row.reason, row.where) for row in hidden.ignored} == {
        ("path", "prod.env:1"),
        ("placeholder", "README.md:1"),
    }


def test_no_value_stands_in_what_is_said_about_it(tmp_path: Path) -> None:
    files = {
        "a.py": f"k = '{OLD}'  # gitleaks:allow\n",
        "t/b.py": f"k = '{NEW}'\n",
        "c.py": f"k = '{NEW}'  # secretguard:allow\n",
    }
    result = outcome(tmp_path, files, yaml="ignore: {paths: [t]}\n")
    assert result.ignored
    assert result.notes
    told = repr((result.ignored, result.notes))
    assert OLD not in told
    assert NEW not in told
