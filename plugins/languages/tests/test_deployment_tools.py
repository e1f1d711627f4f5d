"""What compose, Kubernetes, Terraform, bash and ERB make of files before and after: the same, with the variable set."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.languages.tests.corpus import Case, cases, filled, leaked
from secretguard.reference import parse_reference
from secretguard.rewrite.plan import Rewrite
from secretguard.testing.rewriting import rewritten

CASES = [one for one in cases() if one.after is not None]
KINDS = ("CronJob", "Deployment", "Pod", "StatefulSet")
TERRAFORM = ("a host that is put in at run time", "the default of a variable, and what has the same value")


def _of(source: str) -> list[Case]:
    return [one for one in CASES if one.source == source]


def _after(case: Case) -> tuple[Rewrite, str, dict[str, str]]:
    """Return a case rewritten, its new text, and what the variables have to hold for nothing to change."""
    login, kind, family = leaked(case)
    files = {case.path: case.written(case.before), **case.files}
    rewrite = rewritten(files, login, kind=kind, family=family, store=parse_reference(case.store))
    text = next(one.after for one in rewrite.changes if one.path == case.path)
    return rewrite, (text or b"").decode("utf-8-sig"), _values(rewrite)


def _values(rewrite: Rewrite) -> dict[str, str]:
    values = {}
    for one in rewrite.variables:
        text = one.spelling.text.reveal()
        values[one.variable.name] = base64.b64encode(text.encode()).decode() if one.spelling.encoding else text
    return values


def _run(
    command: list[str], folder: Path, variables: dict[str, str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")} | variables
    return subprocess.run(command, cwd=folder, env=environ, input=text, capture_output=True, text=True, check=False)


def _composed(folder: Path, text: str, variables: dict[str, str]) -> Any:
    (folder / "compose.yaml").write_bytes(text.encode())
    made = _run(["docker-compose", "-f", "compose.yaml", "config"], folder, variables)
    return yaml.safe_load(made.stdout) if made.returncode == 0 else made.stderr


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_compose_makes_the_same_of_it(tmp_path: Path) -> None:
    before, after, values = {}, {}, {}
    for number, case in enumerate(_of("compose")):  # all in one file: each call takes its second
        _, text, own = _after(case)
        for name, value in own.items():
            text = text.replace(f"${{{name}:", f"${{C{number}_{name}:")
            values[f"C{number}_{name}"] = value
        for services, content in ((before, filled(case.before)), (after, text)):
            read = yaml.safe_load(content)["services"]
            services.update({f"c{number}-{name}": service for name, service in read.items()})
    expected = _composed(tmp_path, yaml.safe_dump({"services": before}), {})
    assert set(expected["services"]) == set(before)
    assert _composed(tmp_path, yaml.safe_dump({"services": after}), values) == expected


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_compose_stops_where_the_variable_is_not_set(tmp_path: Path) -> None:
    _, text, _ = _after(_of("compose")[0])
    assert "DATABASE_URL" in _composed(tmp_path, text, {})


def _stack_faults(template: str) -> list[str]:
    lint = pytest.importorskip("cfnlint.api").lint
    found = [one for one in lint(template, regions=["eu-central-1"]) if one.rule.id.startswith("E")]
    # E1051 knows no Globals, which SAM copies into resources before anything is resolved.
    return [str(one) for one in found if not (one.rule.id == "E1051" and one.path[:1] == ["Globals"])]


@pytest.mark.parametrize("case", _of("cloudformation"), ids=str)
def test_cloudformation_takes_the_template(case: Case) -> None:
    assert _stack_faults(filled(case.before)) == []
    assert _stack_faults(_after(case)[1]) == []


def test_a_reference_that_cloudformation_cannot_resolve_would_be_seen() -> None:
    _, text, _ = _after(_of("cloudformation")[0])
    assert _stack_faults(text.replace(":SecretString:", ":Plain:"))


@pytest.mark.parametrize("case", [one for one in _of("kubernetes") if "{{" not in one.before], ids=str)
def test_kubernetes_takes_the_manifest(case: Case) -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    _, text, _ = _after(case)
    for document in yaml.safe_load_all(text):
        if isinstance(document, dict) and document.get("kind") in KINDS and document["spec"]:
            validate(document, "1.31", strict=True)


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
@pytest.mark.parametrize("case", [one for one in _of("terraform") if one.name in TERRAFORM], ids=str)
def test_terraform_reads_the_value_from_its_variable(case: Case, tmp_path: Path) -> None:
    _, text, values = _after(case)
    hosts = "" if "var.host" not in text else 'variable "host" {\n  default = "db"\n}\n'
    (tmp_path / "main.tf").write_text(text + hosts)
    given = {f"TF_VAR_{name.lower()}": value for name, value in values.items()}
    assert _run(["terraform", "init", "-backend=false"], tmp_path, given).returncode == 0
    assert _run(["terraform", "validate"], tmp_path, given).returncode == 0
    said = _run(["terraform", "console"], tmp_path, given, "nonsensitive(local.dsn)\n").stdout.strip()
    expected = filled("⟨dsn⟩") if "var.host" not in text else filled("postgresql://⟨user⟩:⟨password⟩@db/app")
    assert json.loads(said) == expected


SCRIPTS = [
    "printf '%s\\n' ⟨dsn⟩",
    'printf \'%s\\n\' "⟨dsn⟩" "a ⟨password⟩ $HOME"',
    "printf '%s\\n' '⟨dsn⟩' 'a ⟨password⟩ b'",
    'X=⟨dsn⟩ && Y="⟨dsn⟩?x=$HOME" && printf \'%s\\n\' "$X" "$Y"',
    "printf '%s\\n' --password=⟨password⟩ --dsn='⟨dsn⟩'\"q\" 'host=⟨host⟩ user=⟨user⟩ password=⟨password⟩'",
    "printf '%s\\n' postgresql://⟨user⟩:⟨password⟩@\"$HOME\"/app $(echo ⟨dsn⟩)",
    "cat <<END\nurl: ⟨dsn⟩ ⟨password⟩$HOME\nEND",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_the_same(script: str, tmp_path: Path) -> None:
    workflow = {"on": "push", "jobs": {"j": {"runs-on": "ubuntu-latest", "steps": [{"run": filled(script)}]}}}
    login, kind, family = leaked(_of("compose")[0])
    path = ".github/workflows/ci.yml"
    rewrite = rewritten({path: yaml.safe_dump(workflow, width=10_000)}, login, kind=kind, family=family)
    changed = next(one.after for one in rewrite.changes if one.path == path)
    step = yaml.safe_load(changed or b"")["jobs"]["j"]["steps"][0]
    assert login.secret.reveal() not in step["run"]
    assert set(step["env"]) == set(_values(rewrite))
    before = _run(["bash", "-euc", filled(script)], tmp_path, {}).stdout
    after = _run(["bash", "-euc", step["run"]], tmp_path, _values(rewrite))
    assert before
    assert after.stdout == before
    assert _run(["bash", "-euc", step["run"]], tmp_path, {}).stdout != before


@pytest.mark.skipif(not shutil.which("ruby"), reason="ruby is not installed")
def test_rails_reads_the_same_settings(tmp_path: Path) -> None:
    case = next(one for one in _of("settings_in_yaml") if one.name == "Rails")
    _, text, values = _after(case)
    program = "require 'erb'; require 'yaml'; require 'json'; puts YAML.unsafe_load(ERB.new(STDIN.read).result).to_json"
    before = _run(["ruby", "-e", program], tmp_path, {}, filled(case.before)).stdout
    after = _run(["ruby", "-e", program], tmp_path, values, text).stdout
    assert json.loads(before)["production"]["password"] == filled("⟨password⟩")
    assert json.loads(after) == json.loads(before)


YAML_SOURCES = ("compose", "kubernetes", "pipelines", "settings_in_yaml")


@pytest.mark.parametrize("case", [one for one in CASES if one.source in YAML_SOURCES], ids=str)
def test_yamllint_finds_nothing_new(case: Case) -> None:
    linter, config = pytest.importorskip("yamllint.linter"), pytest.importorskip("yamllint.config")
    rules = config.YamlLintConfig("{extends: default, rules: {line-length: disable, document-start: disable}}")

    def problems(text: str) -> list[str]:
        return sorted(str(one.rule) for one in linter.run(text, rules))

    before, after = problems(filled(case.before)), problems(filled(case.after or ""))
    assert [one for one in after if after.count(one) > before.count(one)] == []
