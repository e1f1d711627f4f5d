"""What a plugin must offer. A plugin is a module with the functions of a Protocol: no base class, no register()."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from secretguard.model import Report

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


class RulesPlugin(Protocol):
    """Entry-point group `secretguard.rules`."""

    def rules(self) -> "Sequence[Traversable]":
        """Return the plugin's rule files (YAML, see `docs/rules.md`)."""
        ...


class Reporter(Protocol):
    """Entry-point group `secretguard.reporters`; the entry-point name is the `--format`."""

    def write(self, report: Report, out: TextIO, *, show_secrets: bool) -> None:
        """Write `report` to `out`; values only with `show_secrets`."""
        ...
