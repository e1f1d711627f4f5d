"""Who holds a lease, and whether he still can: a process that died on this host is seen without waiting."""

import json
import os
import pwd
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LEASE_SECONDS = 120.0
"""How long a lease lasts that nobody renews, where its holder's process cannot be looked at."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One process."""

    who: str
    """user@host."""
    pid: int
    started: str
    """When the process began, in ticks since its kernel did: with it a number used again is seen. Empty: not known."""
    kernel: str
    """Random name of the running kernel: two hosts, or two boots of one, never share it."""
    namespace: str
    """In which numbers of processes mean the same."""

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.who}, process {self.pid}"

    @property
    def alive(self) -> bool:
        """Whether the process runs; to be asked in its namespace only."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it is there, and somebody else's
        state, started = _state_and_start(self.pid)
        return state not in ("Z", "X") and (not started or not self.started or started == self.started)


@dataclass(frozen=True, slots=True)
class Held:
    """When a lease ends."""

    holder: Holder
    expires: float
    """Seconds since 1970 by the journal's clock."""
    uptime: float
    """The same moment in seconds since the holder's kernel began; no clock that is set moves it."""

    def by_now(self, me: Holder, now: float) -> bool:
        """Whether it is held still, as `me` sees it when the journal's clock says `now`.

        On one host no clock decides: a process either runs or does not. Elsewhere the journal's clock does; an end
        further away than any lease lasts was written before that clock was set back, and does not count.
        """
        if self.holder.kernel != me.kernel:
            return 0.0 < self.expires - now <= LEASE_SECONDS
        if self.holder.namespace == me.namespace:
            return self.holder.alive
        return uptime() < self.uptime


def this_process() -> Holder:
    """Return who we are."""
    host = os.uname().nodename
    kernel = _first_line(Path("/proc/sys/kernel/random/boot_id"))
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    _, started = _state_and_start(os.getpid())
    return Holder(f"{_user()}@{host}", os.getpid(), started, kernel or f"host {host}", namespace)


def uptime() -> float:
    """Return the seconds since this kernel began, time asleep included."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def to_text(holder: Holder) -> str:
    """Return a holder as the journal keeps it."""
    return json.dumps(asdict(holder), sort_keys=True)


def from_text(text: str) -> Holder:
    """Return the holder that the journal keeps; raises ValueError, TypeError."""
    return Holder(**json.loads(text))


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return a process's state and start as Linux tells them; empty where it does not."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return after_name[0], after_name[19]
    except (OSError, IndexError):
        return "", ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
