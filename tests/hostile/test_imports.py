"""Code that lies in the scanned directory is data: the command imports nothing from there."""

import sys
from pathlib import Path

import pytest

from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine

MODULES = (
    "sitecustomize", "usercustomize", "yaml", "click", "hyperscan", "detect_secrets", "tomllib", "json", "re", "base64",
    "typing_extensions", "secretguard_evil", "secretguard_openai", "git", "_hyperscan",
)  # fmt: skip


@pytest.fixture
def booby_trapped(hostile: Hostile) -> Hostile:
    evil = f"open({str(hostile.marker)!r}, 'a').write(__name__ + chr(10))\n"
    for name in MODULES:
        (hostile.path / f"{name}.py").write_text(evil)
    for name in ("rich", "secretguard", "markupsafe"):
        (hostile.path / name).mkdir()
        (hostile.path / name / "__init__.py").write_text(evil)
        (hostile.path / name / "__main__.py").write_text(evil)
    for metadata in ("secretguard_evil-1.0.dist-info", "secretguard_evil.egg-info"):
        (hostile.path / metadata).mkdir()
        (hostile.path / metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: secretguard-evil\nVersion: 1.0\n"
        )
        (hostile.path / metadata / "PKG-INFO").write_text(
            "Metadata-Version: 2.1\nName: secretguard-evil\nVersion: 1.0\n"
        )
        (hostile.path / metadata / "entry_points.txt").write_text(
            "[secretguard.rules]\nevil = secretguard_evil\n[secretguard.reporters]\nevil = secretguard_evil\n"
        )
    (hostile.path / "evil.pth").write_text(f"import sys; open({str(hostile.marker)!r}, 'a').write('pth')\n")
    (hostile.path / "pyvenv.cfg").write_text(f"home = {hostile.path}\n")
    (hostile.path / "conftest.py").write_text(evil)
    return hostile


@pytest.mark.parametrize("words", [("scan",), ("scan", "--history"), ("scan", "--staged"), ("plugins",), ("doctor",)])
def test_the_command_imports_nothing_from_the_current_directory(
    booby_trapped: Hostile, command_line: CommandLine, words: tuple[str, ...]
) -> None:
    program = Path(sys.executable).with_name("secretguard")
    if not program.exists():
        pytest.skip("secretguard is not installed beside this Python")
    done = command_line.program(program, *words, cwd=booby_trapped.path)
    assert done.returncode in (0, 1), done.stderr
    assert booby_trapped.trigger() == ""
    assert "evil" not in done.stdout if words == ("plugins",) else True


def test_neither_does_the_hook(booby_trapped: Hostile, command_line: CommandLine) -> None:
    assert command_line.program(sys.executable, "-P", "-m", "secretguard", "hook", "install", cwd=booby_trapped.path)
    hook = booby_trapped.path / ".git" / "hooks" / "pre-commit"
    done = command_line.program(hook, cwd=booby_trapped.path)
    assert done.returncode == 0, done.stderr
    assert booby_trapped.trigger() == ""


def test_python_dash_m_imports_nothing_but_what_is_called_secretguard(
    booby_trapped: Hostile, command_line: CommandLine
) -> None:
    """`python -m secretguard` finds the first package of that name, so that one name is Python's to decide."""
    for file in (booby_trapped.path / "secretguard").iterdir():
        file.unlink()
    (booby_trapped.path / "secretguard").rmdir()
    done = command_line.run("scan", cwd=booby_trapped.path)
    assert done.returncode == 1, done.stderr
    assert booby_trapped.trigger() == ""


def test_pythonpath_with_an_empty_entry_is_the_operators_own_doing_but_not_ours(
    booby_trapped: Hostile, command_line: CommandLine
) -> None:
    """The hook must not put the current directory on the path of anything it starts."""
    script = (booby_trapped.path / ".git" / "hooks").joinpath("pre-commit")
    command_line.program(sys.executable, "-P", "-m", "secretguard", "hook", "install", cwd=booby_trapped.path)
    assert "PYTHONPATH" not in script.read_text()
    assert " -P -m secretguard" in script.read_text()
