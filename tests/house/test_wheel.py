"""The wheel that `pip install .` makes holds everything a scan needs, and nothing of the tests."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from secretguard.plugins import REPORTERS, RULES
from tests.house.source import PLUGINS, PRODUCT, ROOT, name_of

INPUT = ("README.md", "LICENSE", "pyproject.toml", "setup.py", "secretguard", "plugins")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", "build", "tests")
HAS_COMPILER = any(map(shutil.which, ("cc", "gcc", "clang")))
USES_READER = """
import importlib, sys
from array import array
sys.path.insert(0, sys.argv[1])
from secretguard.git import delta
files = [importlib.import_module(name).__file__ for name in sys.argv[2:]]
assert all(file.startswith(sys.argv[1]) for file in files)
steps = array("q", bytes(64))
end = delta.parse_delta(bytes((3, 3, 0x90, 3)), steps)
result = bytearray(3)
delta.apply_delta(b"abc", b"", steps, end, result)
print({file.rpartition(".")[2] for file in files}, delta.COMPILED, bytes(result))
"""


def build(folder: Path, **variables: str) -> Path:
    """Build the wheel from a copy, for a build writes into its folder."""
    source = folder / "source"
    for name in INPUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=LEFT_OUT)
        else:
            source.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return next(folder.glob("secretguard-*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """As a machine without a C compiler builds it: that takes a quarter of the time."""
    with zipfile.ZipFile(build(tmp_path_factory.mktemp("wheel"), CC="/bin/false")) as archive:
        yield archive


def compiled_names() -> list[str]:
    (names,) = re.findall(r"^COMPILED = (\(.+?\))", (ROOT / "setup.py").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return sorted(f"secretguard.{name}" for name in ast.literal_eval(names))


def unpacked(archive: zipfile.ZipFile, folder: Path) -> str:
    """What the reader in the wheel says of itself, by the same Python in a process of its own."""
    archive.extractall(folder)
    command = [sys.executable, "-I", "-c", USES_READER, str(folder), *compiled_names()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not HAS_COMPILER, reason="needs a C compiler")
def test_with_a_compiler_the_delta_loop_in_it_is_compiled(tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tmp_path / "build")) as compiled:
        machine_code = [name for name in compiled.namelist() if name.endswith((".so", ".pyd"))]
        assert sorted(name.split(".")[0].replace("/", ".") for name in machine_code) == compiled_names()
        assert unpacked(compiled, tmp_path / "unpacked") == "{'so'} True b'abc'\n"


def test_without_a_compiler_it_is_built_all_the_same(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    assert [name for name in wheel.namelist() if name.endswith((".so", ".pyd", ".c"))] == []
    assert unpacked(wheel, tmp_path) == "{'py'} False b'abc'\n"


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
    assert sorted(declared[RULES]) == [folder.name for folder in PLUGINS if folder.name != "languages"]
    assert {"python", "yaml", "shell"} <= set(declared["secretguard.rewriters"])
    assert {"text", "json", "jsonl", "sarif"} <= set(declared[REPORTERS])
    assert declared["console_scripts"]["secretguard"] == "secretguard.cli:main"


def test_it_holds_the_licence_and_no_tests(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert any(name.endswith("LICENSE") for name in names)
    assert [name for name in names if "tests/" in name or name.startswith(("docs", "benchmarks", "setup"))] == []
