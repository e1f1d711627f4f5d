"""Every vendor folder is a complete distribution, the one wheel bundles it, and every kind of credential has a rule."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from secretguard.examples import fill
from secretguard.model import Rule
from secretguard.plugins import GROUPS, RULES
from secretguard.rules import load_rules
from secretguard.testing.rules import find_with
from tests.house.source import PLUGINS, ROOT, project, tree_of

KINDS = {
    "AI": """
        openai-legacy openai-project openai-svcacct openai-admin anthropic-api anthropic-admin anthropic-enterprise-api01
        anthropic-oauth google-api-key google-gemini-auth-key deepseek together xai perplexity mistral groq cohere huggingface
        replicate openrouter fireworks azure-openai aws-bedrock-long aws-bedrock-short cerebras elevenlabs stability voyage jina
        assemblyai langsmith pinecone weaviate databricks nvidia-nim ai21 anyscale deepgram moonshot zhipu dashscope minimax
        tavily langfuse wandb clerk vercel-ai-gateway ollama runpod cursor upstage meta-llama exa firecrawl
    """,
    "connections": """
        postgres-uri postgres-jdbc libpq-kv mysql-uri mongodb-uri redis-uri amqp-uri mssql odbc-generic oracle clickhouse
        cassandra elasticsearch snowflake nats mqtt kafka-sasl smtp sentry-dsn azure-conn generic-url-cred
    """,
    "general": """
        aws-access-key github-tokens github-oauth-app gitlab-tokens slack stripe twilio sendgrid npm pypi gcp-service-account
        private-key jwt vault terraform-cloud doppler cloudflare digitalocean datadog newrelic grafana telegram discord
        meta-facebook reddit flickr render vercel netlify supabase railway flyio heroku kong consul rabbitmq-default
        sentry-token neon-api planetscale mongodb-atlas-sa azure-client-secret shopify linear notion postman atlassian
    """,
}
"""The kinds of credential that are documented, by what they are for."""

VENDORS = [folder for folder in PLUGINS if folder.name != "languages"]
"""Those that know what a vendor's credentials look like; `languages` knows files."""
FIXED = 4
"""A value whose length differs by no more than this has a fixed shape."""


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule in the source tree, whatever is installed."""
    files = [file for folder in PLUGINS for file in sorted(folder.glob("secretguard_*/**/*.yaml"))]
    return tuple(rule for file in files for rule in load_rules(file.read_text("utf-8"), file.parents[1].name))


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_folder_is_a_complete_distribution(folder: Path) -> None:
    package = f"secretguard_{folder.name}"
    root, own = project(ROOT), project(folder)
    assert own["name"] == f"secretguard-{folder.name}"
    assert re.fullmatch(r"secretguard(\[[a-z,]+\])?", " ".join(own["dependencies"]))
    assert own["description"]
    assert own["readme"] == "README.md"
    points = own["entry-points"]
    assert set(points) <= set(GROUPS)
    assert points
    if folder in VENDORS:
        assert points[RULES] == {folder.name: package}
        assert list((folder / package).glob("*.yaml"))
    assert [where for group in points.values() for where in group.values() if where.split(".")[0] != package] == []
    assert (own["requires-python"], own["license"]) == (root["requires-python"], root["license"])
    assert packages_of(folder) == {package}
    assert (folder / package / "py.typed").is_file()
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {own['name']}\n")


@pytest.mark.parametrize("folder", VENDORS, ids=lambda folder: folder.name)
def test_a_folder_runs_the_contract(folder: Path) -> None:
    """The class is called Test…, or pytest passes it over."""
    classes = [
        (node, ast.unparse(base))
        for path in folder.glob("tests/test_*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]
    contracts = [node for node, base in classes if base.rpartition(".")[2] == "RulesPluginContract"]
    assert [node.name for node in contracts if node.name.startswith("Test")]
    assert f"plugin = secretguard_{folder.name}" in [ast.unparse(line) for node in contracts for line in node.body]


def packages_of(folder: Path) -> set[str]:
    """The packages that the folder's own pyproject.toml installs with their data."""
    table = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    data = table["package-data"]
    for package in table["packages"]:
        wanted = {"*.yaml", "py.typed"} if folder in VENDORS else {"py.typed"}
        assert wanted <= set(data.get(package, data.get("*", ())))
    return set(table["packages"])


def bundle() -> dict[str, Any]:
    """What setup.py would bundle, without running setup()."""
    body = [
        node
        for node in tree_of(ROOT / "setup.py").body
        if not isinstance(node, ast.Expr) and "setuptools" not in ast.unparse(node)
    ]
    module = compile(ast.Module(body, []), "setup.py", "exec")
    names: dict[str, Any] = {
        "__file__": str(ROOT / "setup.py"),
        "find_packages": lambda include: [],
        "Extension": object,
    }
    exec(module, names)
    found: dict[str, Any] = names["bundle"]()
    return found


def test_the_one_wheel_bundles_every_folder() -> None:
    bundled = bundle()
    assert sorted(bundled["entry_points"][RULES]) == [f"{one.name} = secretguard_{one.name}" for one in VENDORS]
    assert set(bundled["packages"]) >= {f"secretguard_{one.name}" for one in PLUGINS}
    for folder in PLUGINS:
        assert (
            bundled["package_dir"][f"secretguard_{folder.name}"] == f"plugins/{folder.name}/secretguard_{folder.name}"
        )


def test_rule_ids_are_unique() -> None:
    assert [name for name, times in Counter(rule.id for rule in rules()).items() if times > 1] == []


def test_the_kinds_are_all_there_are() -> None:
    assert [len(kinds.split()) for kinds in KINDS.values()] == [54, 21, 46]
    assert len(set(" ".join(KINDS.values()).split())) == 121


@pytest.mark.parametrize("group", KINDS)
def test_every_kind_has_a_rule(group: str) -> None:
    assert sorted(set(KINDS[group].split()) - {rule.kind for rule in rules()}) == []


def test_every_rule_has_examples_and_near_misses() -> None:
    few = {rule.id for rule in rules() if len(set(rule.examples)) < 2 or len(set(rule.counter_examples)) < 2}
    assert sorted(few) == []


def test_every_rule_of_a_fixed_shape_has_a_near_miss_of_the_same_length() -> None:
    assert [
        rule.id for rule in rules() if has_fixed_shape(rule) and not lengths_found(rule) & lengths_missed(rule)
    ] == []


def has_fixed_shape(rule: Rule) -> bool:
    lengths = lengths_found(rule) if rule.form == "token" else {0}
    return max(lengths) - min(lengths) <= FIXED and rule.form == "token"


def lengths_found(rule: Rule) -> set[int]:
    """How long what the rule matches in its examples is."""
    found = (find_with((rule,), fill(example, seed=1), without_prefilter=True) for example in rule.examples)
    return {len(match.text.reveal()) for matches in found for match in matches}


def lengths_missed(rule: Rule) -> set[int]:
    """How long the words in its counter-examples are."""
    return {len(word) for counter in rule.counter_examples for word in words(fill(counter, seed=1))}


def words(text: str) -> Iterator[str]:
    """Everything in a text that could be a value: with and without the name before it."""
    for word in re.split(r"[\s\"'`,;()<>]+", text):
        yield word
        yield from re.split(r"[:@=]+", word)
        yield re.sub(r"^[A-Za-z_][\w.-]*?[:=]", "", word)


def test_no_example_holds_a_literal_key() -> None:
    """A slot stands where the random part of a value is, so that push protection stays quiet on this repository."""
    without = [
        rule.id
        for rule in rules()
        for example in rule.examples
        if rule.machine_made and not re.search(r"\{\{", example)
    ]
    assert without == []
