"""What the tests of bad input share: a small repository, and what a good message is."""

import random
from itertools import islice
from pathlib import Path
from typing import Any

from secretguard.testing import Planted, RepositoryBuilder, Text, text
from secretguard.testing.keys import llm_keys
from tests.journeys.running import CommandLine, Done

FOUND, USAGE, INCOMPLETE, INTERRUPTED = 1, 2, 3, 130
KEY, OTHER, *_ = islice(llm_keys(random.Random(21)), 2)


def app(path: Path) -> RepositoryBuilder:
    """Build a repository with one key in its files, and one in its past."""
    builder = RepositoryBuilder(path)
    builder.write("old.env", line_with(OTHER)).write("README.md", "# App\n").commit("Start")
    builder.remove("old.env").write("settings.env", line_with(KEY)).commit("Add settings")
    return builder


def line_with(key: Planted) -> Text:
    return text(f"{key.variable}={key.secret}\n", key)


def explained(done: Done, code: int, *words: str) -> None:
    """The run ended with this code and told a person why, what to do, and nothing that only a developer needs."""
    said = done.stderr + done.stdout
    assert done.returncode == code, (done.returncode, said[-2000:])
    assert "Traceback" not in said
    for word in words:
        assert word in said, (word, said[-2000:])
    assert "hint: " in done.stderr or "hint" in done.stdout, said[-2000:]


def keys_found(report: dict[str, Any]) -> int:
    return len(report["credentials"])


def loose(builder: RepositoryBuilder, name: str) -> Path:
    return builder.path / ".git" / "objects" / name[:2] / name[2:]


def blob_at(command_line: CommandLine, builder: RepositoryBuilder, path: str) -> str:
    return command_line.git("rev-parse", path, cwd=builder.path)
