"""Where the key of the local store goes. The keyrings here are backends of the real library, in a process of their own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores.conftest import Local, Program

Use = Callable[..., str]
BACKENDS = """
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend

FILE = Path(os.environ["KEYRING_FILE"])

class Good(KeyringBackend):
    priority = 5
    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}
    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")
    def set_password(self, service, username, password):
        FILE.write_text(json.dumps(self._all() | {f"{service} {username}": password}))

class Forgetful(Good):
    def set_password(self, service, username, password):
        pass

class Locked(Good):
    def set_password(self, service, username, password):
        raise RuntimeError("locked: " + password)
    get_password = set_password

class MyPlaintextKeyring(Good):
    pass

class Chain(KeyringBackend):
    priority = 10
    backends = [MyPlaintextKeyring(), Good()]
    def get_password(self, service, username):
        raise RuntimeError("not asked")
    set_password = get_password
"""
USE = """
import os, sys
from secretguard.errors import StoreError
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import local
where, context = parse_reference("ref+local://app"), Context(os.environ)
try:
    said = local.preflight(where, context)
    if sys.argv[1] == "put":
        local.put(where, {"password": Secret("value")}, context)
    elif sys.argv[1] == "read":
        print((local.read(where, context) or {})["password"].reveal())
    print(*said.effects, *(f"{one.what} {one.hint}" for one in said.findings), sep="\\n")
except StoreError as error:
    print("error:", error, error.hint)
"""


@pytest.fixture
def use(place: Local, program: Program, tmp_path: Path) -> Use:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "own_keyrings.py").write_text(BACKENDS)

    def run(what: str, backend: str, **more: str) -> str:
        environ = {
            "XDG_DATA_HOME": str(place.data),
            "PYTHONPATH": str(tmp_path / "site"),
            "PYTHON_KEYRING_BACKEND": backend if "." in backend else f"own_keyrings.{backend}",
            "KEYRING_FILE": str(tmp_path / "keyring.json"),
            "HOME": str(tmp_path),
            **more,
        }
        done = program(USE, what, environ=environ)
        assert done.stderr == ""
        assert "AGE-SECRET-KEY" not in done.stdout
        return done.stdout

    return run


@pytest.mark.parametrize("backend", ["Good", "Chain"])
def test_a_keyring_that_keeps_secrets_gets_the_key(use: Use, place: Local, tmp_path: Path, backend: str) -> None:
    assert "encrypt it for the key in the keyring of the operating system" in use("look", backend)
    assert "error" not in use("put", backend)
    assert not place.key_file.exists()
    kept = json.loads((tmp_path / "keyring.json").read_text())
    assert [key[:15] for key in kept.values()] == ["AGE-SECRET-KEY-"]
    assert use("read", backend).startswith("value\n")


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("MyPlaintextKeyring", "own_keyrings.MyPlaintextKeyring keeps no secret"),
        ("keyring.backends.null.Keyring", "keyring.backends.null.Keyring keeps no secret"),
        ("keyring.backends.fail.Keyring", "there is no keyring here"),
        ("no.such.Keyring", "the keyring does not load"),
    ],
)
def test_a_keyring_that_keeps_no_secret_is_refused_by_name_and_the_file_is_told(
    use: Use, place: Local, tmp_path: Path, backend: str, words: str
) -> None:
    told = use("put", backend)
    assert words in told
    assert f"the file {place.key_file}" in told
    assert place.key_file.exists()
    assert not (tmp_path / "keyring.json").exists()
    assert use("read", backend).startswith("value\n")
    refused = use("put", backend, XDG_DATA_HOME=str(tmp_path / "other"), SECRETGUARD_STORE_KEY="keyring")
    assert refused.startswith("error: SECRETGUARD_STORE_KEY asks for the keyring, and")
    assert words in refused


def test_a_keyring_that_forgets_gets_no_value_to_lose(use: Use, place: Local) -> None:
    assert "the keyring forgets what it is given" in use("put", "Forgetful")
    assert not (place.store / "about.json").exists()
    assert not list(place.store.rglob("*.age"))


def test_a_keyring_that_refuses_tells_no_key(use: Use) -> None:
    assert "the keyring refuses (RuntimeError)" in use("put", "Locked")


def test_a_keyring_that_is_gone_is_told_and_no_other_key_is_made(use: Use, place: Local) -> None:
    use("put", "Good")
    for what in ("read", "put"):
        assert "in a keyring that cannot be used now: there is no keyring here" in use(
            what, "keyring.backends.fail.Keyring"
        )
    assert not place.key_file.exists()
    assert use("read", "Good").startswith("value\n")


def test_the_file_is_a_choice_too(use: Use, place: Local, tmp_path: Path) -> None:
    use("put", "Good", SECRETGUARD_STORE_KEY="file")
    assert place.key_file.exists()
    assert not (tmp_path / "keyring.json").exists()
    assert use("read", "keyring.backends.fail.Keyring").startswith("value\n")
