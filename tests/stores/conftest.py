"""A local store of its own for each test, opened as the plugin opens it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from secretguard.reference import SecretReference, parse_reference
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret
from secretguard.stores import local

ROTATION = "rot_00000000000000a1"


@dataclass(frozen=True)
class Local:
    """One user's data directory."""

    data: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"XDG_DATA_HOME": str(self.data), "SECRETGUARD_STORE_KEY": "file"}

    @property
    def store(self) -> Path:
        return self.data / "secretguard" / "store"

    @property
    def key_file(self) -> Path:
        return self.data / "secretguard" / "local-store.key"

    def document(self, name: str = "app") -> Path:
        return self.store / "documents" / name

    def context(self, rotation: str = "", **variables: str) -> Context:
        return Context(environ=self.environ | variables, rotation=rotation, timeout=5.0)

    def put(self, path: str = "app", **values: str) -> None:
        local.put(ref(path), fields(values), self.context())

    def stage(self, path: str = "app", rotation: str = ROTATION, **values: str) -> None:
        local.stage(ref(path), fields(values), self.context(rotation))

    def publish(self, path: str = "app", rotation: str = ROTATION) -> None:
        local.publish(ref(path), self.context(rotation))

    def seen(self, path: str = "app") -> dict[str, str] | None:
        return plain(local.read(ref(path), self.context()))

    def staged(self, path: str = "app", rotation: str = ROTATION) -> dict[str, str] | None:
        return plain(local.staged(ref(path), self.context(rotation)))

    def states(self, path: str = "app") -> list[tuple[str, str]]:
        return [(one.version, one.state) for one in local.versions(ref(path), self.context())]


def ref(path: str = "app") -> SecretReference:
    return parse_reference(f"ref+local://{path}")


def fields(values: Mapping[str, str]) -> Fields:
    return {name: Secret(value) for name, value in values.items()}


def plain(found: Fields | None) -> dict[str, str] | None:
    return None if found is None else {name: value.reveal() for name, value in found.items()}


@pytest.fixture
def place(tmp_path: Path) -> Local:
    return Local(tmp_path / "data")


Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program() -> Program:
    """Run Python code in a process of its own, with a store's environment."""

    def run(
        code: str, *words: object, environ: Mapping[str, str], **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *map(str, words)],
            env=os.environ | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,
        )

    return run
