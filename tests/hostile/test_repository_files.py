"""What a repository says about how to scan it is a request of a stranger."""

import time
from pathlib import Path

import pytest

from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine

FORBIDDEN = {
    "without_plugins": "without_plugins: [openai, anthropic, google]\n",
    "jobs": "jobs: 200\n",
    "verbosity": "verbosity: -1\n",
    "verify": "verify: true\n",
    "hosts": "hosts: [evil.invalid]\n",
    "stores": "stores:\n  vault: https://evil.invalid\n",
    "plugins": "plugins: [./evil.py]\n",
    "command": "command: touch pwned\n",
    "rules": "rules: [../../outside.yaml]\n",
    "baseline": "baseline: /etc/hosts\n",
}
NOT_PLAIN_YAML = {
    "aliases": "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nignore: {paths: *c}\n",
    "a tag": "ignore: !!python/object/apply:os.system ['touch pwned']\n",
    "nesting": "ignore: " + "[" * 5000 + "]" * 5000 + "\n",
    "binary": "\x00\x01\x02",
    "a key twice": "fail_on: low\nfail_on: live\n",
    "a list": "- fail_on\n",
    "a word": "fail_on: whatever\n",
    "too large": "# " + "x" * 2_000_000 + "\n",
}


@pytest.mark.parametrize("key", FORBIDDEN)
def test_a_repository_may_not_configure_what_belongs_to_the_operator(
    hostile: Hostile, command_line: CommandLine, key: str
) -> None:
    (hostile.path / ".secretguard.yaml").write_text(FORBIDDEN[key])
    refused(hostile, command_line, key)


@pytest.mark.parametrize("kind", NOT_PLAIN_YAML)
def test_a_configuration_that_is_a_weapon_is_refused(hostile: Hostile, command_line: CommandLine, kind: str) -> None:
    (hostile.path / ".secretguard.yaml").write_text(NOT_PLAIN_YAML[kind])
    started = time.monotonic()
    refused(hostile, command_line, ".secretguard.yaml")
    assert time.monotonic() - started < 20
    assert not (hostile.path / "pwned").exists()


def refused(hostile: Hostile, command_line: CommandLine, word: str) -> None:
    """The scan stops with a message and a hint, and goes on without the repository's word."""
    done = command_line.run("scan", "--history", cwd=hostile.path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 2000
    assert command_line.run("--no-repo-config", "scan", "--history", cwd=hostile.path).returncode == 1


def test_a_repository_cannot_hide_a_key_without_a_word(hostile: Hostile, command_line: CommandLine) -> None:
    """It may ignore paths, but what is ignored stays in the report with its reason."""
    hostile.builder.write(".secretguard.yaml", "ignore:\n  paths: ['**']\nfail_on: critical\n").commit("Hide")
    report = command_line.scan("--history", cwd=hostile.path, code=0)
    assert report["credentials"] == []
    assert {one["reason"] for one in report["ignored"]} == {"path"}
    assert sum(one["occurrences"] for one in report["ignored"]) == 2
    since = command_line.scan("--since", "HEAD~2", cwd=hostile.path, code=0)
    assert any("added" in one["what"] or "adds" in one["what"] for one in since["notes"])


@pytest.mark.parametrize(
    "rule",
    [
        "[[rules]]\nid = 'slow'\nregex = '''(a+)+$'''\n",
        "[[rules]]\nid = 'slow'\nregex = '''(?:(?:a|aa)+)+!'''\nkeywords = ['aaaa']\n",
        "[allowlist]\nregexes = ['''^(a+)+$''', '''(\\w+\\s?)*$''']\n",
        "[allowlist]\nregexTarget = 'line'\nregexes = ['''(.*a){25}''']\n",
        "[allowlist]\npaths = ['''(([a-z])+.)+[A-Z]([a-z])+$''']\n",
    ],
)
def test_expressions_of_other_tools_cannot_stop_a_scan(hostile: Hostile, command_line: CommandLine, rule: str) -> None:
    long_line = "a" * 5000 + "!"
    hostile.builder.write("long.txt", f"{long_line}\nKEY={hostile.key.secret} {'a' * 3000}!\n")
    hostile.builder.write("a" * 120 + "/settings.env", f"KEY={hostile.key.secret}\n").commit("Long")
    (hostile.path / ".gitleaks.toml").write_text(f"title = 'x'\n{rule}")
    started = time.monotonic()
    done = command_line.run("scan", "--history", cwd=hostile.path)
    assert time.monotonic() - started < 20
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert command_line.run("--no-repo-config", "scan", cwd=hostile.path).returncode == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".gitleaks.toml", "[[rules]\n"),
        (".gitleaks.toml", "x = " + "[" * 3000 + "]" * 3000),
        (".gitleaksignore", "\x00\xff\n" * 1000),
        (".secrets.baseline", '{"results": {"a": [{"hashed_secret": 4}]}}'),
        (".secrets.baseline", "[" * 100_000),
        (".secretguard-baseline.json", "{" * 100_000),
        (".secretguard-baseline.json", '{"schema": "secretguard.baseline/1", "credentials": {"sg_zz": null}}'),
    ],
)
def test_a_broken_ignore_file_is_a_message_not_a_crash(
    hostile: Hostile, command_line: CommandLine, name: str, content: str
) -> None:
    (hostile.path / name).write_text(content)
    done = command_line.run("scan", cwd=hostile.path)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert name in done.stdout + done.stderr


RULE = "vendor: X\nrules:\n  - id: slow\n    kind: slow\n    title: Slow\n    severity: low\n    pattern: '{pattern}'\n"


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(?:a{1,64}){1,64}b", "backtrack"),
        ("(?:[a-z]{1,20}[a-z0-9]{0,20}){1,20}!", "backtrack"),
        ("key=[a-z]+", "unbounded"),
        ("key=[^x]{1,40}", "line"),
        ("key=(?=x)x", "look-around"),
        ("(a)\\1", "back reference"),
        ("key=(", "not a regular expression"),
        ("key=[a-z]{1,900000}", "limit"),
    ],
)
def test_a_rule_that_would_backtrack_or_cross_lines_is_refused(
    hostile: Hostile, command_line: CommandLine, tmp_path: Path, pattern: str, word: str
) -> None:
    (tmp_path / "slow.yaml").write_text(RULE.format(pattern=pattern))
    done = command_line.run("scan", "--rules", tmp_path / "slow.yaml", cwd=hostile.path)
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error: ")
    assert word in done.stderr
    assert "slow" in done.stderr
