"""The user's home directory, as the environment says it, or the system."""

from collections.abc import Mapping
from pathlib import Path

NOWHERE = Path("/nonexistent")
"""What Debian gives to users without a home: nothing is found there, and nothing can be written."""


def home_of(environ: Mapping[str, str]) -> Path:
    """Return it; NOWHERE for a user id that the system does not know, as containers have them."""
    if named := environ.get("HOME"):
        return Path(named)
    try:
        return Path.home()
    except RuntimeError:
        return NOWHERE
