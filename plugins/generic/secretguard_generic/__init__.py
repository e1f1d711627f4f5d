"""What secretguard knows about generic credentials."""

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable


def rules() -> Sequence[Traversable]:
    """Return the rule files of this package."""
    found = (file for file in files(__name__).iterdir() if file.name.endswith(".yaml"))
    return sorted(found, key=lambda file: file.name)
