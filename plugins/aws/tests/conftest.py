"""The desk of an operator of Secrets Manager."""

from collections.abc import Iterator

import pytest
from secretguard_aws import session

from tests.servers.secretsmanager_desk import Desk
from tests.servers.strict_secretsmanager import (
    StrictSecretsManager,
)


@pytest.fixture
def desk(strict_secretsmanager: StrictSecretsManager) -> Iterator[Desk]:
    yield Desk(strict_secretsmanager)
    session._client.cache_clear()
