"""The hook is quick because it loads little: a staged commit in which nothing is found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ALLOWED = {
    "click": "the command line",
    "hyperscan": "the prefilter",
    "cython_runtime": "of hyperscan",
    "_cython": "of hyperscan",
}
"""Third-party top-level package -> what it is loaded for."""
UNWANTED = (
    "rich", "detect_secrets", "gibberish_detector", "requests", "urllib3", "git", "yaml", "importlib.metadata",
    "importlib.resources", "email", "asyncio", "ssl", "http", "sqlite3", "tomllib", "logging", "multiprocessing",
    "secretguard.testing", "secretguard.cli.baseline", "secretguard.report.sarif",
)  # fmt: skip
"""What costs time and is needed only when something is found, or by another command."""
PROGRAM = """
import json, sys
before = set(sys.modules)
from secretguard.cli import main
code = main(["scan", "--staged"])
json.dump({"code": code, "modules": sorted(set(sys.modules) - before)}, sys.stderr)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The modules that a scan of a harmless staged file loads, once the rules are compiled."""
    folder = tmp_path_factory.mktemp("startup")
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    repository = folder / "repository"
    repository.mkdir()
    for words in (("init", "-q"), ("add", "--all")):
        (repository / "harmless.py").write_text("print('hello')\n" * 100)
        subprocess.run(["git", *words], cwd=repository, env=environment, check=True)
    for _ in ("compiles the rules", "finds them compiled"):
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM],
            cwd=repository,
            env=environment,
            text=True,
            capture_output=True,
            check=False,
        )
        said = json.loads(done.stderr)
        assert said["code"] == 0, done.stdout
        assert "Looked at 1 staged file" in done.stdout
    modules: list[str] = said["modules"]
    return modules


def test_the_list_is_not_empty(loaded: list[str]) -> None:
    assert {"secretguard.cli.scan", "secretguard.scan.run", "hyperscan"} <= set(loaded)


def test_only_these_packages_of_others_are_loaded(loaded: list[str]) -> None:
    top = {name.partition(".")[0] for name in loaded}
    foreign = {name for name in top if name not in sys.stdlib_module_names and not name.startswith("secretguard")}
    assert sorted(name for name in foreign if not name.startswith(tuple(ALLOWED))) == []


def test_no_plugin_is_imported(loaded: list[str]) -> None:
    assert [name for name in loaded if name.startswith("secretguard_")] == []


@pytest.mark.parametrize("unwanted", UNWANTED)
def test_nothing_is_loaded_before_it_is_needed(loaded: list[str], unwanted: str) -> None:
    assert [name for name in loaded if name == unwanted or name.startswith(f"{unwanted}.")] == []


def test_a_report_without_a_terminal_needs_no_rich(tmp_path: Path) -> None:
    code = "import sys, secretguard.report.text; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=True)
