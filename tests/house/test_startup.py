"""The hook is quick because it loads little and asks git little: a staged commit in which nothing is found."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ALLOWED = {
    "hyperscan": "the prefilter",
    "cython_runtime": "of hyperscan",
    "_cython": "of hyperscan",
}
"""Third-party top-level package -> what it is loaded for."""
REPORTS = ("rich", "pygments", "markdown_it", "textwrap", "secretguard.report.sarif", "secretguard.report.json_report")
COMMANDS = ("click", "secretguard.cli.commands", "secretguard.cli.scan", "secretguard.cli.baseline")
NETWORK = ("requests", "urllib3", "urllib.request", "http", "ssl", "socket", "email", "asyncio")
ROTATION = (
    "git", "hvac", "boto3", "botocore", "psycopg", "keyring", "pyrage", "stamina", "pybreaker", "sqlite3", "jinja2",
    "ast_grep_py", "tomlkit", "secretguard.rotate", "secretguard.rewrite", "secretguard.stores", "secretguard.transport",
)  # fmt: skip
JUDGEMENT = (
    "detect_secrets", "gibberish_detector", "secretguard.engine.inside", "secretguard.engine.precise",
    "secretguard.engine.forms", "secretguard.engine.values", "secretguard.engine.containers", "secretguard.engine.decode",
    "secretguard.scan.identity", "secretguard.scan.hidden", "tarfile", "zipfile", "bz2", "lzma", "html",
)  # fmt: skip
RULES = (
    "yaml", "tomllib", "json", "importlib.metadata", "importlib.resources", "secretguard.rules", "secretguard.patterns",
    "secretguard.plugins", "secretguard.engine.anchors", "secretguard.testing",
)  # fmt: skip
OTHER_SCANS = (
    "isal", "mmap", "multiprocessing", "concurrent", "secretguard.git.packs", "secretguard.git.history",
    "secretguard.git.clone", "secretguard.scan.sources_files", "secretguard.scan.sources_history",
    "secretguard.scan.sources_changes", "secretguard.scan.baseline", "secretguard.scan.foreign_config",
)  # fmt: skip
REST = ("tempfile", "shutil", "random", "secrets", "difflib", "logging", "argparse", "datetime", "traceback", "csv")
UNWANTED = (*REPORTS, *COMMANDS, *NETWORK, *ROTATION, *JUDGEMENT, *RULES, *OTHER_SCANS, *REST)
"""What costs time and is needed only when something is found, or by another command."""
PROGRAM = """
import sys
started = []
before = set(sys.modules)
sys.addaudithook(lambda event, details: started.append(details[1]) if event == "subprocess.Popen" else None)
from secretguard.cli import main
code = main(["scan", "--staged"])
sys.stderr.write(repr({"code": int(code), "modules": sorted(set(sys.modules) - before), "started": started}))
"""


class Hook(NamedTuple):
    """What one run of the hook did."""

    modules: list[str]
    questions: list[str]
    """The git commands that it started."""


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Hook:
    """A scan of a harmless staged file, once the rules are compiled."""
    folder = tmp_path_factory.mktemp("startup")
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_NOSYSTEM": "1"}
    repository = folder / "repository"
    repository.mkdir()
    author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    subprocess.run(["git", "init", "-q"], cwd=repository, env=environment, check=True)
    for lines, words in ((100, (*author, "commit", "-q", "-m", "one")), (101, ("status", "-s"))):
        (repository / "harmless.py").write_text("print('hello')\n" * lines)
        subprocess.run(["git", "add", "--all"], cwd=repository, env=environment, check=True)
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
        said = ast.literal_eval(done.stderr)
        assert said["code"] == 0, done.stdout
        assert "Looked at 1 staged file" in done.stdout
    known = ("rev-parse", "cat-file", "diff-index", "ls-files", "config")
    questions = [next((word for word in line if word in known), " ".join(line)) for line in said["started"]]
    return Hook(said["modules"], questions)


def test_the_list_is_not_empty(hook: Hook) -> None:
    assert {"secretguard.cli.scanning", "secretguard.scan.run", "hyperscan"} <= set(hook.modules)


def test_only_these_packages_of_others_are_loaded(hook: Hook) -> None:
    top = {name.partition(".")[0] for name in hook.modules}
    foreign = {name for name in top if name not in sys.stdlib_module_names and not name.startswith("secretguard")}
    assert sorted(name for name in foreign if not name.startswith(tuple(ALLOWED))) == []


def test_no_plugin_is_imported(hook: Hook) -> None:
    assert [name for name in hook.modules if name.startswith("secretguard_")] == []


@pytest.mark.parametrize("unwanted", UNWANTED)
def test_nothing_is_loaded_before_it_is_needed(hook: Hook, unwanted: str) -> None:
    assert [name for name in hook.modules if name == unwanted or name.startswith(f"{unwanted}.")] == []


def test_git_is_asked_four_times(hook: Hook) -> None:
    where_it_is, what_it_ignores, what_is_staged, its_content = "rev-parse", "cat-file", "diff-index", "cat-file"
    assert hook.questions == [where_it_is, what_it_ignores, what_is_staged, its_content]


def test_a_report_without_a_terminal_needs_no_rich(tmp_path: Path) -> None:
    code = "import sys, secretguard.report.text; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=True)
