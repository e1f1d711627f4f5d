"""The commands that explain: rules, plugins, config, doctor."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.config import KEYS
from secretguard.plugins import installed_rules
from tests.cli.conftest import Run

Git = Callable[..., str]
GOOD_RULE = """
vendor: Acme
rules:
  - id: acme-api-key
    kind: acme
    title: Acme API key
    severity: high
    pattern: 'acme_[A-Za-z0-9]{40}'
    anchors: ['acme_']
    machine_made: true
    examples: ['ACME_API_KEY=acme_{{alnum:40}}']
    counter_examples: ['ACME_API_KEY=acme_{{alnum:39}}']
"""


def test_every_rule_is_listed(run: Run) -> None:
    done = run("rules", "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    rules = installed_rules().rules
    assert lines[0].split() == ["RULE", "KIND", "SEVERITY", "VENDOR", "TITLE"]
    assert [line.split()[0] for line in lines[1:-1]] == sorted(rule.id for rule in rules)
    assert lines[-1].startswith(f"{len(rules):,} rules for ")
    assert len(json.loads(run("rules", "list", "--format", "json").stdout)) == len(rules)


def test_a_rule_is_shown_with_every_field(run: Run) -> None:
    done = run("rules", "show", "postgres-uri")
    assert done.returncode == 0
    for field in ("id", "kind", "vendor", "severity", "pattern", "prefilters", "examples", "counter_examples"):
        assert f"\n{field} " in f"\n{done.stdout}"
    assert json.loads(run("rules", "show", "postgres-uri", "--format", "json").stdout)["family"] == "postgres"


def test_a_rule_file_of_ones_own_is_listed_and_tested(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(GOOD_RULE)
    assert "acme-api-key" in run("rules", "list", "--rules", path).stdout
    done = run("rules", "test", path)
    assert (done.returncode, done.stdout) == (0, "1 rule, 2 examples: all as they should be.\n")


def test_a_rule_that_does_not_keep_its_promises_is_told_off(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(GOOD_RULE.replace("{{alnum:39}}", "{{alnum:40}}").replace("KEY=acme_{{alnum:40}}'", "KEY=x'", 1))
    done = run("rules", "test", path)
    assert done.returncode == 1
    assert "acme-api-key finds 0 matches in its example" in done.stdout
    assert "acme-api-key matches its counter-example" in done.stdout
    assert "2 problems." in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("{40}'", "+'"), "unbounded repeat"),
        (("severity: high", "severity: huge"), "severity is one of"),
        (("vendor: Acme", "vendor: [Acme"), "not YAML"),
    ],
)
def test_a_rule_file_that_is_refused_says_why(run: Run, tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(GOOD_RULE.replace(*change, 1))
    for line in (("rules", "test", path), ("rules", "list", "--rules", path), ("scan", ".", "--rules", path)):
        done = run(*line)
        assert done.returncode == 2
        assert words in done.stderr


def test_a_rule_file_that_is_not_there_says_so(run: Run) -> None:
    done = run("rules", "test", "none.yaml")
    assert done.returncode == 2
    assert "none.yaml cannot be read: No such file or directory" in done.stderr


def test_plugins_are_listed_with_their_health(run: Run) -> None:
    done = run("plugins")
    assert done.returncode == 0
    assert done.stdout.split()[:5] == ["GROUP", "NAME", "DISTRIBUTION", "VERSION", "HEALTH"]
    rows = json.loads(run("plugins", "--format", "json").stdout)
    assert {"text", "json", "jsonl", "sarif", "postgres"} <= {row["name"] for row in rows}
    assert {row["problem"] for row in rows} == {""}


@pytest.mark.parametrize("name", ["postgres", "json", "text", "local"])
def test_a_plugin_that_keeps_its_contract(run: Run, name: str) -> None:
    done = run("plugins", "check", name)
    assert done.returncode == 0, done.stdout
    assert "it keeps its contract" in done.stdout


@pytest.fixture
def third_party(tmp_path: Path, environment: dict[str, str]) -> Callable[[str, str], dict[str, str]]:
    def make(points: str, module: str) -> dict[str, str]:
        info = tmp_path / "site" / "acme_secrets-2.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-secrets\nVersion: 2.0\n")
        (info / "entry_points.txt").write_text(points)
        (tmp_path / "site" / "acme_secrets.py").write_text(module)
        return {"PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(tmp_path / "site")])}

    return make


def test_a_plugin_that_does_not_load_is_named_with_its_distribution(
    run: Run, third_party: Callable[[str, str], dict[str, str]]
) -> None:
    environ = third_party("[secretguard.rules]\nacme = acme_secrets\n", "import no_such_module_here\n")
    done = run("plugins", environ=environ)
    assert done.returncode == 3
    assert "acme-secrets" in done.stdout
    for line in (("plugins", "check", "acme"), ("scan", ".")):
        done = run(*line, environ=environ)
        assert done.returncode == 3
        assert "plugin 'acme' of acme-secrets does not load" in done.stderr
    assert run("scan", ".", "--without-plugin", "acme", environ=environ).returncode == 0
    assert run("doctor", environ=environ).returncode == 3


@pytest.mark.parametrize(
    ("group", "module", "words"),
    [
        ("rules", "x = 1\n", "has no function rules()"),
        ("rules", "def rules():\n    return []\n", "has no rules"),
        ("reporters", "x = 1\n", "has no function write()"),
        ("reporters", "def write(report):\n    pass\n", "is not write(report, out, *, show_secrets)"),
        ("stores", "x = 1\n", "has no function destroy_leaked()"),
        ("stores", "def read(reference):\n    pass\n", "read() is not read(reference, context)"),
        ("rotators", "families = 'postgres'\n", "has no families"),
    ],
)
def test_a_plugin_without_its_functions_breaks_its_contract(
    run: Run, third_party: Callable[[str, str], dict[str, str]], group: str, module: str, words: str
) -> None:
    done = run("plugins", "check", "acme", environ=third_party(f"[secretguard.{group}]\nacme = acme_secrets\n", module))
    assert done.returncode == 1
    assert words in done.stdout


def test_config_prints_each_value_with_its_layer(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".secretguard.yaml").write_text("fail_on: high\nignore: {paths: [docs/**]}\n")
    user = tmp_path / "home" / ".config" / "secretguard"
    user.mkdir(parents=True)
    (user / "config.yaml").write_text("jobs: 2\nignore: {paths: ['*.lock']}\n")
    done = run("config", environ={"SECRETGUARD_FORMAT": "json"})
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["fail_on", "high", "repository", ".secretguard.yaml"] in rows
    assert ["format", "json", "environment", "SECRETGUARD_FORMAT"] in rows
    assert ["jobs", "2", "user", str(user / "config.yaml")] in rows
    assert ["ignore.paths", "*.lock", "user", str(user / "config.yaml")] in rows
    assert ["ignore.paths", "docs/**", "repository", ".secretguard.yaml"] in rows
    assert ["baseline", "-", "default"] in rows
    assert {row["key"] for row in json.loads(run("config", "--format", "json").stdout)} == set(KEYS)


def test_doctor_looks_at_everything_a_scan_needs(run: Run, tmp_path: Path, git: Git) -> None:
    git("init", "-q", tmp_path / "repo")
    done = run("doctor", cwd=tmp_path / "repo")
    assert done.returncode == 0, done.stdout
    for name in ("secretguard", "python", "git", "configuration", "plugins", "rules", "cache", "state", "hook"):
        assert f"ok   {name} " in done.stdout
    assert "`secretguard hook install` does it" in done.stdout
    run("hook", "install", cwd=tmp_path / "repo")
    assert "ok   hook          pre-commit\n" in run("doctor", cwd=tmp_path / "repo").stdout


def test_doctor_finds_what_is_wrong(run: Run, tmp_path: Path) -> None:
    state = tmp_path / "home" / ".local" / "state" / "secretguard"
    state.mkdir(parents=True, mode=0o755)
    (tmp_path / ".secretguard.yaml").write_text("fail-on: low\n")
    done = run("doctor")
    assert done.returncode == 3
    assert "BAD  state" in done.stdout
    assert "BAD  configuration .secretguard.yaml: unknown key `fail-on`" in done.stdout
    git_missing = run("doctor", environ={"PATH": str(tmp_path)})
    assert "BAD  git           git is not installed" in git_missing.stdout
