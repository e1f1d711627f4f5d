"""Nothing a test does reaches the developer's home, and nothing of the developer's reaches a test."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = _home(tmp_path_factory)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.delenv("SECRETGUARD_ID_KEY", raising=False)


def _home(factory: pytest.TempPathFactory) -> Path:
    # One home a worker: the compiled rules are cached there, and compiling them takes a second.
    home = factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    return home
