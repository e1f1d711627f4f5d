"""The README: one sentence, two commands, a sample that the program really prints."""

import os
import re
import shlex
from pathlib import Path

from tests.house.sample import printed
from tests.house.source import README, ROOT

TEXT = README.read_text("utf-8")
CI = ROOT / ".ci" / "run"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def setup_lines() -> list[str]:
    return [line for line in blocks("sh")[0].splitlines() if line and not line.startswith("#")]


def test_it_opens_with_one_sentence() -> None:
    title, sentence = TEXT.split("\n\n")[:2]
    assert title == "# secretguard"
    assert "\n" not in sentence
    assert len(re.findall(r"\.(?:\s|$)", sentence)) == 1


def test_two_commands_do_all_the_set_up() -> None:
    scan, tests = setup_lines()
    for line in (scan, tests):
        first, install, last = line.split(" && ")
        assert first == "python3 -m venv .venv"
        assert shlex.split(install)[:2] == [".venv/bin/pip", "install"]
        assert shlex.split(last)[0].startswith(".venv/bin/")
    assert scan.endswith("/secretguard scan --history")
    assert tests.endswith("/pytest")


def test_the_extra_that_the_tests_need_exists() -> None:
    extras = re.findall(r"'\.\[(\w+)\]'", TEXT)
    assert extras
    assert all(f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text("utf-8") for extra in extras)


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) < 130


def settled(text: str) -> str:
    """Without what differs between two runs or grows with the rules."""
    return re.sub(r"with [\d,]+ rules in [\d.,]+ s", "with … rules in … s", text).strip()


def test_the_sample_is_what_the_program_prints(tmp_path: Path) -> None:
    command, _, shown = blocks("console")[0].partition("\n")
    assert command == "$ secretguard scan --history"
    assert settled(shown) == settled(printed(tmp_path))


def test_ci_runs_the_command_of_the_readme() -> None:
    script = CI.read_text("utf-8")
    assert os.access(CI, os.X_OK)
    assert "README.md" in script
    assert "pip install" not in script, "it is taken out of the README, so that it cannot drift"
    for tool in ("ruff check .", "ruff format --check .", "mypy", "lint-imports"):
        assert f'".venv/bin/{tool}"' in script
