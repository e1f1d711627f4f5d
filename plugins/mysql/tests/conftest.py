"""No breaker outlives a test that makes a server fail."""

from collections.abc import Iterator

import pytest

from secretguard.transport import breaker


@pytest.fixture(autouse=True)
def _fresh_breakers() -> Iterator[None]:
    breaker.cache_clear()
    yield
    breaker.cache_clear()
