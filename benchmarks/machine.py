"""What a number is worth nothing without: machine, versions, date."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import TIMINGS, Bench, inherited

_ROOT = Path(__file__).parents[1]


def machine() -> dict[str, str | int | float]:
    """Return the size of the machine and how busy it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    return {
        "cores": cores,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "cpu": _cpu(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
    }


def versions(bench: Bench) -> dict[str, str]:
    """Return the version of everything that takes part."""
    own = _said(*bench.secretguard, "--version").rpartition(" ")[2]
    commit = _said("git", "-C", str(_ROOT), "describe", "--always", "--dirty")
    return {
        "secretguard": own,
        **({"checkout": commit} if commit else {}),
        "python": platform.python_version(),
        "git": _said("git", "version").rpartition(" ")[2],
        **{one.peer.program: one.version for one in bench.peers},
    }


def tells_timings(secretguard: Sequence[str]) -> bool:
    """Return whether this secretguard takes the variable; one that does not know it refuses it."""
    environment = inherited() | {TIMINGS: os.devnull, "XDG_CONFIG_HOME": os.devnull}
    return subprocess.run([*secretguard, "config"], env=environment, capture_output=True, check=False).returncode == 0


def now() -> str:
    """Return the date and time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return match[1] if match else platform.machine()


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def in_words(facts: dict[str, str | int | float], found: dict[str, str], when: str) -> Sequence[str]:
    """Return machine, versions and date as two lines for a person."""
    programs = ", ".join(f"{name} {version}" for name, version in found.items())
    return (
        f"{when} · {facts['cores']} cores, {facts['memory_gb']} GB, {facts['cpu']} · load {facts['load']} at the start",
        programs,
    )
