"""The local store keeps the contract that every store keeps."""

from pathlib import Path

import pyrage
import pytest

from secretguard.secret import Secret
from secretguard.stores import local
from secretguard.testing.store_place import StorePlace
from secretguard.testing.stores import StoreContract
from tests.stores.conftest import Local, ref


class TestLocalStore(StoreContract):
    """With its key in a file."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> StorePlace:
        here = Local(tmp_path / "data")
        return StorePlace(
            store=local,
            environ=here.environ,
            reference=ref("team/app"),
            holds=lambda text: any(text in plain for plain in opened(here)),
            unreachable={**here.environ, "XDG_DATA_HOME": "/dev/null/nowhere"},
        )


def opened(here: Local) -> list[str]:
    """Every file of the store, opened with the key as it lies on disk."""
    key = Secret(here.key_file.read_text().splitlines()[-1])
    identity = pyrage.x25519.Identity.from_str(key.reveal())
    files = [path for path in here.store.rglob("*") if path.is_file()]
    return [
        (pyrage.decrypt(path.read_bytes(), [identity]) if path.suffix == ".age" else path.read_bytes()).decode()
        for path in files
    ]
