"""Every environment variable of ours that something reads is one that the command line lets through."""

import re
from pathlib import Path

from secretguard.config import KEYS, OTHER_VARIABLES

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\"(SECRETGUARD_[A-Z_]*[A-Z])\"")


def test_no_variable_is_read_that_the_command_line_refuses() -> None:
    sources = [
        ROOT / "setup.py",
        *(ROOT / "secretguard").rglob("*.py"),
        *(ROOT / "plugins").glob("*/secretguard_*/**/*.py"),
    ]
    read = {name for one in sources for name in NAME.findall(one.read_text("utf-8"))}
    assert {"SECRETGUARD_FORGE_URL", "SECRETGUARD_PURE", "SECRETGUARD_VAULT_LEASE"} <= read
    keys = {"SECRETGUARD_" + key.upper().replace(".", "_").replace("-", "_") for key in KEYS}
    assert read <= {*keys, *OTHER_VARIABLES}
