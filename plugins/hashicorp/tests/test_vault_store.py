"""Vault and OpenBao keep what every store promises, and what only they can."""

import secrets

import pytest
import secretguard_hashicorp.store as store

from secretguard.reference import parse_reference
from secretguard.testing import StoreContract, StorePlace
from tests.servers.openbao import OpenBao
from tests.servers.processes import free_port


def a_path() -> str:
    return f"team-{secrets.token_hex(4)}/app"


class TestVaultStore(StoreContract):
    @pytest.fixture
    def place(self, openbao: OpenBao) -> StorePlace:
        path = a_path()
        return StorePlace(
            store,
            openbao.environ(),
            parse_reference(f"ref+vault://secret/{path}#/DATABASE_URL"),
            lambda text: openbao.holds(path, text),
            {"VAULT_ADDR": f"http://127.0.0.1:{free_port()}", "VAULT_TOKEN": openbao.root},
        )
