"""A command line for each module; all share the compiled rules."""

import pytest

from tests.journeys.running import CommandLine


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("home"), tmp_path_factory.getbasetemp() / "home" / "cache")
