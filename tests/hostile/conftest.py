"""A command line for each module, and a repository with one key that every scan must find in spite of everything."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from secretguard.testing import Planted, RepositoryBuilder, text
from secretguard.testing.keys import llm_key
from tests.journeys.running import CommandLine


@dataclass(frozen=True)
class Hostile:
    """A repository that means harm: one planted key, and a file that must never appear."""

    path: Path
    builder: RepositoryBuilder
    key: Planted
    marker: Path

    def trap(self, name: str = "trap") -> Path:
        """Write a program that leaves the marker behind when it runs."""
        program = self.path.parent / name
        program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{self.marker}'\nexit 1\n")
        program.chmod(0o755)
        return program

    def trigger(self) -> str:
        """Return what ran, and forget it."""
        seen = self.marker.read_text() if self.marker.exists() else ""
        self.marker.unlink(missing_ok=True)
        return seen


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("home"), tmp_path_factory.getbasetemp() / "home" / "cache")


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    key = llm_key(random.Random(11))
    builder = RepositoryBuilder(tmp_path / "hostile")
    builder.write("README.md", "# Innocent\n").commit("Start")
    builder.write("app/settings.env", text(f"{key.variable}={key.secret}\n", key)).commit("Add settings")
    return Hostile(tmp_path / "hostile", builder, key, tmp_path / "executed")
