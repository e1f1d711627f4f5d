"""The wheel that `pip install .` makes holds everything a scan needs, and nothing of the tests."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser

import pytest

from secretguard.plugins import REPORTERS, RULES
from tests.house.source import PLUGINS, PRODUCT, ROOT, name_of

INPUT = ("README.md", "LICENSE", "pyproject.toml", "setup.py", "secretguard", "plugins")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built from a copy, for a build writes into its folder. Takes some seconds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in INPUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=LEFT_OUT)
        else:
            source.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(next(folder.glob("secretguard-*.whl"))) as archive:
        yield archive


def test_it_holds_every_module(wheel: zipfile.ZipFile) -> None:
    assert {re.sub(r"^plugins/[^/]+/", "", name_of(path)) for path in PRODUCT} - set(wheel.namelist()) == set()


def test_it_holds_every_rule_file_and_type_marker(wheel: zipfile.ZipFile) -> None:
    data = [path for folder in PLUGINS for path in folder.glob("secretguard_*/*") if path.suffix in (".yaml", ".typed")]
    assert len(data) >= 2 * len(PLUGINS)
    assert {path.relative_to(path.parents[1]).as_posix() for path in data} - set(wheel.namelist()) == set()


def test_it_declares_every_plugin(wheel: zipfile.ZipFile) -> None:
    declared = ConfigParser()
    declared.read_string(
        wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))).decode()
    )
    assert sorted(declared[RULES]) == [folder.name for folder in PLUGINS]
    assert {"text", "json", "jsonl", "sarif"} <= set(declared[REPORTERS])
    assert declared["console_scripts"]["secretguard"] == "secretguard.cli:main"


def test_it_holds_the_licence_and_no_tests(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert any(name.endswith("LICENSE") for name in names)
    assert [name for name in names if "tests/" in name or name.startswith(("docs", "benchmarks", "setup"))] == []
