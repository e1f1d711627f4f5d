"""Both journals, for tests that ask the same of each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rotate.journals import Kind, on_postgres, on_sqlite


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Kind]:
    kind = on_sqlite(tmp_path)
    yield kind
    kind.close()


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    """A database of its own on the Postgres server."""
    kind = on_postgres(request.getfixturevalue("postgres"), tmp_path)
    yield kind
    kind.close()


@pytest.fixture(params=["sqlite", "team"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.getfixturevalue(request.param)
    return found
