"""Where a scan spends its time, for the benchmarks: SECRETGUARD_TIMINGS names a file for a JSON object of seconds."""

import os
import time

_VARIABLE = "SECRETGUARD_TIMINGS"


class Timings:
    """Seconds by phase; what nobody asked for is not written."""

    def __init__(self) -> None:
        self._seconds = {"start-up": _since_start()}
        self._last = time.monotonic()

    def lap(self, phase: str) -> None:
        """Count the time since the lap before for `phase`."""
        now = time.monotonic()
        self.move("", phase, now - self._last)
        self._last = now

    def move(self, source: str, target: str, seconds: float) -> None:
        """Count `seconds` for `target` rather than for `source`."""
        self._seconds[target] = self._seconds.get(target, 0.0) + seconds
        if source:
            self._seconds[source] = self._seconds.get(source, 0.0) - seconds

    def write(self) -> None:
        """Write the file, if one is asked for."""
        if path := os.environ.get(_VARIABLE):
            import json
            from pathlib import Path

            rounded = {phase: round(seconds, 4) for phase, seconds in self._seconds.items()}
            Path(path).write_text(json.dumps(rounded), "utf-8")


def _since_start() -> float:
    """Return how long this process has been running, as Linux counts it; elsewhere its processor time."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib is not loaded for this
            started = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
