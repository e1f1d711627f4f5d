"""A run is measured whole: children, their processor time, their memory; and it can be ended."""

import os
import sys
from pathlib import Path
from time import perf_counter, sleep

import pytest

from benchmarks.process import Run, measure, memory_of

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no /proc")
BUSY = "import time\nwhile time.process_time() < 0.2: pass"
LARGE = "import time; kept = bytearray(60_000_000); time.sleep(0.3)"


def run(code: str, folder: Path, *, timeout: float = 30.0, watch_memory: bool = False) -> Run:
    """Run Python code in a child of the measured process."""
    outer = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    command = [sys.executable, "-c", outer, code]
    return measure(command, dict(os.environ), folder, timeout, watch_memory=watch_memory)


def test_the_processor_time_of_children_counts(tmp_path: Path) -> None:
    done = run(BUSY, tmp_path)
    assert done.cpu >= 0.2
    assert done.wall >= 0.2
    assert done.exit_code == 0


def test_the_exit_code_is_kept(tmp_path: Path) -> None:
    assert run("raise SystemExit(3)", tmp_path).exit_code == 3


@needs_proc
def test_the_memory_of_children_counts(tmp_path: Path) -> None:
    memory = run(LARGE, tmp_path, watch_memory=True).memory
    assert memory is not None
    assert 60_000_000 < memory.anonymous < 160_000_000
    assert memory.file_mapped > 0


def test_memory_is_looked_at_only_when_asked_for(tmp_path: Path) -> None:
    assert run("", tmp_path).memory is None


@needs_proc
def test_what_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    started = perf_counter()
    done = run(f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getsid(0))); time.sleep(60)",
               tmp_path, timeout=2.0)  # fmt: skip
    assert done.timed_out
    assert perf_counter() - started < 30
    sleep(0.2)
    assert memory_of(int((tmp_path / "pid").read_text())).anonymous == 0
