"""What the command line says about a rotation."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from secretguard.cli import console
from secretguard.cli.rotation_given import Given
from secretguard.cli.rotation_words import JsonTeller, Teller, TextTeller
from secretguard.rotate.servers import Server
from secretguard.rotation import Mode


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about a rotation."""

    chosen: Mapping[str, Any]
    """The global options."""
    repositories: tuple[str, ...] = (".",)
    to: str = ""
    mode: Mode = Mode.BREACH
    rotator: str = ""
    admin: str = ""
    old_from: str = ""
    kill_first: bool = False
    deliver: str = ""
    """patch, branch, pr or none; empty: not said."""
    variable: str = ""
    wait_merge: bool = False
    insist: bool = False
    given: Given = field(default_factory=Given)
    """What of this was said, and is no default."""
    plan_only: bool = False
    yes: bool = False
    servers: tuple[Server, ...] = ()
    """Which servers may see the new value."""
    leave_out: tuple[Server, ...] = ()
    """Which servers never answer."""
    reason: str = ""
    """Why they are left out."""
    used_no_more: bool = False
    observe: float = 60.0
    """Seconds for which nobody may be seen to use the old value before it is ended, gracefully."""
    several: bool = False
    """Whether this is one of several credentials: not each has every server that is named."""
    as_json: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """What stores and rotators read."""

    @property
    def asks(self) -> bool:
        """Whether there is somebody who can answer."""
        return not self.yes and console.is_somebody_there()

    @property
    def teller(self) -> Teller:
        """Who says what happens."""
        return JsonTeller() if self.as_json else TextTeller()
