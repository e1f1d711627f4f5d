"""The set-up examples of docs/run.md can be parsed, and say what the program knows."""

import configparser
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.house.source import DOCS, ROOT

TEXT = (DOCS / "run.md").read_text("utf-8")
VARIABLE = re.compile(r"\b(?:VAULT|BAO|AWS)_[A-Z_]+\b")
OF_PLATFORMS = {"VAULT_ID_TOKEN", "AWS_ID_TOKEN"}
"""Which the example itself makes."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def documents() -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in blocks("yaml")]


def scripts() -> list[str]:
    """Every piece of shell that a platform would run."""
    github, gitlab = documents()[2:]
    steps = [step["run"] for step in github["jobs"]["deploy"]["steps"] if "run" in step]
    return [*blocks("sh"), *steps, "\n".join(gitlab["deploy"]["script"])]


def test_there_is_one_for_each_platform() -> None:
    compose, pod, github, gitlab = documents()
    assert "orders" in compose["services"]
    assert pod["kind"] == "Pod"
    assert github["permissions"]["id-token"] == "write"
    assert set(gitlab["deploy"]["id_tokens"]) == {"VAULT_ID_TOKEN", "AWS_ID_TOKEN"}
    unit = configparser.RawConfigParser(strict=False)
    unit.read_string(blocks("ini")[0])
    assert unit["Service"]["ExecStart"].startswith("/opt/orders/bin/secretguard run ")
    assert "ENTRYPOINT" in blocks("dockerfile")[0]


@pytest.mark.parametrize("number", range(len(scripts())))
def test_every_script_is_a_script(number: int) -> None:
    done = subprocess.run(["bash", "-n"], input=scripts()[number], text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_that_are_lists_begin_with_ours_and_end_where_the_other_begins() -> None:
    pod = documents()[1]["spec"]["containers"][0]
    entry = yaml.safe_load(re.findall(r"^ENTRYPOINT (.*)$", TEXT, re.MULTILINE)[0])
    for line in (pod["command"], entry):
        assert (line[:2], line[-1]) == (["secretguard", "run"], "--")


def test_every_variable_is_one_that_a_store_reads() -> None:
    read = "".join(path.read_text("utf-8") for path in ROOT.glob("plugins/*/README.md"))
    botocore = {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}
    named = set().union(*map(set, map(VARIABLE.findall, (*blocks("yaml"), *blocks("ini")))))
    assert [name for name in named - OF_PLATFORMS - botocore if name not in read] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_one(tmp_path: Any) -> None:
    unit = blocks("ini")[0].replace("/opt/orders/bin/secretguard", shutil.which("true") or "")
    (tmp_path / "orders.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "orders.service"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert "Unknown" not in done.stderr
