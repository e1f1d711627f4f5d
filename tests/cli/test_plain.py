"""The lines that hooks run are read without click, and mean what click says they mean."""

from itertools import permutations

import click
import pytest

from secretguard.cli import commands, plain
from secretguard.cli import scan as scan_command

WORDS = (
    "--history", "--staged", "--stdin", "--include-ignored", "--no-cache", "--show-secrets",
    "-q", "--quiet", "--no-color", "--no-repo-config", "some/path",
)  # fmt: skip
LINES = [("scan", *words) for count in range(3) for words in permutations(WORDS, count)]
BESIDE_THE_OPTIONS = ("history", "staged", "stdin")


def as_click_reads(line: tuple[str, ...]) -> tuple[str, dict[str, object], dict[str, object]]:
    """The mode, scan's own options and the global ones."""
    command = commands.secretguard.get_command(click.Context(commands.secretguard), "scan")
    assert command is not None
    context = command.make_context("scan", list(line[1:]), obj={})
    options = {name: value for name, value in context.params.items() if name not in BESIDE_THE_OPTIONS}
    return scan_command._mode(context.params), options, context.obj


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_plain_line_means_what_click_says(line: tuple[str, ...]) -> None:
    asked = plain.scan_asked(line)
    if asked is None:
        with pytest.raises(click.UsageError):
            as_click_reads(line)
    else:
        assert tuple(asked) == as_click_reads(line)


@pytest.mark.parametrize(
    "line",
    [
        [], ["--version"], ["show", "--staged"], ["-q", "scan"], ["scan", "--format", "json"], ["scan", "--format=json"],
        ["scan", "-qv"], ["scan", "-v"], ["scan", "--help"], ["scan", "--stag"], ["scan", "a", "b"], ["scan", "--", "a"],
        ["scan", "--staged", "--history"], ["scan", "--since", "HEAD~1"], ["scan", "-"],
    ],
)  # fmt: skip
def test_any_other_line_is_left_to_click(line: list[str]) -> None:
    assert plain.scan_asked(line) is None
