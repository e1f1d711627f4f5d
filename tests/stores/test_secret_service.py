"""The key of the local store in a real keyring of a Linux desktop, asked without loading the library keyring."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment  # noqa: F401 - a fixture

SESSION = """
eval "$(echo | gnome-keyring-daemon --unlock --components=secrets)"
printf of-the-keyring | "$0" -m secretguard store put 'ref+local://app#/PASSWORD'
PASSWORD='ref+local://app#/PASSWORD' "$0" -c '
import sys
def instead(event, details):
    if event == "os.exec":
        names = ("keyring", "secretstorage", "pyrage", "importlib.metadata", "secretguard.transport")
        print(*(name for name in names if name in sys.modules), flush=True)
sys.addaudithook(instead)
from secretguard.cli import main
sys.exit(main(["run", "--", "/bin/sh", "-c", "echo $PASSWORD"]))
'
"""


@pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="gnome-keyring and dbus are not installed",
)
def test_a_key_in_the_secret_service_is_had_without_loading_the_library(
    environment: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    line = ["dbus-run-session", "--", "bash", "-c", SESSION, sys.executable]
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {**environment, "XDG_RUNTIME_DIR": str(runtime), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=120, check=False)
    about = json.loads((tmp_path / "data" / "secretguard" / "store" / "about.json").read_text())
    assert about["key"] == "keyring", done.stderr
    assert done.stdout.splitlines() == ["secretstorage pyrage", "of-the-keyring"]
