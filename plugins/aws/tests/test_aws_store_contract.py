"""Secrets Manager keeps what every store promises: by its model's rules, and on moto as far as moto has rules."""

import json
import secrets
import urllib.request
from typing import ClassVar

import pytest
import secretguard_aws.store

from secretguard.reference import SecretReference
from secretguard.testing.store_place import StorePlace
from secretguard.testing.stores import StoreContract
from tests.servers.moto import Moto
from tests.servers.processes import free_port
from tests.servers.strict_secretsmanager import StrictSecretsManager


def a_reference() -> SecretReference:
    return SecretReference("awssecrets", f"team/app-{secrets.token_hex(4)}", "")


class TestSecretsManagerByItsModel(StoreContract):
    destroys_at_once: ClassVar[bool] = False

    @pytest.fixture
    def place(self, strict_secretsmanager: StrictSecretsManager) -> StorePlace:
        reference = a_reference()
        return StorePlace(
            secretguard_aws.store,
            strict_secretsmanager.environ(),
            reference,
            holds=lambda text: strict_secretsmanager.holds(reference.path, text),
            unreachable=strict_secretsmanager.environ(AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}"),
        )


class TestSecretsManagerOnMoto(StoreContract):
    destroys_at_once: ClassVar[bool] = False
    exclusive: ClassVar[bool] = False
    """moto moves AWSPENDING whoever has it."""

    @pytest.fixture
    def place(self, moto: Moto) -> StorePlace:
        reference = a_reference()
        return StorePlace(
            secretguard_aws.store,
            moto.environ(),
            reference,
            holds=lambda text: text in versions_in_moto(moto, reference.path),
        )


def versions_in_moto(moto: Moto, name: str) -> str:
    with urllib.request.urlopen(f"{moto.url}/moto-api/data.json", timeout=5) as answer:
        data = json.load(answer)
    return json.dumps([one for one in data["secretsmanager"]["FakeSecret"] if name in json.dumps(one)])
